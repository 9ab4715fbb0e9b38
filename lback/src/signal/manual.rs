//! Registration by hand: the plain door beside the linker's.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Declared, Table};
use crate::error::{Problem, RegistryError};
use crate::receiver::{Receiver, Registration, Signal, SignalInfo};
use crate::registry::{Declaration, Listing, Registry};
use crate::session::{Session, SessionConnection, Tables};

/// Receivers that were named one by one, for sessions that hear nobody else: made by
/// [`manual_registry!`](crate::manual_registry).
///
/// The order and the checks are those of the registry of the program.
#[derive(Clone)]
pub struct ManualRegistry {
    order: Arc<Registry>,
    tables: Tables,
}

/// Makes a [`ManualRegistry`] of receivers, named by their paths, for
/// [`Session::with_registry`](crate::Session::with_registry): in a test it keeps all others away.
///
/// # Errors
///
/// [`RegistryError`](crate::RegistryError), if one is no receiver, or if they contradict each other.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_pre_create)]
/// fn lower_case(data: &mut NewUser) {
///     data.email = data.email.to_lowercase();
/// }
///
/// #[receiver(user_pre_create)]
/// fn nobody(data: &NewUser) -> Result<(), Veto> {
///     Err(Veto::new("closed"))
/// }
///
/// let only = lback::manual_registry![lower_case]?;
/// let mut session = lback::sqlite::connect(":memory:")?.with_registry(&only);
/// lback::sqlite::migrate(&mut session)?;
/// let new = NewUser::new("ada", "Ada@Example.com", "correct horse battery")?;
/// let ada = UserRepository::new().create(&mut session, new)?;
/// assert_eq!(ada.email, "ada@example.com");
/// # lback::Result::Ok(())
/// ```
///
/// # Without constructors
///
/// Receivers are found among those that registered themselves, by constructors that run when the
/// program starts. Where none runs, turn on the feature `manual-registry`: the receivers themselves
/// are asked then, and a path that is none does not compile. For that `#[receiver]` gives a type the function's name, so that no other type, trait or
/// module in its place can have it.
///
/// A session can be made there too. If it gets no registry of its own, it refuses to send, with
/// [`Problem::ConstructorsDropped`](crate::Problem::ConstructorsDropped); so does a signal that has
/// no session, for only sessions can be given a registry.
///
#[doc = include_str!("../../docs/expansion/manual.md")]
#[macro_export]
macro_rules! manual_registry {
    ($($receiver:path),* $(,)?) => {
        $crate::__private::by_hand!($($receiver),*)
    };
}

#[cfg(feature = "manual-registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_hand {
    ($($receiver:path),*) => {
        $crate::__private::ManualRegistryBuilder::new()
            $(.by_hand(
                $receiver,
                {
                    // Where there is no type of the function's name, this is `NoReceiver`.
                    #[allow(unused_imports)]
                    use $crate::__private::no_receiver::*;
                    #[allow(unused_imports)]
                    use $receiver as __lback_receiver;
                    ::core::marker::PhantomData::<__lback_receiver>
                },
            ))*
            .build()
    };
}

#[cfg(not(feature = "manual-registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_hand {
    ($($receiver:path),*) => {
        $crate::__private::ManualRegistryBuilder::new()$(.receiver($receiver))*.build()
    };
}

impl ManualRegistry {
    pub(crate) fn tables(&self) -> Tables {
        Arc::clone(&self.tables)
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
    /// Hears the receivers of `registry`, and no others. Signals without a session still reach
    /// those of the program.
    #[must_use]
    pub fn with_registry(mut self, registry: &ManualRegistry) -> Self {
        self.set_own_tables(registry.tables());
        self
    }
}

/// A function's receivers, by the type that `#[receiver]` puts beside it under the feature
/// `manual-registry`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{F}` is no receiver",
    label = "not a receiver",
    note = "`manual_registry!` takes the paths of functions with `#[receiver(..)]`"
)]
pub trait ByHand<F>: 'static {
    const RECEIVERS: &'static [&'static dyn AddByHand];
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub mod no_receiver {
    #[allow(missing_debug_implementations, non_camel_case_types)]
    pub enum __lback_receiver {}
}

/// One of them, of whichever signal.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AddByHand {
    fn add(&'static self, to: &mut ManualRegistryBuilder);
}

impl<S: Declared> AddByHand for Receiver<S> {
    fn add(&'static self, to: &mut ManualRegistryBuilder) {
        to.add(self);
    }
}

/// Adds the chosen receivers of one signal to a [`ManualRegistryBuilder`].
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn choose<S: Declared>(registry: &mut dyn Any) {
    let Some(registry) = registry.downcast_mut::<ManualRegistryBuilder>() else {
        return;
    };
    S::each(&mut |receiver| {
        let function = (receiver.registration().function)();
        if registry.chosen.contains_key(&function) {
            registry.found.insert(function);
            registry.add(receiver);
        }
    });
}

/// Collects receivers for a [`ManualRegistry`].
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Default)]
pub struct ManualRegistryBuilder {
    chosen: HashMap<TypeId, &'static str>,
    found: HashSet<TypeId>,
    signals: HashMap<TypeId, Box<dyn Collected>>,
}

impl ManualRegistryBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn receiver<F: 'static>(mut self, _function: F) -> Self {
        self.chosen
            .insert(TypeId::of::<F>(), std::any::type_name::<F>());
        self
    }

    #[must_use]
    pub fn by_hand<R: ByHand<F>, F>(mut self, _function: F, _: PhantomData<R>) -> Self {
        if self.found.insert(TypeId::of::<R>()) {
            for receiver in R::RECEIVERS {
                receiver.add(&mut self);
            }
        }
        self
    }

    pub fn add<S: Declared>(&mut self, receiver: &'static Receiver<S>) {
        let collected = self
            .signals
            .entry(TypeId::of::<S>())
            .or_insert_with(|| Box::new(Vec::<&'static Receiver<S>>::new()));
        let collected: &mut dyn Any = &mut **collected;
        if let Some(receivers) = collected.downcast_mut::<Vec<&'static Receiver<S>>>() {
            receivers.push(receiver);
        }
    }

    pub fn build(mut self) -> Result<ManualRegistry, RegistryError> {
        if !self.chosen.is_empty() {
            Declaration::choose_all(&mut self);
        }
        let missing = self
            .chosen
            .iter()
            .filter(|(key, _)| !self.found.contains(key));
        let problems: Vec<_> = missing
            .map(|(_, function)| Problem::NoReceiver { function })
            .collect();
        if !problems.is_empty() {
            return Err(RegistryError::new(problems));
        }
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
trait Collected: Any {
    fn signal(&self) -> &'static SignalInfo;
    fn listing(&self) -> Listing;
    fn table(&self, order: &[&'static Registration]) -> Arc<dyn Any + Send + Sync>;
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
}
