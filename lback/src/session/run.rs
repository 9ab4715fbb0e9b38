//! Running effects, once the transaction that they waited for has ended.

use super::ledger::Effect;
use super::{Failure, FailureCause, Session, SessionConnection};
use crate::care::{caught, message_of};
use crate::error::{Error, Result};
use crate::receiver::{IntoOutcome, Outcome, Phase};
use crate::trace;

/// What an effect does.
pub(crate) type Work<C> = Box<dyn FnOnce(&mut Session<C>) -> Outcome + Send>;

impl<C: SessionConnection> Session<C> {
    /// Calls `effect` once the outermost transaction has committed; at once, if none is open.
    ///
    /// A savepoint that is rolled back forgets it. Its error or panic is reported like that of an
    /// after-commit receiver, see [`with_failure_handler`](Self::with_failure_handler), and changes nothing for the
    /// caller.
    ///
    /// ```
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// session.transaction(|session| {
    ///     session.on_commit(|_session| println!("stored"));
    ///     lback::Result::Ok(())
    /// })?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn on_commit<R: IntoOutcome>(
        &mut self,
        effect: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) {
        if let Some(effect) = self.closure(Phase::AfterCommit, effect) {
            if self.in_transaction() {
                self.ledger.effects.push(effect);
            } else if self.is_capturing() {
                self.ledger.effects.push_ready(effect);
            } else {
                self.run_effect(effect);
            }
        }
    }

    /// Calls `effect` once the outermost transaction has ended, if what was done at this level did
    /// not last. It is dropped if no transaction is open.
    ///
    /// Best effort: a process that dies runs none, so never rely on it for compensation.
    ///
    /// ```
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// let refused: lback::Result<()> = session.transaction(|session| {
    ///     session.on_rollback(|_session| println!("it came to nothing"));
    ///     Err(lback::Invalid::new("amount", "must be positive").into())
    /// });
    /// assert!(refused.is_err());
    /// # lback::Result::Ok(())
    /// ```
    pub fn on_rollback<R: IntoOutcome>(
        &mut self,
        effect: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) {
        if self.in_transaction() {
            if let Some(effect) = self.closure(Phase::AfterRollback, effect) {
                self.ledger.effects.push(effect);
            }
        }
    }

    fn closure<R: IntoOutcome>(
        &mut self,
        phase: Phase,
        effect: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) -> Option<Effect<Work<C>>> {
        if let Err(error) = self.check_generation() {
            self.report(Failure {
                receiver: None,
                phase,
                cause: FailureCause::Error(error.into()),
            });
            return None;
        }
        let work: Work<C> = Box::new(|session: &mut Self| effect(session).into_outcome());
        let states = self.ledger.states.clone();
        Some(self.ledger.effects.effect(phase, None, states, work))
    }

    /// Whether a write that queues effects may happen.
    pub(crate) fn check_generation(&self) -> Result<()> {
        if self.ledger.effects.may_queue() {
            return Ok(());
        }
        let limit = self.ledger.effects.max_generations;
        Err(Error::EffectLoop {
            limit,
            receiver: self.ledger.chain.running(),
        })
    }

    /// After a level has ended: runs the effects that are ready, and drops those that will not run.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.ledger.effects.has_ready() || self.ledger.has_discarded() {
            self.settle_effects();
        }
    }

    /// Inside an effect nothing runs: the loop that runs that effect goes on.
    fn settle_effects(&mut self) {
        self.discard();
        if !self.ledger.effects.draining && self.ledger.effects.has_ready() && !self.is_capturing()
        {
            self.drain(|_| {});
        }
    }

    /// Runs all that is ready, even if a loop further out is at it, and shows each to `see` first.
    pub(super) fn drain(&mut self, mut see: impl FnMut(&Effect<Work<C>>)) {
        let outer = std::mem::replace(&mut self.ledger.effects.draining, true);
        while let Some(effect) = self.ledger.effects.next_ready() {
            see(&effect);
            self.run_effect(effect);
        }
        self.ledger.effects.draining = outer;
    }

    /// The session ends, and what is ready will not run: an effect has put another session in the place of
    /// this one.
    pub(super) fn report_what_waits(&mut self) {
        while let Some(effect) = self.ledger.effects.next_ready() {
            let why = "it did not run: its session was taken away while others ran";
            let failure = Failure {
                receiver: effect.receiver,
                phase: effect.phase,
                cause: FailureCause::Error(why.into()),
            };
            self.drop_for_user(effect);
            self.report(failure);
        }
    }

    /// Runs one. Neither its panic, nor that of anything it leaves behind, goes further.
    pub(super) fn run_effect(&mut self, effect: Effect<Work<C>>) {
        let Effect {
            phase,
            receiver,
            generation,
            states,
            work,
            ..
        } = effect;
        let identity = self.ledger.identity();
        let link = self.ledger.chain.link();
        if let Some(receiver) = receiver {
            self.ledger.chain.run(receiver);
        }
        let outer = std::mem::replace(&mut self.ledger.effects.generation, generation);
        let outcome = self.with_states(states, |session| {
            caught(|| match receiver {
                Some(receiver) if trace::is_on() && !receiver.is_async => {
                    trace::watch(receiver, || work(&mut *session))
                }
                _ => work(&mut *session),
            })
        });
        if self.ledger.identity() == identity {
            self.ledger.effects.generation = outer;
            self.ledger.chain.restore(link);
        }
        let failure = match outcome {
            // It has only been handed over: how it ends, a runtime will see.
            Ok(Ok(())) if receiver.is_some_and(|receiver| receiver.is_async) => return,
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(FailureCause::of_error(error)),
            Err(panic) => Some(FailureCause::Panic(message_of(panic))),
        };
        self.observe_effect(receiver, failure.as_ref());
        if let Some(cause) = failure {
            self.report(Failure {
                receiver,
                phase,
                cause,
            });
        }
    }
}
