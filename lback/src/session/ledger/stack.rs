//! The levels of a transaction that are open, from the outermost to the innermost.

use super::chain::Link;
use super::effect;
use super::journal;
use super::parcel;
use crate::error::{Error, Result};

/// What opened a level, and so what has to close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Kind {
    /// BEGIN, and so COMMIT or ROLLBACK. In a test transaction it is a savepoint.
    Outermost,
    /// SAVEPOINT, and so RELEASE or ROLLBACK TO.
    Savepoint,
    /// Nothing: whatever happens in it is one statement at most, which is atomic by itself.
    Bare,
}

/// The default bound on how many levels may be open.
///
/// Every level has frames on the program's stack: in a debug build some 2 KiB, so that 965 of them
/// filled the 2 MiB of a thread. This leaves room for what the closures themselves need.
const MAX_LEVELS: u32 = 100;

/// Proof that a level was opened, and by whom. Closing takes it, so a level is closed once.
#[must_use = "a level that is open must be closed"]
#[derive(Debug)]
pub(crate) struct Open {
    ledger: u64,
    height: usize,
}

impl Open {
    pub(super) fn new(ledger: u64, height: usize) -> Self {
        Self { ledger, height }
    }

    #[inline]
    pub(super) fn is(&self, ledger: u64, height: usize) -> bool {
        self.ledger == ledger && self.height == height
    }

    /// The number of the ledger that opened it.
    pub(in crate::session) fn ledger(&self) -> u64 {
        self.ledger
    }
}

/// What waited at some moment for the end of the transaction.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) effects: effect::Mark,
    pub(super) journal: journal::Mark,
    pub(super) parcels: parcel::Mark,
}

/// A level that is open.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) kind: Kind,
    /// How many levels with a statement of their own are open, this one included.
    depth: u32,
    /// What waited when it was opened.
    pub(super) mark: Mark,
    /// Which receivers ran when it was opened.
    pub(super) link: Link,
    /// Whether it, or one around it, refuses writes.
    is_read_only: bool,
    /// Whether a statement of the framework's has written something in it.
    pub(super) has_written: bool,
    /// Whether one had, before the latest.
    had_written: bool,
}

pub(super) struct Stack {
    levels: Vec<Level>,
    pub(super) limit: u32,
    /// Whether the framework has begun to write in the open transaction.
    pub(super) has_written: bool,
}

impl Stack {
    pub(super) fn new() -> Self {
        Self {
            levels: Vec::new(),
            limit: MAX_LEVELS,
            has_written: false,
        }
    }

    #[inline]
    pub(super) fn depth(&self) -> u32 {
        self.levels.last().map_or(0, |level| level.depth)
    }

    #[inline]
    pub(super) fn height(&self) -> usize {
        self.levels.len()
    }

    #[inline]
    pub(super) fn top(&self) -> Option<&Level> {
        self.levels.last()
    }

    /// How much stood in the journal when each level was opened, from the outermost on.
    pub(super) fn marks_of_journal(&mut self) -> impl Iterator<Item = &mut journal::Mark> {
        self.levels.iter_mut().map(|level| &mut level.mark.journal)
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_read_only)
    }

    /// The kind of the next level that has a statement.
    pub(super) fn next(&self) -> Result<Kind> {
        match self.depth() {
            0 => Ok(Kind::Outermost),
            depth if depth < self.limit => Ok(Kind::Savepoint),
            _ => Err(Error::NestedTooDeep { limit: self.limit }),
        }
    }

    /// Opens a level, and says how many are open then.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, mark: Mark, link: Link, is_read_only: bool) -> usize {
        let depth = match kind {
            Kind::Outermost => {
                self.has_written = false;
                1
            }
            Kind::Savepoint => self.depth() + 1,
            Kind::Bare => self.depth(),
        };
        self.levels.push(Level {
            kind,
            depth,
            mark,
            link,
            is_read_only: is_read_only || self.is_read_only(),
            has_written: false,
            had_written: false,
        });
        self.levels.len()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Level> {
        self.levels.pop()
    }

    /// What a level has written that was released belongs to the one around it.
    #[inline]
    pub(super) fn inherit(&mut self, released: &Level) {
        if let Some(level) = self.levels.last_mut() {
            level.has_written |= released.has_written;
        }
    }

    #[inline]
    pub(super) fn note_write(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.had_written = std::mem::replace(&mut level.has_written, true);
        }
    }

    /// Whether the innermost level writes, or has written.
    pub(super) fn is_writing(&self) -> bool {
        self.levels.last().is_some_and(|level| level.has_written)
    }

    #[inline]
    pub(super) fn note_no_write(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.has_written = level.had_written;
        }
    }

    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.has_written = false;
    }
}
