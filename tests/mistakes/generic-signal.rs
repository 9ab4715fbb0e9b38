use lback::sqlite::prelude::*;

#[signal]
struct Changed<'a, T> {
    value: &'a T,
}

fn main() {}
