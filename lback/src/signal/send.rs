//! Sending: effects are queued first, then the receivers in the transaction run, in order.

use std::panic::resume_unwind;

use super::table::{Entry, Table};
use super::{Declared, SessionSignal};
use crate::care::{caught, drop_quietly, text_of, text_of_panic};
use crate::error::{Result, of_receiver};
use crate::receiver::{OnError, Outcome};
use crate::session::{
    Event, FailureCause, Link, Session, SkipReason, Target, TransactionOptions, within,
};
use crate::trace;

/// What an operation needs, by the receivers of its signals.
#[derive(Clone, Copy, Default)]
pub(crate) struct Plan {
    /// Somebody listens, or watches.
    pub(crate) is_heard: bool,
    /// Somebody may write before the statement.
    pub(crate) writes_before: bool,
    /// Somebody runs after the statement, and may fail.
    pub(crate) runs_after: bool,
}

impl Plan {
    /// The plan of an operation that sends `Pre`, writes, and sends `Post`.
    #[inline]
    pub(crate) fn of<Pre, Post>(session: &Session<Pre::Connection>) -> Result<Self>
    where
        Pre: SessionSignal,
        Post: SessionSignal<Connection = Pre::Connection>,
    {
        let pre = Table::<Pre>::heard_by(session)?;
        let post = Table::<Post>::heard_by(session)?;
        if pre.is_empty() && post.is_empty() && !session.is_scoped() {
            return Ok(Self::default());
        }
        pre.check_effects(session)?;
        post.check_effects(session)?;
        Ok(Self {
            is_heard: true,
            writes_before: pre.may_write,
            runs_after: !post.receivers.is_empty(),
        })
    }
}

/// Fails if `S`, which is to be sent after the statement, could not be: what can be known before must
/// not fail afterwards.
pub(crate) fn check_sendable<S: SessionSignal>(session: &Session<S::Connection>) -> Result<()> {
    let table = Table::<S>::heard_by(session)?;
    if table.is_empty() {
        return Ok(());
    }
    session.ledger.chain.check(S::INFO)?;
    // A receiver that is muted needs nothing, and whether it is, is decided at sending.
    if !session.is_scoped() {
        for (receiver, need) in &table.states {
            session.check_state(receiver, *need)?;
        }
    }
    Ok(())
}

/// Sends a signal of an operation that is open already.
// Not public API. Used by generated code.
#[doc(hidden)]
#[inline]
pub fn dispatch<S: SessionSignal>(args: &mut S::Args<'_>) -> Result<()> {
    if S::session(args).is_scoped() {
        let table = Table::<S>::heard_by(S::session(args))?;
        return call_all(table, args);
    }
    let table = Table::<S>::get()?;
    if table.is_empty() {
        return Ok(());
    }
    call_all(table, args)
}

/// Sends a signal as an operation of its own: atomic, its effects queued and run.
// Not public API. Used by generated code.
#[doc(hidden)]
#[inline]
pub fn send<S: SessionSignal>(args: &mut S::Args<'_>) -> Result<()> {
    let session = S::session(args);
    session.check_usable()?;
    if !session.is_scoped() && Table::<S>::get()?.is_empty() {
        return Ok(());
    }
    send_to_receivers::<S>(args)
}

fn send_to_receivers<S: SessionSignal>(args: &mut S::Args<'_>) -> Result<()> {
    let session = S::session(args);
    let table = Table::<S>::heard_by(session)?;
    table.check_effects(session)?;
    session.before_write()?;
    // What is stored for durable receivers needs a transaction to be stored by.
    let stores_alone = table.stores && !session.in_transaction();
    let open = session.begin_operation(table.may_write || stores_alone)?;
    within(args, S::session, open, |args| call_all(table, args))
}

/// Sends a signal that has no session.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn send_plain<S: Declared>(args: &mut S::Args<'_>) -> Result<()> {
    let table = Table::<S>::get()?;
    for entry in &table.receivers {
        if entry.condition.is_none_or(|condition| condition(args)) {
            (entry.handler)(args).map_err(|error| of_receiver(entry.registration, error))?;
        }
    }
    Ok(())
}

fn call_all<S: SessionSignal>(table: &Table<S>, args: &mut S::Args<'_>) -> Result<()> {
    let link = S::session(args).ledger.chain.descend(S::INFO)?;
    let mut sending = Sending::<S> { args, link };
    if table.has_conditions || sending.session().is_scoped() || trace::is_on() {
        sending.with_conditions(table)
    } else {
        sending.plainly(table)
    }
}

