use lback::sqlite::prelude::*;

#[derive(Clone)]
struct Order(std::rc::Rc<str>);

#[signal]
struct OrderShipped<'a> {
    order: &'a Order,
    session: &'a mut Session,
}

#[receiver(order_shipped, after_commit)]
fn notify(order: &Order) {
    println!("{}", order.0);
}

fn main() {}
