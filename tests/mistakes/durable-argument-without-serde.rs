use lback::sqlite::prelude::*;

#[derive(Clone)]
struct Order {
    number: i64,
}

#[signal]
struct OrderShipped<'a> {
    order: &'a Order,
    session: &'a mut Session,
}

#[receiver(order_shipped, durable, id = "mail.shipped")]
fn notify(order: &Order) {
    println!("{}", order.number);
}

#[receiver(order_shipped, durable, id = "mail.shipped.owned")]
fn notify_too(order: Order) {
    println!("{}", order.number);
}

fn main() {}
