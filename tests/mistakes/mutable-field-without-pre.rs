use lback::sqlite::prelude::*;

#[signal]
struct OrderShipped<'a> {
    weight: &'a mut u32,
    session: &'a mut Session,
}

fn main() {}
