//! How rows are delivered, and what became of them.

/// What became of rows that were claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Delivered, and gone.
    pub done: u64,
    /// Failed attempts, each to be followed by another.
    pub failed: u64,
    /// Dead letters: the last attempt has failed, or none can succeed.
    pub dead: u64,
    /// Put off by [`Snooze`](super::Snooze).
    pub snoozed: u64,
    /// Taken over by another worker, because the lease was over.
    pub lost: u64,
    /// Given back before they were begun.
    pub released: u64,
}

impl Delivered {
    /// How many rows that were.
    pub fn count(&self) -> u64 {
        self.done + self.failed + self.dead + self.snoozed + self.lost + self.released
    }
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.dead += other.dead;
        self.snoozed += other.snoozed;
        self.lost += other.lost;
        self.released += other.released;
    }
}

/// How rows are delivered.
pub(super) struct Manner<'a> {
    /// How many are claimed at once.
    pub(super) claim: u32,
    /// Whether a failed attempt is followed by the next at once.
    pub(super) is_hasty: bool,
    /// Whether nothing more is to be begun.
    pub(super) is_stopping: &'a dyn Fn() -> bool,
}
