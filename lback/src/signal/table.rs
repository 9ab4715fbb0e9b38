use std::any::Any;
use std::collections::HashMap;

use once_cell::sync::OnceCell;

use super::{AnyCall, Declared, SessionSignal};
use crate::error::Result;
use crate::receiver::{
    Condition, Handler, OnError, Outcome, Phase, Receiver, Registration, Signal, StateNeed,
};
use crate::registry::Registry;
use crate::session::Session;

/// One signal's receivers, ready to be called.
pub(super) struct Table<S: Signal> {
    /// Those that queue an effect; called first.
    pub(super) effects: Box<[Entry<S>]>,
    /// Those that run in the transaction.
    pub(super) receivers: Box<[Entry<S>]>,
    /// Whether any has a `when` or is isolated.
    pub(super) has_conditions: bool,
    /// Whether any that runs in the transaction may write through the session.
    pub(super) may_write: bool,
    /// Whether any is durable.
    pub(super) stores: bool,
    /// What effects ask for whenever they are queued.
    pub(super) states: Box<[(&'static Registration, StateNeed)]>,
    /// Effects that need a runtime whenever they are queued.
    #[cfg(feature = "tokio")]
    pub(super) asynchronous: Box<[&'static Registration]>,
}

pub(super) struct Entry<S: Signal> {
    pub(super) handler: Handler<S>,
    pub(super) registration: &'static Registration,
    pub(super) condition: Option<Condition<S>>,
    /// How it is called, if it hears every entity: then `handler` is never called.
    pub(super) any: Option<Box<dyn AnyCall<S>>>,
}

/// The tables of one signal: that of the program, and one for each registry by hand through whose
/// sessions it was sent. Each is made at the first sending, and kept.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Tables<S: Signal> {
    program: OnceCell<Table<S>>,
    by_hand: OnceCell<Box<Own<S>>>,
}

/// A list that only grows: it is read without a lock, and few registries share a program.
struct Own<S: Signal> {
    registry: &'static Registry,
    table: Table<S>,
    next: OnceCell<Box<Self>>,
}

impl<S: Signal> Tables<S> {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            program: OnceCell::new(),
            by_hand: OnceCell::new(),
        }
    }
}

