//! Running a durable receiver with what was stored for it.

use std::sync::Arc;

use super::{Failure, FailureCause, Session, SessionConnection};
use crate::care::{caught, message_of};
use crate::receiver::{BoxError, Delivery, Outcome, Registration};
use crate::trace;

impl<C: SessionConnection> Session<C> {
    /// Runs a receiver that was called by a row: what it sends is one generation further. A panic is a failure.
    pub(crate) fn run_delivery(
        &mut self,
        receiver: &'static Registration,
        delivery: Delivery,
        generation: u32,
        work: impl FnOnce(&mut Self) -> Outcome,
    ) -> Result<(), FailureCause> {
        let outcome = self.begin_delivery(receiver, delivery, generation, |session| {
            if trace::is_on() {
                trace::watch(receiver, || work(&mut *session))
            } else {
                work(&mut *session)
            }
        });
        self.observe_delivery(receiver, &outcome);
        outcome
    }

    /// Does what a delivery needs the session for, with its state and under its receiver.
    pub(crate) fn begin_delivery<T>(
        &mut self,
        receiver: &'static Registration,
        delivery: Delivery,
        generation: u32,
        work: impl FnOnce(&mut Self) -> Result<T, BoxError>,
    ) -> Result<T, FailureCause> {
        let identity = self.ledger.identity();
        let link = self.ledger.chain.link();
        self.ledger.chain.run(receiver);
        let outer = std::mem::replace(&mut self.ledger.effects.generation, generation);
        let states = self.ledger.states.with(Arc::new(delivery));
        let outcome = self.with_states(states, |session| caught(|| work(session)));
        if self.ledger.identity() == identity {
            self.ledger.effects.generation = outer;
            self.ledger.chain.restore(link);
        }
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(FailureCause::of_error(error)),
            Err(panic) => Err(FailureCause::Panic(message_of(panic))),
        }
    }

    /// Tells a recording what became of a delivery.
    pub(crate) fn observe_delivery(
        &mut self,
        receiver: &'static Registration,
        outcome: &Result<(), FailureCause>,
    ) {
        self.observe_effect(Some(receiver), outcome.as_ref().err());
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
