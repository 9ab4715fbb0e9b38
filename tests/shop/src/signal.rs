//! Signals without a session, the same for every database.

use lback::prelude::*;

/// A question that receivers answer by changing a number; they may refuse it.
#[signal(pre)]
pub struct PriceAsked<'a> {
    /// Borrowed.
    pub sku: &'a str,
    /// To be changed.
    pub cents: &'a mut i64,
}

/// Another question, with arguments of which only `sku` is the first's.
#[signal(pre)]
pub struct WeightAsked<'a> {
    /// Borrowed.
    pub sku: &'a str,
    /// To be changed.
    pub grams: &'a mut u32,
}

/// Owned arguments, and so no lifetime.
#[signal]
pub struct ShelfEmptied {
    /// Owned.
    pub shelf: String,
    /// By value.
    pub left: u32,
}
