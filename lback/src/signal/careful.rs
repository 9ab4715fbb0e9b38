//! Sending where not every receiver is called, or somebody watches: conditions, muting, recording,
//! tracing, isolation. Written without the signal's type, so it is compiled once for a connection.

use std::panic::resume_unwind;

use super::audience::Audience;
use crate::care::{caught, drop_quietly, text_of, text_of_panic};
use crate::error::{Result, of_receiver};
use crate::receiver::{OnError, Outcome, Registration, SignalInfo};
use crate::session::{
    Event, FailureCause, Session, SessionConnection, SkipReason, Target, TransactionOptions, within,
};
use crate::trace;

/// A signal that is being sent, of whatever type. Receivers are told by their places in its audience.
pub(super) trait Sent<C: SessionConnection> {
    fn audience(&self) -> &'static Audience;
    fn session(&mut self) -> &mut Session<C>;
    /// What `when` says.
    fn is_wanted(&mut self, place: usize) -> bool;
    fn call(&mut self, place: usize) -> Outcome;
}

/// Says that `signal` is sent, and calls its whole audience.
pub(super) fn call_all_carefully<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    signal: &'static SignalInfo,
) -> Result<()> {
    sent.session().observe(|| Event::Sent(signal));
    let all = sent.audience().all.len();
    call_chosen(sent, 0..all)
}

/// Calls those at these places. Who is called is decided for all of them before any is: `when` and mute
/// belong to the sending.
pub(super) fn call_chosen<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    places: impl Iterator<Item = usize>,
) -> Result<()> {
    sent.session().forget_encodings();
    let chosen: Vec<_> = places
        .map(|place| (place, reason_to_skip(sent, place)))
        .collect();
    for (place, skipped) in chosen {
        if let Some(reason) = skipped {
            let target = Target(sent.audience().registration(place));
            sent.session().observe(|| Event::Skipped(target, reason));
        } else {
            call_observed(sent, place)?;
        }
    }
    Ok(())
}

fn reason_to_skip<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    place: usize,
) -> Option<SkipReason> {
    let registration = sent.audience().registration(place);
    if sent.session().is_muted(registration) {
        return Some(SkipReason::Muted);
    }
    (!sent.is_wanted(place)).then_some(SkipReason::When)
}

fn call_observed<C: SessionConnection>(sent: &mut dyn Sent<C>, place: usize) -> Result<()> {
    let registration = sent.audience().registration(place);
    let outcome = if sent.session().is_recording() {
        call_recorded(sent, place, registration)
    } else {
        call_as_told(sent, place, registration)
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(error) if registration.on_error == OnError::Isolate => {
            // What it did to the transaction is not undone by its savepoint.
            if let Err(unusable) = sent.session().check_usable() {
                drop_quietly(error);
                return Err(unusable);
            }
            sent.session().report_isolated(registration, error);
            Ok(())
        }
        Err(error) => Err(of_receiver(registration, error)),
    }
}

fn call_recorded<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    place: usize,
    registration: &'static Registration,
) -> Outcome {
    let target = Target(registration);
    let called = caught(|| call_as_told(sent, place, registration));
    let is_effect = registration.phase.waits();
    sent.session().observe(|| match &called {
        Ok(Ok(())) if is_effect => Event::Queued(target),
        Ok(Ok(())) => Event::Ran(target),
        Ok(Err(error)) => Event::Failed(target, text_of(error)),
        Err(panic) => {
            let message = text_of_panic(panic.as_ref());
            Event::Failed(target, text_of(&FailureCause::Panic(message)))
        }
    });
    called.unwrap_or_else(|panic| resume_unwind(panic))
}

fn call_as_told<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    place: usize,
    registration: &'static Registration,
) -> Outcome {
    let call = |sent: &mut dyn Sent<C>| match registration.on_error {
        OnError::Abort => sent.call(place),
        OnError::Isolate => call_isolated(sent, place, registration),
    };
    // What queues an effect is nobody's work yet.
    if trace::is_on() && !registration.phase.waits() {
        trace::watch(registration, || call(sent))
    } else {
        call(sent)
    }
}

/// Calls a receiver in a savepoint of its own. One that cannot write needs none.
fn call_isolated<C: SessionConnection>(
    sent: &mut dyn Sent<C>,
    place: usize,
    registration: &'static Registration,
) -> Outcome {
    if !registration.uses_session {
        return sent.call(place);
    }
    let open = sent.session().begin(&TransactionOptions::new())?;
    within(sent, |sent| sent.session(), open, |sent| sent.call(place))
}
