use lback::sqlite::prelude::*;

#[signal(post)]
struct OrderShipped<'a> {
    order: &'a u32,
    session: &'a mut Session,
}

fn main() {}
