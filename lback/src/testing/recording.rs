use super::print::{Times, What};
use super::step::Step;
use super::walk::InOrder;
use super::{is_sent, must_be_receiver, name_of};
use crate::receiver::Signal;
use crate::session::{Event, Recording, SkipReason};

/// Assertions on what was sent and what became of it.
impl Recording {
    /// What happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many times a signal was sent.
    pub fn times_sent<S: Signal>(&self, signal: fn() -> S) -> usize {
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
    pub fn assert_sent<S: Signal>(&self, signal: fn() -> S) {
        let sent = self.times_sent(signal) > 0;
        assert!(sent, "`{}` was not sent. {}", S::INFO, What(self));
    }

    /// # Panics
    ///
    /// If the signal was sent more or fewer times.
    #[track_caller]
    pub fn assert_sent_times<S: Signal>(&self, signal: fn() -> S, expected: usize) {
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
    pub fn assert_not_sent<S: Signal>(&self, signal: fn() -> S) {
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

    /// Asserts that a row was stored for a durable receiver, by a transaction that has committed. Whether it
    /// was delivered is another question.
    ///
    /// # Panics
    ///
    /// If it was not.
    ///
    /// ```no_run,standalone_crate
    /// # use lback::sqlite::{prelude::*, users::*};
    /// # #[receiver(user_post_create, durable, id = "mail.welcome")]
    /// # fn welcome(user: &User) {}
    /// # fn sign_up(session: &mut Session) {}
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// let ((), recording) = session.record(sign_up);
    /// recording.assert_stored(welcome);
    /// let (delivered, recording) = session.record(Session::deliver_all);
    /// assert_eq!(delivered?.done, 1);
    /// recording.assert_ran(welcome);
    /// # lback::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn assert_stored<R: 'static>(&self, receiver: R) {
        self.assert_step(Step::Stored, &receiver);
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
    /// # use lback::sqlite::{prelude::*, users::*};
    /// # #[receiver(user_pre_create)]
    /// # fn lower_case(data: &mut NewUser) {}
    /// # #[receiver(user_post_create)]
    /// # fn audit(user: &User) {}
    /// # let recording = lback::testing::Recording::default();
    /// recording.in_order().sent(user_pre_create).ran(lower_case).ran(audit);
    /// ```
    pub fn in_order(&self) -> InOrder<'_> {
        InOrder::through(self)
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
