//! To test receivers, and code that sends signals.
//!
//! The scopes belong to a session, by closure: [`record`](Session::record) notes what was sent and
//! what ran, [`capture`](Session::capture) holds effects back, [`mute`](Session::mute) and
//! [`mute_all`](Session::mute_all) silence. So tests run in parallel, and none sees another's.
//! Here are the assertions; signals and receivers are named by their paths, as everywhere.
//!
//! ```standalone_crate
//! use lback::sqlite::prelude::*;
//! use lback::testing::assert_registered;
//!
//! #[receiver(user_pre_create)]
//! fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//!
//! #[receiver(user_post_create, after_commit)]
//! fn welcome(user: &User) {}
//!
//! let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
//! let mut session = Session::for_test(connection)?;
//! lback::sqlite::migrate(&mut session)?;
//!
//! let new = NewUser::new("ada", "Ada@Example.com", "correct horse battery")?;
//! let (ada, recording) = session.record(|session| UserRepository::new().create(session, new));
//!
//! assert_eq!(ada?.email, "ada@example.com");
//! recording.assert_sent(user_post_create);
//! recording.assert_not_sent(user_post_delete);
//! recording.in_order().ran(lower_case).sent(user_post_create).queued(welcome).ran(welcome);
//! assert_registered(welcome, user_post_create);
//! # lback::Result::Ok(())
//! ```
//!
//! A failed assertion prints what happened instead:
//!
//! ```text
//! `user_post_delete` was not sent. What happened:
//!   user_pre_create sent
//!   shop::lower_case ran
//!   user_post_create sent
//!   shop::welcome queued, after commit
//!   shop::welcome ran, after commit
//! ```

use std::any::{TypeId, type_name, type_name_of_val};
use std::fmt;

#[cfg(doc)]
use crate::Session;
use crate::receiver::{Phase, Registration, Signal};
use crate::registry::Registry;
use crate::session::{Captured, Event, Failures, PendingEffect, Recording, SkipReason, Target};

/// Asserts that a function listens to a signal.
///
/// # Panics
///
/// If it does not; the message says who does.
///
/// ```standalone_crate
/// use lback::sqlite::prelude::*;
///
/// #[receiver(user_post_create)]
/// fn audit(user: &User) {}
///
/// lback::testing::assert_registered(audit, user_post_create);
/// ```
#[track_caller]
pub fn assert_registered<R: 'static, S: Signal>(receiver: R, signal: S) {
    let _ = signal;
    let name = name_of(&receiver);
    let listeners = listeners(S::INFO.key());
    assert!(
        listeners.iter().any(|it| is(it, &receiver)),
        "`{name}` is no receiver of `{}`. {}",
        S::INFO,
        Who(&listeners)
    );
}

/// Asserts that a function does not listen to a signal.
///
/// # Panics
///
/// If it does.
#[track_caller]
pub fn assert_not_registered<R: 'static, S: Signal>(receiver: R, signal: S) {
    let _ = signal;
    let listeners = listeners(S::INFO.key());
    if let Some(found) = listeners.iter().find(|it| is(it, &receiver)) {
        panic!("{found} is registered");
    }
}

/// Assertions on what was sent and what became of it.
impl Recording {
    /// What happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many times a signal was sent.
    pub fn times_sent<S: Signal>(&self, signal: S) -> usize {
        let _ = signal;
        self.count(|event| is_sent::<S>(event))
    }

