//! Registration by hand: the plain door beside the linker's.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{Declared, Table};
use crate::error::RegistryError;
use crate::receiver::{Receiver, Registration, Signal, SignalInfo};
use crate::registry::{Listing, Registry};
use crate::session::{Session, SessionConnection, Tables};

/// Receivers that were named one by one, for sessions that hear nobody else.
///
/// Made by [`manual_registry!`](crate::manual_registry), with the same order and the same checks
/// as the registry of the program. In tests it keeps other receivers away; on a target whose
/// linker runs no constructors, with the feature `manual-registry`, it is the only one.
#[derive(Clone)]
pub struct ManualRegistry {
    order: Arc<Registry>,
    tables: Tables,
}

impl ManualRegistry {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn builder() -> ManualRegistryBuilder {
        ManualRegistryBuilder {
            signals: HashMap::new(),
        }
    }

    /// The receivers, signal by signal, in the order in which they run.
    pub fn registrations(&self) -> impl Iterator<Item = &'static Registration> {
        let listings = self.order.listings().iter();
        listings.flat_map(|listing| listing.receivers.iter().copied())
    }
}

impl fmt::Debug for ManualRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self
            .registrations()
            .map(|receiver| (receiver.signal.name(), receiver.id));
        f.debug_list().entries(ids).finish()
    }
}

impl<C: SessionConnection> Session<C> {
    /// Hears the receivers of `registry`, and no others.
    #[must_use]
    pub fn with_registry(mut self, registry: &ManualRegistry) -> Self {
        self.set_own_tables(Arc::clone(&registry.tables));
        self
    }
}

/// Collects receivers for a [`ManualRegistry`].
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct ManualRegistryBuilder {
    signals: HashMap<TypeId, Box<dyn Collected>>,
}

impl ManualRegistryBuilder {
    pub fn add<S: Declared>(&mut self, receiver: &'static Receiver<S>) {
        let collected = self.signals.entry(TypeId::of::<S>());
        let collected = collected.or_insert_with(|| Box::new(Vec::<&'static Receiver<S>>::new()));
        let receivers: &mut dyn Any = collected.as_any_mut();
        if let Some(receivers) = receivers.downcast_mut::<Vec<&'static Receiver<S>>>() {
            receivers.push(receiver);
        }
    }

    pub fn build(self) -> Result<ManualRegistry, RegistryError> {
        let listings = self.signals.values().map(|collected| collected.listing());
        let order = Registry::build(listings.collect())?;
        let tables = self.signals.iter();
        let tables = tables.map(|(key, collected)| {
            (
                *key,
                collected.table(order.receivers_of(collected.signal())),
            )
        });
        let tables = Arc::new(tables.collect());
        Ok(ManualRegistry {
            order: Arc::new(order),
            tables,
        })
    }
}

/// The receivers of one signal, whichever it is.
trait Collected {
    fn signal(&self) -> &'static SignalInfo;
    fn listing(&self) -> Listing;
    fn table(&self, order: &[&'static Registration]) -> Arc<dyn Any + Send + Sync>;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<S: Declared> Collected for Vec<&'static Receiver<S>> {
    fn signal(&self) -> &'static SignalInfo {
        <S as Signal>::INFO
    }

    fn listing(&self) -> Listing {
        let receivers = self
            .iter()
            .map(|receiver| receiver.registration())
            .collect();
        Listing {
            signal: S::INFO,
            receivers,
        }
    }

    fn table(&self, order: &[&'static Registration]) -> Arc<dyn Any + Send + Sync> {
        let receiver = |registration: &&'static Registration| {
            self.iter()
                .copied()
                .find(|receiver| std::ptr::eq(receiver.registration(), *registration))
        };
        Arc::new(Table::<S>::of(order.iter().filter_map(receiver)))
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
