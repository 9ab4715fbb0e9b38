use super::print::What;
use super::step::Step;
use super::{is_sent, must_be_receiver, name_of};
use crate::receiver::Signal;
use crate::session::{Event, Recording, SkipReason};

/// A walk through a recording: see [`Recording::in_order`]. Each step panics if it is not found
/// behind the one before.
#[derive(Clone, Debug)]
pub struct InOrder<'r> {
    recording: &'r Recording,
    next: usize,
    last: Option<String>,
}

// The last step of a walk is not used.
#[allow(clippy::return_self_not_must_use)]
impl<'r> InOrder<'r> {
    pub(super) fn through(recording: &'r Recording) -> Self {
        Self {
            recording,
            next: 0,
            last: None,
        }
    }

    /// The signal was sent.
    #[track_caller]
    pub fn sent<S: Signal>(self, signal: fn() -> S) -> Self {
        let _ = signal;
        self.step(format!("`{}` sent", S::INFO), |event| is_sent::<S>(event))
    }

    /// The receiver ran without failing.
    #[track_caller]
    pub fn ran<R: 'static>(self, receiver: R) -> Self {
        self.receiver(Step::Ran, &receiver)
    }

    /// The effect was queued.
    #[track_caller]
    pub fn queued<R: 'static>(self, receiver: R) -> Self {
        self.receiver(Step::Queued, &receiver)
    }

    /// The receiver was skipped.
    #[track_caller]
    pub fn skipped<R: 'static>(self, receiver: R, reason: SkipReason) -> Self {
        self.receiver(Step::Skipped(reason), &receiver)
    }

    /// The receiver failed.
    #[track_caller]
    pub fn failed<R: 'static>(self, receiver: R) -> Self {
        self.receiver(Step::Failed, &receiver)
    }

    #[track_caller]
    fn receiver<R: 'static>(self, step: Step, receiver: &R) -> Self {
        must_be_receiver(receiver);
        let what = format!("`{}` {step}", name_of(receiver));
        self.step(what, |event| step.is(event, receiver))
    }

    #[track_caller]
    fn step(self, what: String, is: impl Fn(&Event) -> bool) -> Self {
        let rest = &self.recording.events[self.next..];
        let Some(found) = rest.iter().position(is) else {
            let all = What(self.recording);
            match self.last {
                Some(last) => panic!("{what}: not found after {last}. {all}"),
                None => panic!("{what}: not found. {all}"),
            }
        };
        Self {
            next: self.next + found + 1,
            last: Some(what),
            ..self
        }
    }
}
