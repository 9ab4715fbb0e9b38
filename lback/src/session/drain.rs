//! Running effects, and reporting what no caller sees.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::effect::Effect;
use super::{Failure, FailureCause, Failures, Session, SessionConnection};
use crate::error::{Error, Result};
use crate::receiver::{BoxError, IntoOutcome, Phase, Registration};
use crate::trace;

impl<C: SessionConnection> Session<C> {
    /// Calls `effect` once the outermost transaction has committed; at once, if none is open.
    ///
    /// A savepoint that is rolled back forgets it. Its error or panic is reported like that of an
    /// after-commit receiver, see [`on_failure`](Self::on_failure), and changes nothing for the
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
                self.effects.push(effect);
            } else if self.is_capturing() {
                self.effects.push_ready(effect);
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
                self.effects.push(effect);
            }
        }
    }

    fn closure<R: IntoOutcome>(
        &mut self,
        phase: Phase,
        effect: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) -> Option<Effect<C>> {
        if let Err(error) = self.check_generation() {
            self.report(Failure {
                receiver: None,
                phase,
                cause: FailureCause::Error(error.into()),
            });
            return None;
        }
        let run = Box::new(|session: &mut Self| effect(session).into_outcome());
        Some(self.effects.effect(phase, None, self.states.clone(), run))
    }

    /// Whether a write that queues effects may happen.
    pub(crate) fn check_generation(&self) -> Result<()> {
        if self.effects.may_queue() {
            return Ok(());
        }
        let limit = self.effects.max_generations;
        Err(Error::EffectLoop {
            limit,
            receiver: self.chain.running(),
        })
    }

    /// Runs what is ready, and what becomes ready meanwhile. Inside an effect it does nothing: the
    /// loop that runs that effect goes on.
    pub(super) fn run_effects(&mut self) {
        if !self.effects.draining && self.effects.has_ready() && !self.is_capturing() {
            self.drain(|_| {});
        }
    }

    /// Runs all that is ready, even if a loop further out is at it, and shows each to `see` first.
    pub(super) fn drain(&mut self, mut see: impl FnMut(&Effect<C>)) {
        let outer = std::mem::replace(&mut self.effects.draining, true);
        // No effect panics through here, but what prints its failure may.
        self.finally(
            |session| {
                while let Some(effect) = session.effects.next_ready() {
                    see(&effect);
                    session.run_effect(effect);
                }
            },
            |session| session.effects.draining = outer,
        );
    }

    pub(super) fn run_effect(&mut self, effect: Effect<C>) {
        let Effect {
            phase,
            receiver,
            generation,
            states,
            run,
            ..
        } = effect;
        let link = self.chain.link();
        if let Some(receiver) = receiver {
            self.chain.run(receiver);
        }
        let outer = std::mem::replace(&mut self.effects.generation, generation);
        let outcome = self.with_states(states, |session| {
            catch_unwind(AssertUnwindSafe(|| match receiver {
                Some(receiver) if trace::is_on() => trace::watch(receiver, || run(&mut *session)),
                _ => run(&mut *session),
            }))
        });
        self.effects.generation = outer;
        self.chain.restore(link);
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(FailureCause::Error(error)),
            Err(panic) => Some(FailureCause::of_panic(panic.as_ref())),
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

    /// Reports that an isolated receiver failed.
    pub(crate) fn report_isolated(&mut self, receiver: &'static Registration, error: BoxError) {
        let (phase, cause) = (receiver.phase, FailureCause::Error(error));
        self.report(Failure {
            receiver: Some(receiver),
            phase,
            cause,
        });
    }

    fn report(&mut self, failure: Failure) {
        let handler = self.on_failure.clone();
        let told = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "tracing")]
            tracing::error!(target: "lback", %failure, "a failure that no caller sees");
            handler.map(|handler| handler(&failure))
        }));
        // A handler that panics must not take the remaining effects with it.
        if !matches!(told, Ok(Some(()))) {
            self.failures.keep(failure);
        }
    }

    /// Has every failure that no caller sees (of effects, of isolated receivers) handed to
    /// `handler`, instead of kept.
    ///
    /// ```
    /// let mut session = lback::sqlite::connect(":memory:")?;
    /// session.on_failure(|failure| eprintln!("{failure}"));
    /// # lback::Result::Ok(())
    /// ```
    pub fn on_failure(&mut self, handler: impl Fn(&Failure) + Send + Sync + 'static) {
        self.on_failure = Some(std::sync::Arc::new(handler));
    }

    /// Takes the failures that no caller saw and no handler was given: the last 100, and how many
    /// there were.
    pub fn take_failures(&mut self) -> Failures {
        std::mem::take(&mut self.failures)
    }
}
