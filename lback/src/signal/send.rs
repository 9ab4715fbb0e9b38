//! Sending: effects are queued first, then the receivers in the transaction run, in order.

use super::audience::Audience;
use super::careful::{Sent, call_all_carefully, call_chosen};
use super::table::Table;
use super::{Declared, SessionSignal};
use crate::error::{Result, of_receiver};
use crate::receiver::Outcome;
use crate::session::{Link, Session, SessionConnection, within};
use crate::trace;

/// What an operation needs, by the receivers of its signals.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is true of the receivers, whatever the others are.
pub(crate) struct Plan {
    /// Somebody listens, or watches.
    pub(crate) is_heard: bool,
    /// Somebody may write before the statement.
    pub(crate) writes_before: bool,
    /// Somebody runs after the statement, and may fail.
    pub(crate) runs_after: bool,
    /// Somebody is told after the statement, in the transaction or behind it.
    pub(crate) is_told_after: bool,
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
        Self::between(&pre.audience, &post.audience, session)
    }

    fn between<C: SessionConnection>(
        pre: &Audience,
        post: &Audience,
        session: &Session<C>,
    ) -> Result<Self> {
        pre.check_effects(session)?;
        post.check_effects(session)?;
        Ok(Self {
            is_heard: true,
            writes_before: pre.may_write,
            runs_after: !post.in_transaction().is_empty(),
            is_told_after: !post.all.is_empty(),
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
    table.audience.check_states(session)
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
    table.audience.check_effects(session)?;
    session.before_write()?;
    // What is stored for durable receivers needs a transaction to be stored by.
    let stores_alone = table.audience.stores && !session.in_transaction();
    let open = session.begin_operation(table.audience.may_write || stores_alone)?;
    within(args, S::session, open, |args| call_all(table, args))
}

/// Sends a signal that has no session.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn send_plain<S: Declared>(args: &mut S::Args<'_>) -> Result<()> {
    let table = Table::<S>::get()?;
    for entry in table.entries {
        if entry.condition.is_none_or(|condition| condition(args)) {
            (entry.handler)(args).map_err(|error| of_receiver(entry.registration, error))?;
        }
    }
    Ok(())
}

fn call_all<S: SessionSignal>(table: &'static Table<S>, args: &mut S::Args<'_>) -> Result<()> {
    let mut sending = Sending::<S>::begin(table, args)?;
    let is_careful = table.audience.needs_care || sending.session().is_scoped();
    if is_careful || trace::is_on() {
        call_all_carefully(&mut sending, S::INFO)
    } else {
        sending.plainly()
    }
}

/// Sends a signal to those of its receivers that stand at these places: to those in the transaction at
/// one time, and its effects at another.
pub(super) fn send_to<S: SessionSignal>(
    table: &'static Table<S>,
    places: &[usize],
    args: &mut S::Args<'_>,
) -> Result<()> {
    let mut sending = Sending::<S>::begin(table, args)?;
    call_chosen(&mut sending, places.iter().copied())
}

/// Comes back up the chain when it is dropped, by return or by panic.
struct Sending<'x, 'a, S: SessionSignal> {
    table: &'static Table<S>,
    args: &'x mut S::Args<'a>,
    link: Link,
}

impl<S: SessionSignal> Drop for Sending<'_, '_, S> {
    fn drop(&mut self) {
        S::session(self.args).ledger.chain.restore(self.link);
    }
}

impl<'x, 'a, S: SessionSignal> Sending<'x, 'a, S> {
    #[inline]
    fn begin(table: &'static Table<S>, args: &'x mut S::Args<'a>) -> Result<Self> {
        let link = S::session(args).ledger.chain.descend(S::INFO)?;
        Ok(Self { table, args, link })
    }

    /// No conditions, no scopes: every receiver is called.
    fn plainly(&mut self) -> Result<()> {
        for entry in self.table.entries {
            S::session(self.args).ledger.chain.run(entry.registration);
            if let Err(error) = (entry.handler)(self.args) {
                return Err(of_receiver(entry.registration, error));
            }
        }
        Ok(())
    }
}

impl<S: SessionSignal> Sent<S::Connection> for Sending<'_, '_, S> {
    fn audience(&self) -> &'static Audience {
        &self.table.audience
    }

    fn session(&mut self) -> &mut Session<S::Connection> {
        S::session(self.args)
    }

    fn is_wanted(&mut self, place: usize) -> bool {
        self.table.entries[place].is_wanted(self.args)
    }

    fn call(&mut self, place: usize) -> Outcome {
        let entry = &self.table.entries[place];
        S::session(self.args).ledger.chain.run(entry.registration);
        entry.run(self.args)
    }
}
