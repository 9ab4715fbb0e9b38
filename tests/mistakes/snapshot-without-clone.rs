use lback::sqlite::prelude::*;

struct Order;

#[signal]
struct OrderShipped<'a> {
    order: &'a Order,
    session: &'a mut Session,
}

#[receiver(order_shipped, after_commit)]
fn notify(order: &Order) {
    let _ = order;
}

fn main() {}
