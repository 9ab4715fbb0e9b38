use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use super::{Declared, SessionSignal};
use crate::error::Result;
use crate::receiver::{Condition, Handler, OnError, Phase, Receiver, Registration, Signal};
use crate::registry::Registry;
use crate::session::Session;

/// One signal's receivers, ready to be called.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Table<S: Signal> {
    /// Those that queue an effect; called first.
    pub(super) effects: Box<[Entry<S>]>,
    /// Those that run in the transaction.
    pub(super) receivers: Box<[Entry<S>]>,
    /// Whether any has a `when` or is isolated.
    pub(super) has_conditions: bool,
    /// Whether any that runs in the transaction may write through the session.
    pub(super) may_write: bool,
}

pub(super) struct Entry<S: Signal> {
    pub(super) handler: Handler<S>,
    pub(super) registration: &'static Registration,
    pub(super) condition: Option<Condition<S>>,
}

impl<S: Declared> Table<S> {
    /// The signal's table, made at the first call.
    #[inline]
    pub(super) fn get() -> Result<&'static Self> {
        match S::table().get() {
            Some(table) => Ok(table),
            None => Self::make(),
        }
    }

    #[cold]
    fn make() -> Result<&'static Self> {
        S::table().get_or_try_init(|| {
            let registry = Registry::global()?;
            let mut receivers = HashMap::new();
            S::each(&mut |receiver| {
                receivers.insert(std::ptr::from_ref(receiver.registration()), receiver);
            });
            let ordered = registry.receivers_of(S::INFO).iter();
            Ok(Self::of(ordered.map(|registration| {
                receivers[&std::ptr::from_ref(*registration)]
            })))
        })
    }

    /// The table of receivers that are in order already.
    pub(super) fn of(receivers: impl Iterator<Item = &'static Receiver<S>>) -> Self {
        let entries = receivers.map(|receiver| Entry {
            handler: receiver.handler,
            registration: receiver.registration(),
            condition: receiver.condition,
        });
        let (receivers, effects): (Vec<_>, Vec<_>) =
            entries.partition(|entry| entry.registration.phase == Phase::InTransaction);
        let may_write = receivers
            .iter()
            .any(|entry| entry.registration.uses_session);
        let has_conditions = receivers.iter().chain(&effects).any(|entry| {
            entry.condition.is_some() || entry.registration.on_error == OnError::Isolate
        });
        Self {
            effects: effects.into(),
            receivers: receivers.into(),
            has_conditions,
            may_write,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.receivers.is_empty() && self.effects.is_empty()
    }
}

/// The table that a session hears: that of the program, or that of its own registry.
pub(super) enum Heard<S: Signal> {
    Program(&'static Table<S>),
    Own(Arc<Table<S>>),
}

impl<S: SessionSignal> Heard<S> {
    #[inline]
    pub(super) fn by(session: &Session<S::Connection>) -> Result<Self> {
        if session.is_scoped() {
            if let Some(tables) = session.own_tables() {
                let own = tables.get(&S::INFO.key()).cloned();
                let own = own.and_then(|table| table.downcast().ok());
                return Ok(Self::Own(
                    own.unwrap_or_else(|| Arc::new(Table::of([].into_iter()))),
                ));
            }
        }
        Table::get().map(Self::Program)
    }
}

impl<S: Signal> Deref for Heard<S> {
    type Target = Table<S>;

    fn deref(&self) -> &Table<S> {
        match self {
            Self::Program(table) => table,
            Self::Own(table) => table,
        }
    }
}
