use lback::sqlite::prelude::*;

#[signal]
struct OrderShipped<'a> {
    conn: &'a str,
    signal: &'a str,
}

fn main() {}
