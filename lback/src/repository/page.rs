/// A part of a list: how many rows to pass over, and how many to return at most.
///
/// ```
/// use lback::Page;
///
/// let third = Page::new(2, 50);
/// assert_eq!((third.offset(), third.limit()), (100, 50));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    number: u32,
    size: u32,
}

impl Page {
    /// The page with this number, from 0, of `size` rows.
    pub const fn new(number: u32, size: u32) -> Self {
        Self { number, size }
    }

    /// How many rows come before it.
    pub const fn offset(self) -> i64 {
        (self.number as i64).saturating_mul(self.size as i64)
    }

    /// How many rows it has at most.
    pub const fn limit(self) -> i64 {
        self.size as i64
    }
}
