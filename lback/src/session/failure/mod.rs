//! Failures that no caller sees, and who is told of them.

#[cfg(feature = "tokio")]
mod late;

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::{Session, SessionConnection};
use crate::care::{Panic, caught, drop_quietly, message_of};
use crate::error::{Whole, without_details_inside};
use crate::receiver::{BoxError, Phase, Registration};

#[cfg(feature = "tokio")]
pub(crate) use self::late::LateFailures;

/// A failure that no caller saw: of an effect, or of an isolated receiver.
///
/// Its text names all causes, for it is often the only thing that is logged; so it has no
/// [`source`](std::error::Error::source), and [`cause`](Self::cause) leads to what was returned.
///
/// It is logged, and handed to the handler of
/// [`Session::with_failure_handler`](crate::Session::with_failure_handler), or else kept for
/// [`Session::take_failures`](crate::Session::take_failures), or those of `async` receivers for
/// `Database::take_failures`. If there is neither a handler nor
/// anybody who reads the log, the first of a session is printed on standard error.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The receiver, or `None` for a closure given to `on_commit` or `on_rollback`.
    pub receiver: Option<&'static Registration>,
    /// When it ran.
    pub phase: Phase,
    /// What it returned, or what it panicked with.
    pub cause: FailureCause,
}

/// How an effect or an isolated receiver failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum FailureCause {
    /// It returned this.
    Error(BoxError),
    /// It panicked with this message.
    Panic(String),
}

impl FailureCause {
    /// As elsewhere, without what the database quoted of the row.
    pub(super) fn of_error(error: BoxError) -> Self {
        Self::Error(without_details_inside(error))
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => Whole(error.as_ref()).fmt(f),
            Self::Panic(message) => write!(f, "it panicked: {message}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.receiver {
            Some(receiver) if self.phase == Phase::Durable => {
                write!(f, "{receiver} failed at a delivery: {}", self.cause)
            }
            Some(receiver) => write!(f, "{receiver} failed {}: {}", self.phase, self.cause),
            None => write!(f, "a closure failed {}: {}", self.phase, self.cause),
        }
    }
}

impl StdError for Failure {}

/// The failures that nobody has taken yet: the last 100, and how many there were.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Failures {
    /// The latest, oldest first.
    pub latest: VecDeque<Failure>,
    /// All since they were last taken, with those that are no longer kept.
    pub count: u64,
}

/// Whether somebody reads what is logged of failures.
fn is_logged() -> bool {
    #[cfg(feature = "tracing")]
    {
        tracing::enabled!(target: "lback", tracing::Level::ERROR)
    }
    #[cfg(not(feature = "tracing"))]
    {
        false
    }
}

/// Tells on standard error, if nobody reads what is logged. Who does is the user's, and may panic.
fn tell_if_unlogged(say: impl FnOnce()) {
    let told = caught(|| {
        if !is_logged() {
            say();
        }
    });
    told.unwrap_or_else(|panic| drop(message_of(panic)));
}

/// How many failures a session keeps.
const KEPT: usize = 100;

impl Failures {
    fn keep(&mut self, failure: Failure) {
        if self.latest.len() == KEPT {
            drop_quietly(self.latest.pop_front());
        }
        self.latest.push_back(failure);
        self.count += 1;
    }

    #[cfg(feature = "tokio")]
    fn append(&mut self, later: Self) {
        let no_longer_kept = later.count - later.latest.len() as u64;
        self.count += no_longer_kept;
        for failure in later.latest {
            self.keep(failure);
        }
    }
}

pub(super) type FailureHandler = Arc<dyn Fn(&Failure) + Send + Sync>;

impl<C: SessionConnection> Session<C> {
    /// Has every failure that no caller sees (of effects, of isolated receivers) handed to
    /// `handler`, instead of kept.
    ///
    /// ```
    /// let session = lback::sqlite::connect(":memory:")?
    ///     .with_failure_handler(|failure| eprintln!("{failure}"));
    /// # let _ = session;
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_failure_handler(
        mut self,
        handler: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        self.on_failure = Some(Arc::new(handler));
        self
    }

    /// Takes the failures that no caller saw and no handler was given: the last 100, and how many
    /// there were.
    pub fn take_failures(&mut self) -> Failures {
        #[cfg(feature = "tokio")]
        if let (None, Some(lane)) = (&self.late_failures, &self.lane) {
            self.failures.append(lane.failures.take());
        }
        std::mem::take(&mut self.failures)
    }

