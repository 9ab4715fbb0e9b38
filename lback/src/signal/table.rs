use std::any::Any;

use once_cell::sync::OnceCell;

use super::audience::{Audience, Hearer};
use super::{AnyCall, AnySource, Declared, SessionSignal};
use crate::error::Result;
use crate::receiver::{Condition, Handler, Outcome, Receiver, Registration, Signal};
use crate::registry::Registry;
use crate::session::Session;

/// One signal's receivers, ready to be called. It lasts as long as the program, so it owns nothing.
pub(super) struct Table<S: Signal> {
    pub(super) audience: Audience,
    /// How each of the audience is called.
    pub(super) entries: &'static [Entry<S>],
}

/// How a receiver is called.
pub(super) struct Entry<S: Signal> {
    pub(super) registration: &'static Registration,
    pub(super) handler: Handler<S>,
    pub(super) condition: Option<Condition<S>>,
    /// How it is called, if it hears every entity: then `handler` is never called.
    any: Option<&'static dyn AnyCall<S>>,
}

/// The tables of one signal: that of the program, and one for each registry by hand through whose
/// sessions it was sent. Each is made at the first sending, and kept.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Tables<S: Signal> {
    program: OnceCell<Place<S>>,
    by_hand: OnceCell<Place<S>>,
}

/// A table, and the place behind it: those of registries by hand are a list that only grows. It is
/// read without a lock, and few registries share a program.
struct Place<S: Signal> {
    registry: &'static Registry,
    table: Table<S>,
    next: &'static OnceCell<Self>,
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

impl<S: Declared> Place<S> {
    /// What stands here, for `registry`, or for that of the program. It may be another's.
    #[cold]
    fn fill(
        place: &'static OnceCell<Self>,
        by_hand: Option<&'static Registry>,
    ) -> Result<&'static Self> {
        place.get_or_try_init(|| {
            let registry = match by_hand {
                Some(registry) => registry,
                None => Registry::global()?,
            };
            Ok(Self {
                registry,
                table: Table::of(registry),
                next: Box::leak(Box::new(OnceCell::new())),
            })
        })
    }
}

impl<S: Declared> Table<S> {
    /// What the program's registry has for the signal.
    #[inline]
    pub(super) fn get() -> Result<&'static Self> {
        let place = &S::tables().program;
        match place.get() {
            Some(here) => Ok(&here.table),
            None => Ok(&Place::fill(place, None)?.table),
        }
    }

    /// What a registry by hand has for the signal.
    fn by_hand(registry: &'static Registry) -> Result<&'static Self> {
        let mut place = &S::tables().by_hand;
        loop {
            let here = match place.get() {
                Some(here) => here,
                None => Place::fill(place, Some(registry))?,
            };
            if std::ptr::eq(here.registry, registry) {
                return Ok(&here.table);
            }
            place = here.next;
        }
    }

    fn of(registry: &Registry) -> Self {
        let of_every_entity = S::ANY.map(AnySource::signal);
        let audience = Audience::of(registry, S::INFO, of_every_entity);
        let mut entries = Vec::with_capacity(audience.all.len());
        for hearer in audience.all {
            entries.push(Entry::of(hearer));
        }
        Self {
            audience,
            entries: entries.leak(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<S: Declared> Entry<S> {
    fn of(hearer: &Hearer) -> Self {
        if hearer.hears_any {
            let caller = S::ANY.and_then(|source| source.caller(hearer.receiver));
            let Some(caller) = caller else {
                unreachable!("a signal of every entity is listed with receivers of its own")
            };
            return Self {
                registration: hearer.registration,
                handler: |_| Ok(()),
                condition: None,
                any: Some(caller),
            };
        }
        let receiver: &'static dyn Any = hearer.receiver;
        let Some(receiver) = receiver.downcast_ref::<Receiver<S>>() else {
            unreachable!("a signal is listed with receivers of its own")
        };
        Self {
            registration: hearer.registration,
            handler: receiver.handler,
            condition: receiver.condition,
            any: None,
        }
    }
}

impl<S: Signal> Entry<S> {
    /// Calls the receiver, whatever it hears.
    pub(super) fn run(&self, args: &mut S::Args<'_>) -> Outcome {
        match self.any {
            None => (self.handler)(args),
            Some(any) => any.call(args),
        }
    }

    /// What `when` says.
    pub(super) fn is_wanted(&self, args: &mut S::Args<'_>) -> bool {
        match self.any {
            None => self.condition.is_none_or(|condition| condition(args)),
            Some(any) => any.is_wanted(args),
        }
    }
}

impl<S: SessionSignal> Table<S> {
    /// The table that a session hears: that of the program, or that of its own registry.
    #[inline]
    pub(super) fn heard_by(session: &Session<S::Connection>) -> Result<&'static Self> {
        match session.own_registry() {
            None => Self::get(),
            Some(registry) => Self::by_hand(registry),
        }
    }
}
