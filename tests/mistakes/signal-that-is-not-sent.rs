#![deny(unused_must_use)]

use lback::prelude::*;

#[signal]
struct OrderShipped {
    number: i32,
}

fn main() {
    OrderShipped { number: 7 };
}