impl<S: Declared> Table<S> {
    /// What the program's registry has for the signal.
    #[inline]
    pub(super) fn get() -> Result<&'static Self> {
        match S::tables().program.get() {
            Some(table) => Ok(table),
            None => Self::make(),
        }
    }

    #[cold]
    fn make() -> Result<&'static Self> {
        S::tables()
            .program
            .get_or_try_init(|| Ok(Self::of(Registry::global()?)))
    }

    /// What a registry by hand has for the signal.
    fn by_hand(registry: &'static Registry) -> &'static Self {
        let mut place = &S::tables().by_hand;
        loop {
            let here = place.get_or_init(|| {
                Box::new(Own {
                    registry,
                    table: Self::of(registry),
                    next: OnceCell::new(),
                })
            });
            if std::ptr::eq(here.registry, registry) {
                return &here.table;
            }
            place = &here.next;
        }
    }

    fn of(registry: &Registry) -> Self {
        let listing = registry.listing_of(S::INFO);
        let members = listing.map_or(&[][..], |listing| listing.members());
        let receivers: HashMap<_, _> = members
            .iter()
            .filter_map(|&member| (member as &dyn Any).downcast_ref::<Receiver<S>>())
            .map(|receiver| (std::ptr::from_ref(receiver.registration()), receiver))
            .collect();
        let (mut effects, mut in_transaction) = (Vec::new(), Vec::new());
        for &registration in listing.iter().flat_map(|listing| &listing.receivers) {
            let receiver = receivers[&std::ptr::from_ref(registration)];
            put(
                &mut effects,
                &mut in_transaction,
                Entry {
                    handler: receiver.handler,
                    registration,
                    condition: receiver.condition,
                    any: None,
                },
            );
        }
        for entry in of_every_entity(registry) {
            put(&mut effects, &mut in_transaction, entry);
        }
        let may_write = in_transaction
            .iter()
            .any(|entry| entry.registration.uses_session);
        let is_durable = |entry: &Entry<S>| entry.registration.phase == Phase::Durable;
        let stores = effects.iter().any(is_durable);
        // What durable receivers share is kept by the thorough path.
        let has_conditions = stores
            || in_transaction.iter().chain(&effects).any(|entry| {
                entry.condition.is_some()
                    || entry.any.is_some()
                    || entry.registration.on_error == OnError::Isolate
            });
        // A durable receiver asks for nothing before it is delivered to.
        let certain = || {
            let effects = effects.iter();
            effects.filter(|entry| !entry.has_condition() && !is_durable(entry))
        };
        #[cfg(feature = "tokio")]
        let asynchronous = certain()
            .map(|entry| entry.registration)
            .filter(|registration| registration.is_async)
            .collect();
        let states = certain()
            .flat_map(|entry| {
                let states = entry.registration.states.iter();
                states.map(|need| (entry.registration, *need))
            })
            .collect();
        Self {
            states,
            #[cfg(feature = "tokio")]
            asynchronous,
            effects: effects.into(),
            receivers: in_transaction.into(),
            has_conditions,
            may_write,
            stores,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.receivers.is_empty() && self.effects.is_empty()
    }
}

fn put<S: Signal>(effects: &mut Vec<Entry<S>>, others: &mut Vec<Entry<S>>, entry: Entry<S>) {
    match entry.registration.phase {
        Phase::InTransaction => others.push(entry),
        Phase::AfterCommit | Phase::AfterRollback | Phase::Durable => effects.push(entry),
    }
}

/// The receivers that hear every entity, in their order.
fn of_every_entity<S: Declared>(registry: &Registry) -> Vec<Entry<S>> {
    let Some(source) = S::ANY else {
        return Vec::new();
    };
    let Some(listing) = registry.listing_of(source.signal()) else {
        return Vec::new();
    };
    let entry = |registration: &&'static Registration| {
        let mut members = listing.members().iter();
        let member = members.find(|it| std::ptr::eq(it.registration(), *registration))?;
        Some(Entry {
            handler: |_| Ok(()),
            registration,
            condition: None,
            any: Some(source.caller(*member)?),
        })
    };
    listing.receivers.iter().filter_map(entry).collect()
}

impl<S: Signal> Entry<S> {
    /// Calls the receiver, whatever it hears.
    pub(super) fn run(&self, args: &mut S::Args<'_>) -> Outcome {
        match &self.any {
            None => (self.handler)(args),
            Some(any) => any.call(args),
        }
    }

    /// What `when` says.
    pub(super) fn is_wanted(&self, args: &mut S::Args<'_>) -> bool {
        match &self.any {
            None => self.condition.is_none_or(|condition| condition(args)),
            Some(any) => any.is_wanted(args),
        }
    }

    fn has_condition(&self) -> bool {
        let any = self.any.as_ref();
        any.map_or(self.condition.is_some(), |any| any.has_condition())
    }
}

impl<S: SessionSignal> Table<S> {
    /// The table that a session hears: that of the program, or that of its own registry.
    #[inline]
    pub(super) fn heard_by(session: &Session<S::Connection>) -> Result<&'static Self> {
        match session.own_registry() {
            None => Self::get(),
            Some(registry) => Ok(Self::by_hand(registry)),
        }
    }

    /// Fails if an effect will not be able to run: what can be known before a write must not fail
    /// afterwards. One that is muted needs nothing.
    #[inline]
    pub(super) fn check_effects(&self, session: &Session<S::Connection>) -> Result<()> {
        if self.effects.is_empty() {
            return Ok(());
        }
        session.check_generation()?;
        #[cfg(feature = "tokio")]
        for receiver in &self.asynchronous {
            if !session.is_muted(receiver) {
                session.check_runtime(receiver)?;
            }
        }
        Ok(())
    }
}
