use lback::sqlite::prelude::*;

#[signal]
struct OrderShipped {
    order: u32,
    session: Session,
}

fn main() {}
