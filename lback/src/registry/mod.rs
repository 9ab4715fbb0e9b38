//! Receivers: collected, put in order, checked. All of the program, and those that were named by
//! hand.

mod durable;
mod expect;
mod order;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use once_cell::sync::OnceCell;

pub use self::expect::{Expectation, Expected};
use crate::error::{Problem, RegistryError, Warning};
use crate::receiver::{Listed, Registration, SignalInfo};

/// A signal and the way to its receivers.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Declaration {
    signal: &'static SignalInfo,
    each: fn(&mut dyn FnMut(&'static dyn Listed)),
}

impl Declaration {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(
        signal: &'static SignalInfo,
        each: fn(&mut dyn FnMut(&'static dyn Listed)),
    ) -> Self {
        Self { signal, each }
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
    /// The same with their code, in no order.
    members: Vec<&'static dyn Listed>,
}

impl Listing {
    fn of(signal: &'static SignalInfo) -> Self {
        Self {
            signal,
            receivers: Vec::new(),
            members: Vec::new(),
        }
    }

    fn add(&mut self, receiver: &'static dyn Listed) {
        self.receivers.push(receiver.registration());
        self.members.push(receiver);
    }

    /// The receivers with their code, in no order.
    pub(crate) fn members(&self) -> &[&'static dyn Listed] {
        &self.members
    }

    /// The receivers with their code.
    pub(crate) fn in_order(&self) -> Vec<&'static dyn Listed> {
        let address = |registration| std::ptr::from_ref::<Registration>(registration);
        let members = self.members.iter();
        let by_address: HashMap<_, _> = members
            .map(|member| (address(member.registration()), *member))
            .collect();
        let receivers = self.receivers.iter();
        receivers.map(|it| by_address[&address(it)]).collect()
    }
}

/// The receivers of every signal that has any.
///
/// A registry lasts as long as the receivers in it, which are statics: so it can be referred to, and
/// each signal can keep the table that it makes of it.
pub(crate) struct Registry {
    listings: Vec<Listing>,
    warnings: Vec<Warning>,
}

static GLOBAL: OnceCell<Registry> = OnceCell::new();

/// The registries by hand, each by its functions. Whoever names the same ones again gets the same
/// registry, so there are not more than the program's text has.
static BY_HAND: Mutex<BTreeMap<Vec<TypeId>, &'static Registry>> = Mutex::new(BTreeMap::new());

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
                    let mut listing = Listing::of(declaration.signal);
                    (declaration.each)(&mut |receiver| listing.add(receiver));
                    listing
                });
            let registry = Self::build(declared.collect(), expect::missing)?;
            registry.log_warnings();
            Ok(registry)
        })
    }

    /// The receivers of `functions` among those that registered themselves.
    pub(crate) fn registered(functions: &HashMap<TypeId, &str>) -> Vec<&'static dyn Listed> {
        let mut found = Vec::new();
        for declaration in inventory::iter::<Declaration> {
            (declaration.each)(&mut |receiver| {
                if functions.contains_key(&receiver.registration().function()) {
                    found.push(receiver);
                }
            });
        }
        found
    }

    /// The registry of these receivers, and no others.
    pub(crate) fn by_hand(
        receivers: Vec<&'static dyn Listed>,
    ) -> Result<&'static Self, RegistryError> {
        let functions = receivers.iter().map(|it| it.registration().function());
        let mut key: Vec<_> = functions.collect();
        key.sort_unstable();
        key.dedup();
        let mut known = BY_HAND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = known.get(&key) {
            return Ok(registry);
        }
        let mut listings: HashMap<TypeId, Listing> = HashMap::new();
        for receiver in receivers {
            let signal = receiver.registration().signal;
            let listing = listings.entry(signal.key());
            listing.or_insert_with(|| Listing::of(signal)).add(receiver);
        }
        let registry: &'static Self = Box::leak(Box::new(Self::build(
            listings.into_values().collect(),
            |_| Vec::new(),
        )?));
        known.insert(key, registry);
        Ok(registry)
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
    fn build(
        mut listings: Vec<Listing>,
        missing: impl FnOnce(&[Listing]) -> Vec<Problem>,
    ) -> Result<Self, RegistryError> {
        listings.sort_by_key(|listing| (listing.signal.module(), listing.signal.name()));
        let functions = functions_of(&listings);
        let mut problems = Vec::new();
        for listing in &mut listings {
            order::equal_ids(listing, &mut problems);
            listing.receivers = order::sorted(listing, &functions, &mut problems);
        }
        problems.extend(durable::shared_ids(&listings));
        problems.extend(missing(&listings));
        if problems.is_empty() {
            let warnings = order::unrelated(&listings);
            Ok(Self { listings, warnings })
        } else {
            Err(RegistryError::new(problems))
        }
    }

    /// What is no contradiction, and probably a mistake.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn log_warnings(&self) {
        #[cfg(feature = "tracing")]
        for warning in &self.warnings {
            tracing::warn!(target: "lback", %warning, "probably a mistake among the receivers");
        }
    }

    /// Every signal with its receivers, by module and name.
    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// One signal with its receivers, if it has any.
    pub(crate) fn listing_of(&self, signal: &SignalInfo) -> Option<&Listing> {
        self.listings
            .iter()
            .find(|listing| listing.signal == signal)
    }
}

/// The functions behind all receivers; needed, and so looked up, only if one is ordered against
/// another.
fn functions_of(listings: &[Listing]) -> HashSet<TypeId> {
    let all = || listings.iter().flat_map(|listing| &listing.receivers);
    if all().all(|receiver| receiver.before.is_empty() && receiver.after.is_empty()) {
        return HashSet::new();
    }
    all().map(|receiver| receiver.function()).collect()
}
