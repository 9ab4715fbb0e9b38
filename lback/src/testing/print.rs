//! How recordings and their parts are printed.

use std::fmt;

use crate::receiver::{Phase, Registration};
use crate::session::{Captured, Event, Failures, PendingEffect, Recording, SkipReason};

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.latest {
            writeln!(f, "  {failure}")?;
        }
        match self.count - self.latest.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  and {more} before them"),
        }
    }
}

/// One line an event, for a snapshot test.
impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events
            .iter()
            .try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, what) = match self {
            Self::Sent(signal) => return write!(f, "{signal} sent"),
            Self::Queued(target) => (target, "queued"),
            Self::Stored(target) => return write!(f, "{} stored", target.0.id),
            Self::Ran(target) => (target, "ran"),
            Self::Skipped(target, SkipReason::Muted) => (target, "skipped, muted"),
            Self::Skipped(target, SkipReason::When) => (target, "skipped by `when`"),
            Self::Failed(target, message) => {
                return write!(
                    f,
                    "{} failed{}: {message}",
                    target.0.id,
                    Late(target.0.phase)
                );
            }
        };
        write!(f, "{} {what}{}", target.0.id, Late(target.0.phase))
    }
}

/// One line an effect, for a snapshot test.
impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.effects
            .iter()
            .try_for_each(|effect| writeln!(f, "{effect}"))
    }
}

impl fmt::Display for PendingEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.receiver.map_or("a closure", |receiver| receiver.id);
        write!(f, "{id}{}", Late(self.phase))
    }
}

/// `, after commit`; nothing for a receiver in the transaction.
pub(super) struct Late(pub(super) Phase);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Phase::InTransaction => Ok(()),
            Phase::AfterCommit | Phase::AfterRollback | Phase::Durable => write!(f, ", {}", self.0),
        }
    }
}

pub(super) struct What<'r>(pub(super) &'r Recording);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.events.is_empty() {
            return f.write_str("Nothing happened.");
        }
        f.write_str("What happened:")?;
        let mut events = self.0.events.iter();
        events.try_for_each(|event| write!(f, "\n  {event}"))
    }
}

pub(super) struct Who<'r>(pub(super) &'r [&'static Registration]);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("Nobody listens to it.");
        }
        f.write_str("Its receivers:")?;
        let mut receivers = self.0.iter();
        receivers.try_for_each(|it| write!(f, "\n  `{}` ({})", it.id, it.place))
    }
}

pub(super) struct Times(pub(super) usize);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("once"),
            times => write!(f, "{times} times"),
        }
    }
}
