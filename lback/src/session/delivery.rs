//! Running a durable receiver with what was stored for it.

use super::care::{caught, message_of};
use super::{Failure, FailureCause, Session, SessionConnection};
use crate::receiver::{Delivery, Outcome, Registration};
use crate::trace;
use std::sync::Arc;

impl<C: SessionConnection> Session<C> {
    /// Runs `work` as a receiver that was called by a row: what it sends is one generation further. A panic
    /// is a failure.
    pub(crate) fn run_delivery(
        &mut self,
        receiver: &'static Registration,
        delivery: Delivery,
        generation: u32,
        work: impl FnOnce(&mut Self) -> Outcome,
    ) -> Result<(), FailureCause> {
        let identity = self.ledger.identity();
        let link = self.ledger.chain.link();
        self.ledger.chain.run(receiver);
        let outer = std::mem::replace(&mut self.ledger.effects.generation, generation);
        let states = self.ledger.states.with(Arc::new(delivery));
        let outcome = self.with_states(states, |session| {
            caught(|| {
                if trace::is_on() {
                    trace::watch(receiver, || work(&mut *session))
                } else {
                    work(&mut *session)
                }
            })
        });
        if self.ledger.identity() == identity {
            self.ledger.effects.generation = outer;
            self.ledger.chain.restore(link);
        }
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(FailureCause::of_error(error)),
            Err(panic) => Some(FailureCause::Panic(message_of(panic))),
        };
        self.observe_effect(Some(receiver), failure.as_ref());
        failure.map_or(Ok(()), Err)
    }

    /// A delivery has failed, and is tried again, or is a dead letter.
    pub(crate) fn report_delivery(&mut self, receiver: &'static Registration, cause: FailureCause) {
        self.report(Failure {
            receiver: Some(receiver),
            phase: receiver.phase,
            cause,
        });
    }
}
