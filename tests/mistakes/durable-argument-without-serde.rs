use lback::sqlite::prelude::*;

struct Order {
    number: i32,
}

#[signal]
struct OrderShipped<'a> {
    order: &'a Order,
    session: &'a mut Session,
}

#[receiver(order_shipped, durable, id = "orders.notify")]
fn notify(order: &Order) {
    println!("{}", order.number);
}

fn main() {}