    /// How many times a receiver ran, to its end or to its failure; an effect only once it really
    /// did, not when it was queued.
    ///
    /// # Panics
    ///
    /// If `receiver` is not one. So does every assertion about a receiver.
    #[track_caller]
    pub fn times_ran<R: 'static>(&self, receiver: R) -> usize {
        must_be_receiver(&receiver);
        self.count(|event| Step::Ran.is(event, &receiver) || Step::Failed.is(event, &receiver))
    }

    /// # Panics
    ///
    /// If the signal was not sent.
    #[track_caller]
    pub fn assert_sent<S: Signal>(&self, signal: S) {
        let sent = self.times_sent(signal) > 0;
        assert!(sent, "`{}` was not sent. {}", S::INFO, What(self));
    }

    /// # Panics
    ///
    /// If the signal was sent more or fewer times.
    #[track_caller]
    pub fn assert_sent_times<S: Signal>(&self, signal: S, expected: usize) {
        let times = self.times_sent(signal);
        assert!(
            times == expected,
            "`{}` was sent {} and not {}. {}",
            S::INFO,
            Times(times),
            Times(expected),
            What(self)
        );
    }

    /// # Panics
    ///
    /// If the signal was sent.
    #[track_caller]
    pub fn assert_not_sent<S: Signal>(&self, signal: S) {
        let times = self.times_sent(signal);
        assert!(
            times == 0,
            "`{}` was sent {}. {}",
            S::INFO,
            Times(times),
            What(self)
        );
    }

    /// # Panics
    ///
    /// If any signal was sent.
    #[track_caller]
    pub fn assert_nothing_sent(&self) {
        let sent = self.count(|event| matches!(event, Event::Sent(_)));
        assert!(sent == 0, "signals were sent. {}", What(self));
    }

    /// # Panics
    ///
    /// If the receiver did not run without failing.
    #[track_caller]
    pub fn assert_ran<R: 'static>(&self, receiver: R) {
        self.assert_step(Step::Ran, &receiver);
    }

    /// # Panics
    ///
    /// If the receiver ran more or fewer times.
    #[track_caller]
    pub fn assert_ran_times<R: 'static>(&self, receiver: R, expected: usize) {
        let name = name_of(&receiver);
        let times = self.times_ran(receiver);
        assert!(
            times == expected,
            "`{name}` ran {} and not {}. {}",
            Times(times),
            Times(expected),
            What(self)
        );
    }

    /// # Panics
    ///
    /// If the receiver ran, or failed.
    #[track_caller]
    pub fn assert_not_ran<R: 'static>(&self, receiver: R) {
        let name = name_of(&receiver);
        let times = self.times_ran(receiver);
        assert!(times == 0, "`{name}` ran {}. {}", Times(times), What(self));
    }

    /// Asserts that a receiver with a phase was queued. Whether it ran is another question.
    ///
    /// # Panics
    ///
    /// If it was not.
    #[track_caller]
    pub fn assert_queued<R: 'static>(&self, receiver: R) {
        self.assert_step(Step::Queued, &receiver);
    }

    /// # Panics
    ///
    /// If the receiver was not skipped for this reason.
    #[track_caller]
    pub fn assert_skipped<R: 'static>(&self, receiver: R, reason: SkipReason) {
        self.assert_step(Step::Skipped(reason), &receiver);
    }

    /// Asserts that a receiver failed, and gives its first message.
    ///
    /// # Panics
    ///
    /// If it did not fail.
    #[track_caller]
    pub fn assert_failed<R: 'static>(&self, receiver: R) -> &str {
        self.assert_step(Step::Failed, &receiver);
        for event in &self.events {
            if let Event::Failed(_, message) = event {
                if Step::Failed.is(event, &receiver) {
                    return message;
                }
            }
        }
        ""
    }

    /// Asserts that things happened one after the other; others may stand between them.
    ///
    /// ```no_run,standalone_crate
    /// # use lback::sqlite::prelude::*;
    /// # #[receiver(user_pre_create)]
    /// # fn lower_case(data: &mut NewUser) {}
    /// # #[receiver(user_post_create)]
    /// # fn audit(user: &User) {}
    /// # let recording = lback::Recording::default();
    /// recording.in_order().sent(user_pre_create).ran(lower_case).ran(audit);
    /// ```
    pub fn in_order(&self) -> InOrder<'_> {
        InOrder {
            recording: self,
            next: 0,
            last: None,
        }
    }

    #[track_caller]
    fn assert_step<R: 'static>(&self, step: Step, receiver: &R) {
        must_be_receiver(receiver);
        let found = self.events.iter().any(|event| step.is(event, receiver));
        assert!(
            found,
            "`{}` was not {step}. {}",
            name_of(receiver),
            What(self)
        );
    }

    fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is(event)).count()
    }
}

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
impl InOrder<'_> {
    /// The signal was sent.
    #[track_caller]
    pub fn sent<S: Signal>(self, signal: S) -> Self {
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

/// Assertions on the effects that wait.
impl Captured {
    /// How many effects wait.
    pub fn len(&self) -> usize {
        self.effects.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// How many times a receiver waits.
    ///
    /// # Panics
    ///
    /// If `receiver` is not one. So does every assertion about a receiver.
    #[track_caller]
    pub fn times_pending<R: 'static>(&self, receiver: R) -> usize {
        must_be_receiver(&receiver);
        let receivers = self.effects.iter().filter_map(|effect| effect.receiver);
        receivers.filter(|it| is(it, &receiver)).count()
    }

    /// # Panics
    ///
    /// If the receiver does not wait.
    #[track_caller]
    pub fn assert_pending<R: 'static>(&self, receiver: R) {
        let name = name_of(&receiver);
        let times = self.times_pending(receiver);
        assert!(times > 0, "`{name}` does not wait. What waits:\n{self}");
    }

    /// # Panics
    ///
    /// If the receiver waits more or fewer times.
    #[track_caller]
    pub fn assert_pending_times<R: 'static>(&self, receiver: R, expected: usize) {
        let name = name_of(&receiver);
        let times = self.times_pending(receiver);
        assert!(
            times == expected,
            "`{name}` waits {} and not {}. What waits:\n{self}",
            Times(times),
            Times(expected)
        );
    }

    /// # Panics
    ///
    /// If the receiver waits.
    #[track_caller]
    pub fn assert_not_pending<R: 'static>(&self, receiver: R) {
        self.assert_pending_times(receiver, 0);
    }

    /// # Panics
    ///
    /// If anything waits.
    #[track_caller]
    pub fn assert_nothing_pending(&self) {
        assert!(self.is_empty(), "effects wait:\n{self}");
    }
}

