use lback::sqlite::prelude::*;

#[signal]
pub struct OrderShipped<'a> {
    pub order: u32,
    weight: &'a u32,
}

fn main() {}
