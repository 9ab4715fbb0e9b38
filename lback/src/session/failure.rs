use std::any::Any;
use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Whole;
use crate::receiver::{BoxError, Phase, Registration};

/// A failure that no caller saw: of an effect, or of an isolated receiver.
///
/// Its text names all causes, for it is often the only thing that is logged; so it has no
/// [`source`](std::error::Error::source), and [`cause`](Self::cause) leads to what was returned.
///
/// It is logged, and handed to the handler of [`Session::on_failure`](crate::Session::on_failure),
/// or else kept for [`Session::take_failures`](crate::Session::take_failures).
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
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Self::Panic(message.unwrap_or_else(|| "a panic without a message".to_owned()))
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

/// How many failures a session keeps.
const KEPT: usize = 100;

impl Failures {
    pub(super) fn keep(&mut self, failure: Failure) {
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(failure);
        self.count += 1;
    }
}

pub(super) type FailureHandler = Arc<dyn Fn(&Failure) + Send + Sync>;