/// Assertions on the failures that no caller saw.
impl Failures {
    /// # Panics
    ///
    /// If there was any.
    ///
    /// ```
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// session.take_failures().assert_none();
    /// # lback::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn assert_none(&self) {
        assert!(self.count == 0, "there were failures:\n{self}");
    }
}

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

/// What can become of a receiver.
#[derive(Clone, Copy)]
enum Step {
    Queued,
    Ran,
    Skipped(SkipReason),
    Failed,
}

impl Step {
    fn is<R: 'static>(self, event: &Event, receiver: &R) -> bool {
        let Target(found) = match (self, event) {
            (Self::Queued, Event::Queued(target))
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
            Self::Ran => "run",
            Self::Skipped(SkipReason::Muted) => "skipped because of a mute",
            Self::Skipped(SkipReason::When) => "skipped by its `when`",
            Self::Failed => "failed",
        })
    }
}

/// `, after commit`; nothing for a receiver in the transaction.
struct Late(Phase);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Phase::InTransaction => Ok(()),
            phase => write!(f, ", {phase}"),
        }
    }
}

struct What<'r>(&'r Recording);

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

struct Who<'r>(&'r [&'static Registration]);

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

struct Times(usize);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("once"),
            times => write!(f, "{times} times"),
        }
    }
}

fn name_of<R>(receiver: &R) -> &'static str {
    type_name_of_val(receiver)
}

fn is<R: 'static>(registration: &Registration, _: &R) -> bool {
    (registration.function)() == TypeId::of::<R>()
}

fn is_sent<S: Signal>(event: &Event) -> bool {
    matches!(event, Event::Sent(signal) if *signal == S::INFO)
}

fn listeners(signal: TypeId) -> Vec<&'static Registration> {
    let listings = registry().listings();
    let listing = listings.iter().find(|it| it.signal.key() == signal);
    listing.map_or_else(Vec::new, |listing| listing.receivers.clone())
}

fn registry() -> &'static Registry {
    Registry::global().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn must_be_receiver<R: 'static>(receiver: &R) {
    let known = Registry::known().unwrap_or_else(|error| panic!("{error}"));
    let Some(registry) = known else {
        return;
    };
    let mut all = registry.listings().iter().flat_map(|it| &it.receivers);
    assert!(
        all.any(|it| is(it, receiver)),
        "`{}` is no receiver: nothing can be said of it",
        type_name::<R>()
    );
}
