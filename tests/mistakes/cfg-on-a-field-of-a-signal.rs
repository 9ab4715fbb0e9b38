use lback::prelude::*;

#[signal]
struct OrderShipped {
    /// Its number.
    #[cfg(feature = "numbers")]
    number: i32,
}

fn main() {}
