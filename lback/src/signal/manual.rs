//! Registration by hand: the plain door beside the linker's.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;

use crate::error::{Problem, RegistryError};
use crate::receiver::{Listed, Registration};
use crate::registry::Registry;
use crate::session::{Session, SessionConnection};

/// Receivers that were named one by one, for sessions that hear nobody else: made by
/// [`manual_registry!`](crate::manual_registry).
///
/// The order and the checks are those of the registry of the program. It lasts as long as the
/// program, as receivers do; whoever names the same functions again gets the same registry.
#[derive(Clone)]
pub struct ManualRegistry {
    registry: &'static Registry,
}

/// Makes a [`ManualRegistry`] of receivers, named by their paths, for
/// [`Session::with_registry`](crate::Session::with_registry): in a test it keeps all others away.
///
/// # Errors
///
/// [`RegistryError`](crate::listing::RegistryError), if one is no receiver, or if they contradict each other.
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
/// [`Problem::ConstructorsDropped`](crate::listing::Problem::ConstructorsDropped); so does a signal that has
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
    pub(crate) fn registry(&self) -> &'static Registry {
        self.registry
    }

    /// The receivers, signal by signal, in the order in which they run.
    pub fn registrations(&self) -> impl Iterator<Item = &'static Registration> {
        let listings = self.registry.listings().iter();
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
        self.set_own_registry(registry.registry());
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
    const RECEIVERS: &'static [&'static dyn Listed];
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub mod no_receiver {
    #[allow(missing_debug_implementations, non_camel_case_types)]
    pub enum __lback_receiver {}
}

/// Collects receivers for a [`ManualRegistry`].
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Default)]
pub struct ManualRegistryBuilder {
    /// Functions, and their paths, whose receivers registered themselves.
    functions: HashMap<TypeId, &'static str>,
    /// Types of functions' names, whose receivers are known.
    names: HashSet<TypeId>,
    receivers: Vec<&'static dyn Listed>,
}

impl ManualRegistryBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn receiver<F: 'static>(mut self, _function: F) -> Self {
        self.functions
            .insert(TypeId::of::<F>(), std::any::type_name::<F>());
        self
    }

    #[must_use]
    pub fn by_hand<R: ByHand<F>, F>(mut self, _function: F, _: PhantomData<R>) -> Self {
        if self.names.insert(TypeId::of::<R>()) {
            self.receivers.extend(R::RECEIVERS);
        }
        self
    }

    pub fn build(mut self) -> Result<ManualRegistry, RegistryError> {
        let registered = Registry::registered(&self.functions);
        for receiver in &registered {
            self.functions.remove(&receiver.registration().function());
        }
        if !self.functions.is_empty() {
            let missing = self.functions.into_values();
            let problems = missing.map(|function| Problem::NoReceiver { function });
            return Err(RegistryError::new(problems.collect()));
        }
        self.receivers.extend(registered);
        let registry = Registry::by_hand(self.receivers)?;
        Ok(ManualRegistry { registry })
    }
}

#[cfg(test)]
mod tests {
    use super::ManualRegistryBuilder;

    fn nobody() {}

    #[test]
    fn a_function_that_is_no_receiver_is_named() {
        let built = ManualRegistryBuilder::new().receiver(nobody).build();
        let told = built.err().map(|error| error.to_string());
        assert!(
            told.as_ref()
                .is_some_and(|told| told.contains("tests::nobody")),
            "{told:?}"
        );
    }
}
