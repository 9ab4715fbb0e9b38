use std::fmt;

use super::is;
use crate::session::{Event, SkipReason, Target};

/// What can become of a receiver.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Queued,
    Stored,
    Ran,
    Skipped(SkipReason),
    Failed,
}

impl Step {
    pub(super) fn is<R: 'static>(self, event: &Event, receiver: &R) -> bool {
        let Target(found) = match (self, event) {
            (Self::Queued, Event::Queued(target))
            | (Self::Stored, Event::Stored(target))
            | (Self::Ran, Event::Ran(target))
            | (Self::Failed, Event::Failed(target, _)) => target,
            (Self::Skipped(reason), Event::Skipped(target, found)) if reason == *found => target,
            _ => return false,
        };
        is(found, receiver)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Stored => "stored",
            Self::Ran => "run",
            Self::Skipped(SkipReason::Muted) => "skipped because of a mute",
            Self::Skipped(SkipReason::When) => "skipped by its `when`",
            Self::Failed => "failed",
        })
    }
}
