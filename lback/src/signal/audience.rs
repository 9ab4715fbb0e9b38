//! Who hears a signal, and what they need: all that is known without the signal's type.
//!
//! A program has six signals for each of its entities. What is written here is compiled once, and not
//! once for each of them.

use crate::error::Result;
use crate::receiver::{Listed, OnError, Phase, Registration, SignalInfo, StateNeed};
use crate::registry::{Listing, Registry};
use crate::session::{Session, SessionConnection};

/// Who hears a signal. It lasts as long as the program.
pub(super) struct Audience {
    /// Those that queue an effect, which are called first, and then those that run in the transaction.
    pub(super) all: &'static [Hearer],
    /// How many of them queue an effect.
    effects: usize,
    /// Whether any has a `when`, is isolated or durable, or hears every entity.
    pub(super) needs_care: bool,
    /// Whether any that runs in the transaction may write through the session.
    pub(super) may_write: bool,
    /// Whether any is durable.
    pub(super) stores: bool,
    /// What effects ask for whenever they are queued.
    states: &'static [(&'static Registration, StateNeed)],
    /// Effects that need a runtime whenever they are queued.
    #[cfg(feature = "tokio")]
    asynchronous: &'static [&'static Registration],
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Hearer {
    pub(super) receiver: &'static dyn Listed,
    pub(super) registration: &'static Registration,
    /// Whether it hears every entity, and so another signal than this one.
    pub(super) hears_any: bool,
}

impl Hearer {
    fn of(receiver: &'static dyn Listed, hears_any: bool) -> Self {
        Self {
            receiver,
            registration: receiver.registration(),
            hears_any,
        }
    }

    fn has_condition(&self) -> bool {
        self.receiver.has_condition()
    }

    fn is_durable(&self) -> bool {
        self.registration.phase == Phase::Durable
    }
}

impl Audience {
    /// Those that `registry` has for a signal, and behind them those for the signal of every entity.
    pub(super) fn of(
        registry: &Registry,
        signal: &SignalInfo,
        of_every_entity: Option<&SignalInfo>,
    ) -> Self {
        let listed = |signal: Option<&SignalInfo>, hears_any| {
            let listing = signal.and_then(|signal| registry.listing_of(signal));
            let receivers = listing.map_or_else(Vec::new, Listing::in_order);
            receivers
                .into_iter()
                .map(move |it| Hearer::of(it, hears_any))
        };
        let own = listed(Some(signal), false);
        let (mut all, in_transaction): (Vec<_>, Vec<_>) = own
            .chain(listed(of_every_entity, true))
            .partition(|hearer| match hearer.registration.phase {
                Phase::InTransaction => false,
                Phase::AfterCommit | Phase::AfterRollback | Phase::Durable => true,
            });
        let effects = all.len();
        let may_write = in_transaction
            .iter()
            .any(|hearer| hearer.registration.uses_session);
        let stores = all.iter().any(Hearer::is_durable);
        // A durable receiver asks for nothing before it is delivered to.
        let certain = all
            .iter()
            .filter(|hearer| !hearer.has_condition() && !hearer.is_durable())
            .map(|hearer| hearer.registration);
        #[cfg(feature = "tokio")]
        let asynchronous: Vec<_> = certain.clone().filter(|it| it.is_async).collect();
        let states: Vec<_> = certain
            .flat_map(|receiver| receiver.states.iter().map(move |need| (receiver, *need)))
            .collect();
        all.extend(in_transaction);
        // What durable receivers share, and the rows of those that hear every entity, are kept by the
        // careful path.
        let needs_care = stores
            || all.iter().any(|hearer| {
                hearer.has_condition()
                    || hearer.hears_any
                    || hearer.registration.on_error == OnError::Isolate
            });
        Self {
            all: all.leak(),
            effects,
            needs_care,
            may_write,
            stores,
            states: states.leak(),
            #[cfg(feature = "tokio")]
            asynchronous: asynchronous.leak(),
        }
    }

    /// The places of those that queue an effect.
    pub(super) fn effects(&self) -> std::ops::Range<usize> {
        0..self.effects
    }

    /// The places of those that run in the transaction.
    pub(super) fn in_transaction(&self) -> std::ops::Range<usize> {
        self.effects..self.all.len()
    }

    pub(super) fn registration(&self, place: usize) -> &'static Registration {
        self.all[place].registration
    }

    /// Fails if an effect will not be able to run: what can be known before a write must not fail
    /// afterwards. One that is muted needs nothing.
    #[inline]
    pub(super) fn check_effects<C: SessionConnection>(&self, session: &Session<C>) -> Result<()> {
        if self.effects == 0 {
            return Ok(());
        }
        session.check_generation()?;
        #[cfg(feature = "tokio")]
        for receiver in self.asynchronous {
            if !session.is_muted(receiver) {
                session.check_runtime(receiver)?;
            }
        }
        Ok(())
    }

    /// Fails if a state is missing that an effect asks for. Where receivers can be muted, whether they are is
    /// decided at sending, and one that is needs nothing.
    pub(super) fn check_states<C: SessionConnection>(&self, session: &Session<C>) -> Result<()> {
        if !session.is_scoped() {
            for (receiver, need) in self.states {
                session.check_state(receiver, *need)?;
            }
        }
        Ok(())
    }

    /// Those that are muted in this session.
    pub(super) fn muted_in<C: SessionConnection>(
        &self,
        session: &Session<C>,
    ) -> Vec<&'static Registration> {
        let all = self.all.iter().map(|hearer| hearer.registration);
        all.filter(|receiver| session.is_muted(receiver)).collect()
    }
}
