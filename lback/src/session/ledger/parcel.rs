//! Parcels: rows for durable receivers, which wait to be stored by the transaction that is open.

use crate::receiver::{Encodings, Registration};

/// One row that is to be stored.
#[derive(Debug)]
pub struct Parcel {
    /// The delivery's id.
    pub(crate) id: String,
    pub(crate) receiver: &'static Registration,
    /// What stands in the row for the version of what is stored.
    pub(crate) version: i64,
    /// One more than that of the effect, or the delivery, which sent the signal.
    pub(crate) generation: i64,
    /// Those of one key are delivered one by one.
    pub(crate) key: Option<String>,
    /// What is stored, or why it cannot be.
    pub(crate) payload: Result<String, String>,
}

impl Parcel {
    /// What is stored; nothing, if it cannot be.
    pub(crate) fn text(&self) -> &str {
        self.payload.as_deref().unwrap_or_default()
    }
}

/// How many parcels waited at some moment.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// The parcels of a session. They hold nothing of the user's, so they are dropped at once.
#[derive(Default)]
pub(in crate::session) struct Parcels {
    waiting: Vec<Parcel>,
    pub(in crate::session) encodings: Encodings,
}

impl Parcels {
    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark(self.waiting.len())
    }

    pub(in crate::session) fn push(&mut self, parcel: Parcel) {
        self.waiting.push(parcel);
    }

    /// What was queued since `mark` does not last, or nobody knows whether it does.
    #[inline]
    pub(super) fn undo_to(&mut self, mark: Mark) {
        self.waiting.truncate(mark.0);
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// All that waits, in the order queued.
    #[inline]
    pub(in crate::session) fn take(&mut self) -> Vec<Parcel> {
        std::mem::take(&mut self.waiting)
    }
}
