//! All receivers of the program: collected once, put in order, checked.

mod order;

use std::any::{Any, TypeId};
use std::collections::HashSet;

use once_cell::sync::OnceCell;

use crate::error::{Problem, RegistryError};
use crate::receiver::{Registration, SignalInfo};

/// A signal and the way to its receivers.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Declaration {
    signal: &'static SignalInfo,
    registrations: fn(&mut Vec<&'static Registration>),
    choose: fn(&mut dyn Any),
}

impl Declaration {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(
        signal: &'static SignalInfo,
        registrations: fn(&mut Vec<&'static Registration>),
        choose: fn(&mut dyn Any),
    ) -> Self {
        Self {
            signal,
            registrations,
            choose,
        }
    }

    /// Lets every signal add its chosen receivers to a registry by hand, of which only the signals
    /// know what it is.
    pub(crate) fn choose_all(registry: &mut dyn Any) {
        for declaration in inventory::iter::<Self> {
            (declaration.choose)(registry);
        }
    }
}

inventory::collect!(Declaration);

/// Submitted below and looked for at start-up: where it is missing, so are the receivers.
struct Canary;

inventory::collect!(Canary);
inventory::submit! { Canary }

fn constructors_ran() -> bool {
    inventory::iter::<Canary>.into_iter().next().is_some()
}

/// One signal's receivers, in the order in which they run: by phase, and within a phase by the
/// rule of [`verify`](crate::verify).
pub(crate) struct Listing {
    pub(crate) signal: &'static SignalInfo,
    pub(crate) receivers: Vec<&'static Registration>,
}

/// The receivers of every signal.
pub(crate) struct Registry {
    listings: Vec<Listing>,
}

static GLOBAL: OnceCell<Registry> = OnceCell::new();

impl Registry {
    /// The registry of the program, built and checked at the first call.
    pub(crate) fn global() -> Result<&'static Self, RegistryError> {
        GLOBAL.get_or_try_init(|| {
            if !constructors_ran() {
                return Err(RegistryError::new(vec![Problem::ConstructorsDropped]));
            }
            let declared = inventory::iter::<Declaration>
                .into_iter()
                .map(|declaration| {
                    let mut receivers = Vec::new();
                    (declaration.registrations)(&mut receivers);
                    Listing {
                        signal: declaration.signal,
                        receivers,
                    }
                });
            Self::build(declared.collect())
        })
    }

    /// As [`global`](Self::global), for those who can do without: none where no constructor ran and
    /// receivers are named by hand. Who sends to such a registry is told so then.
    pub(crate) fn known() -> Result<Option<&'static Self>, RegistryError> {
        if cfg!(feature = "manual-registry") && !constructors_ran() {
            return Ok(None);
        }
        Self::global().map(Some)
    }

    /// Puts every listing in order, or says all that is wrong.
    pub(crate) fn build(mut listings: Vec<Listing>) -> Result<Self, RegistryError> {
        listings.sort_by_key(|listing| (listing.signal.module(), listing.signal.name()));
        let functions = functions_of(&listings);
        let mut problems = Vec::new();
        for listing in &mut listings {
            order::equal_ids(listing, &mut problems);
            listing.receivers = order::sorted(listing, &functions, &mut problems);
        }
        if problems.is_empty() {
            Ok(Self { listings })
        } else {
            Err(RegistryError::new(problems))
        }
    }

    /// Every signal with its receivers, by module and name.
    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// The receivers of one signal.
    pub(crate) fn receivers_of(&self, signal: &SignalInfo) -> &[&'static Registration] {
        self.listings
            .iter()
            .find(|listing| listing.signal == signal)
            .map_or(&[], |listing| &listing.receivers)
    }
}

/// The functions behind all receivers; needed, and so looked up, only if one is ordered against
/// another.
fn functions_of(listings: &[Listing]) -> HashSet<TypeId> {
    let all = || listings.iter().flat_map(|listing| &listing.receivers);
    if all().all(|receiver| receiver.before.is_empty() && receiver.after.is_empty()) {
        return HashSet::new();
    }
    all().map(|receiver| (receiver.function)()).collect()
}