    /// Reports that an isolated receiver failed.
    pub(crate) fn report_isolated(&mut self, receiver: &'static Registration, error: BoxError) {
        self.report(Failure {
            receiver: Some(receiver),
            phase: receiver.phase,
            cause: FailureCause::of_error(error),
        });
    }

    /// Reports a panic of code that is neither a receiver nor a closure: a value that was dropped, or
    /// Diesel's instrumentation.
    #[cold]
    pub(super) fn report_panic(&mut self, panic: Panic) {
        self.report_message(message_of(panic));
    }

    #[cold]
    fn report_message(&mut self, message: String) {
        self.report(Failure {
            receiver: None,
            phase: Phase::InTransaction,
            cause: FailureCause::Panic(message),
        });
    }

    pub(super) fn report(&mut self, failure: Failure) {
        if let Some(failure) = tell(failure, self.on_failure.clone(), &mut self.has_told) {
            self.failures.keep(failure);
        }
    }

    /// The last resort, when the session is dropped: more failures than the one that was told of, or
    /// one that nobody could be told of.
    pub(super) fn tell_of_untaken_failures(&mut self) {
        let count = self.failures.count;
        if count > u64::from(self.has_told) {
            tell_if_unlogged(|| {
                eprintln!("lback: a session was dropped with {count} failures that nobody took");
            });
        }
    }

    /// Drops what belongs to the user; a panic of it is reported.
    pub(super) fn drop_for_user<T>(&mut self, value: T) {
        if let Some(message) = drop_quietly(value) {
            self.report_message(message);
        }
    }

    /// Drops the effects that will not run, and what was noted of writes that did not last.
    pub(super) fn discard(&mut self) {
        while let Some(effect) = self.ledger.effects.next_discarded() {
            self.drop_for_user(effect);
        }
        while let Some(note) = self.ledger.journal.next_cut_note() {
            self.drop_for_user(note);
        }
        while let Some(closure) = self.ledger.journal.next_cut_closure() {
            self.drop_for_user(closure);
        }
    }
}

/// Logs a failure, and hands it to the handler. If there is none, or it panics, the failure comes back,
/// to be kept.
fn tell(failure: Failure, handler: Option<FailureHandler>, has_told: &mut bool) -> Option<Failure> {
    // A handler that panics must not take the remaining effects with it; nor an error whose text
    // panics, or which panics when it is dropped.
    let told = caught(|| {
        #[cfg(feature = "tracing")]
        tracing::error!(target: "lback", %failure, "a failure that no caller sees");
        if handler.is_none() && !*has_told && !is_logged() {
            *has_told = true;
            eprintln!(
                "lback: {failure}\n  (Nobody was told of this. Give the session or the pool a \
                 `with_failure_handler(..)`, or install a `tracing` subscriber; \
                 `with_failure_handler(|_| {{}})` says nothing.)"
            );
        }
        handler.map(|handler| handler(&failure))
    });
    match told {
        Ok(Some(())) => {
            drop_quietly(failure);
            None
        }
        Ok(None) => Some(failure),
        Err(panic) => {
            message_of(panic);
            Some(failure)
        }
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    fn failures(count: usize, from: usize) -> Failures {
        let mut failures = Failures::default();
        for number in from..from + count {
            failures.keep(Failure {
                receiver: None,
                phase: Phase::AfterCommit,
                cause: FailureCause::Panic(number.to_string()),
            });
        }
        failures
    }

    fn first_and_last(failures: &Failures) -> Option<(String, String)> {
        let text = |failure: Option<&Failure>| Some(failure?.cause.to_string());
        Some((
            text(failures.latest.front())?,
            text(failures.latest.back())?,
        ))
    }

    #[test]
    fn what_is_appended_counts_with_what_is_no_longer_kept() {
        let mut failures = failures(3, 0);
        failures.append(self::failures(130, 1000));
        assert_eq!((failures.count, failures.latest.len()), (133, KEPT));
        let ends = (
            "it panicked: 1030".to_owned(),
            "it panicked: 1129".to_owned(),
        );
        assert_eq!(first_and_last(&failures), Some(ends));
    }
}
