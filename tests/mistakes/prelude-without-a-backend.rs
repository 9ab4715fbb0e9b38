use lback::prelude::*;

#[signal]
struct OrderShipped<'a> {
    number: i32,
    session: &'a mut Session,
}

fn main() {}
