//! What a recording and a capture give back.

use crate::receiver::{Phase, Registration, SignalInfo};

/// What was sent through a session while it was recorded, and what became of it: see
/// [`Session::record`](crate::Session::record).
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub(crate) events: Vec<Event>,
}

/// One entry of a [`Recording`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signal was sent.
    Sent(&'static SignalInfo),
    /// An effect was queued, or something to be stored for a durable receiver.
    Queued(Target),
    /// A row for a durable receiver was stored: the transaction has committed.
    Stored(Target),
    /// A receiver ran.
    Ran(Target),
    /// A receiver did not run.
    Skipped(Target, SkipReason),
    /// A receiver failed, with this message.
    Failed(Target, String),
}

/// The receiver of an [`Event`].
#[derive(Clone, Copy, Debug)]
pub struct Target(pub &'static Registration);

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id && self.0.signal == other.0.signal
    }
}

impl Eq for Target {}

/// Why a receiver did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It, or its signal, is muted.
    Muted,
    /// Its `when` said no.
    When,
}

/// The effects of a [`Session::capture`](crate::Session::capture).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Captured {
    /// In the order queued.
    pub effects: Vec<PendingEffect>,
}

/// An effect that waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PendingEffect {
    /// The receiver, or `None` for a closure given to `on_commit` or `on_rollback`.
    pub receiver: Option<&'static Registration>,
    /// When it would run.
    pub phase: Phase,
}