/// Sends a signal to these of its receivers: to those in the transaction at one time, and its effects at
/// another.
pub(super) fn send_to<S: SessionSignal>(
    entries: &[&Entry<S>],
    args: &mut S::Args<'_>,
) -> Result<()> {
    let link = S::session(args).ledger.chain.descend(S::INFO)?;
    let mut sending = Sending::<S> { args, link };
    sending.call_chosen(entries.iter().copied())
}

/// Comes back up the chain when it is dropped, by return or by panic.
struct Sending<'x, 'a, S: SessionSignal> {
    args: &'x mut S::Args<'a>,
    link: Link,
}

impl<S: SessionSignal> Drop for Sending<'_, '_, S> {
    fn drop(&mut self) {
        S::session(self.args).ledger.chain.restore(self.link);
    }
}

impl<S: SessionSignal> Sending<'_, '_, S> {
    fn session(&mut self) -> &mut Session<S::Connection> {
        S::session(self.args)
    }

    /// No conditions, no scopes: every receiver is called.
    fn plainly(&mut self, table: &Table<S>) -> Result<()> {
        for entry in &table.effects {
            self.call_or_fail(entry)?;
        }
        for entry in &table.receivers {
            self.call_or_fail(entry)?;
        }
        Ok(())
    }

    #[inline]
    fn call_or_fail(&mut self, entry: &Entry<S>) -> Result<()> {
        match self.call(entry) {
            Ok(()) => Ok(()),
            Err(error) => Err(of_receiver(entry.registration, error)),
        }
    }

    #[inline]
    fn call(&mut self, entry: &Entry<S>) -> Outcome {
        self.session().ledger.chain.run(entry.registration);
        (entry.handler)(self.args)
    }

    /// As [`call`](Self::call), also a receiver of every entity.
    fn call_any(&mut self, entry: &Entry<S>) -> Outcome {
        self.session().ledger.chain.run(entry.registration);
        entry.run(self.args)
    }

    /// Asks first who is to be called: `when` and mute are decided when the signal is sent.
    fn with_conditions(&mut self, table: &Table<S>) -> Result<()> {
        self.session().observe(|| Event::Sent(S::INFO));
        self.call_chosen(table.effects.iter().chain(&table.receivers))
    }

    fn call_chosen<'t>(&mut self, entries: impl Iterator<Item = &'t Entry<S>>) -> Result<()>
    where
        S: 't,
    {
        self.session().forget_encodings();
        let chosen: Vec<_> = entries
            .map(|entry| (entry, self.reason_to_skip(entry)))
            .collect();
        for (entry, skipped) in chosen {
            let target = Target(entry.registration);
            if let Some(reason) = skipped {
                self.session().observe(|| Event::Skipped(target, reason));
            } else {
                self.call_observed(entry)?;
            }
        }
        Ok(())
    }

    fn reason_to_skip(&mut self, entry: &Entry<S>) -> Option<SkipReason> {
        if self.session().is_muted(entry.registration) {
            return Some(SkipReason::Muted);
        }
        (!entry.is_wanted(self.args)).then_some(SkipReason::When)
    }

    fn call_observed(&mut self, entry: &Entry<S>) -> Result<()> {
        let outcome = if self.session().is_recording() {
            self.call_recorded(entry)
        } else {
            self.call_as_told(entry)
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if entry.registration.on_error == OnError::Isolate => {
                // What it did to the transaction is not undone by its savepoint.
                if let Err(unusable) = self.session().check_usable() {
                    drop_quietly(error);
                    return Err(unusable);
                }
                self.session().report_isolated(entry.registration, error);
                Ok(())
            }
            Err(error) => Err(of_receiver(entry.registration, error)),
        }
    }

    fn call_as_told(&mut self, entry: &Entry<S>) -> Outcome {
        let call = match entry.registration.on_error {
            OnError::Abort => Self::call_any,
            OnError::Isolate => Self::call_isolated,
        };
        // What queues an effect is nobody's work yet.
        if trace::is_on() && !entry.registration.phase.waits() {
            trace::watch(entry.registration, || call(self, entry))
        } else {
            call(self, entry)
        }
    }

    fn call_recorded(&mut self, entry: &Entry<S>) -> Outcome {
        let target = Target(entry.registration);
        let called = caught(|| self.call_as_told(entry));
        let is_effect = entry.registration.phase.waits();
        self.session().observe(|| match &called {
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

    /// Calls a receiver in a savepoint of its own. One that cannot write needs none.
    fn call_isolated(&mut self, entry: &Entry<S>) -> Outcome {
        if !entry.registration.uses_session {
            return self.call_any(entry);
        }
        let open = self.session().begin(&TransactionOptions::new())?;
        self.session().ledger.chain.run(entry.registration);
        within(&mut *self.args, S::session, open, |args| entry.run(args))
    }
}
