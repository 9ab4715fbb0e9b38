//! How rows are delivered, and what became of them.

use std::cell::RefCell;
use std::collections::HashSet;
#[cfg(feature = "tokio")]
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::session::Claimed;

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
    /// Of who delivers all that is due here and now: a failed attempt is followed by the next at once, and
    /// what is put off is left.
    pub(super) haste: Option<&'a Haste>,
    /// Whether nothing more is to be begun.
    pub(super) is_stopping: &'a dyn Fn() -> bool,
    /// Set while this thread waits for what a runtime has to do.
    #[cfg(feature = "tokio")]
    pub(super) awaits: &'a AtomicBool,
}

/// The rows that receivers have put off while all that is due is delivered at once.
#[derive(Debug, Default)]
pub(super) struct Haste(RefCell<HashSet<i64>>);

impl Haste {
    /// A row that is put off is not due again so soon.
    pub(super) const LEAST: Duration = Duration::from_secs(1);
    /// Nor is one that was met again all the same, because others took long. They must not keep coming back
    /// however many there are.
    pub(super) const AGAIN: Duration = Duration::from_secs(60);

    pub(super) fn put_off(&self, row: &Claimed) {
        self.0.borrow_mut().insert(row.seq);
    }

    /// Takes those away that were put off before.
    pub(super) fn met_again(&self, rows: &mut Vec<Claimed>) -> Vec<Claimed> {
        let put_off = self.0.borrow();
        let (met, others) = std::mem::take(rows)
            .into_iter()
            .partition(|row| put_off.contains(&row.seq));
        *rows = others;
        met
    }
}
