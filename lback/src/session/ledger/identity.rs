//! What tells one ledger from another, so that two sessions cannot change places unseen.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The number of one ledger, unique in the process.
pub(super) struct Identity(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The ledgers whose level was closed by another session, until they learn of it.
///
/// Whoever closes a level sees only the session that stands in the place of the right one. The right
/// one, wherever it was moved, still has a transaction open that nobody will end: it must refuse all
/// that follows. It finds its number here.
static GIVEN_UP: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
/// Whether there is any, so that a session need not take the lock to learn that there is none.
static ANY_GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// So many are remembered. One that was dropped before it was given up never asks, and stays.
const MOST: usize = 1_000;

/// Tells the ledger with this number, wherever it is, that it cannot be used any more.
pub(in crate::session) fn give_up(number: u64) {
    let mut given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    remember(&mut given_up, number);
    ANY_GIVEN_UP.store(true, Ordering::Release);
}

/// Where there are too many, the oldest ledger is forgotten.
fn remember(given_up: &mut BTreeSet<u64>, number: u64) {
    given_up.insert(number);
    if given_up.len() > MOST {
        given_up.pop_first();
    }
}

/// Whether this ledger was given up and does not know it yet.
#[cfg(test)]
pub(super) fn is_given_up_unseen(number: u64) -> bool {
    let given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    given_up.contains(&number)
}

impl Identity {
    pub(super) fn new() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) fn is_given_up(&self) -> bool {
        ANY_GIVEN_UP.load(Ordering::Acquire) && self.forget_if_given_up()
    }

    #[cold]
    fn forget_if_given_up(&self) -> bool {
        let mut given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
        let found = given_up.remove(&self.0);
        ANY_GIVEN_UP.store(!given_up.is_empty(), Ordering::Release);
        found
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // So that the set does not grow by sessions that nobody asks any more.
        self.is_given_up();
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, remember};

    #[test]
    fn no_more_are_remembered_than_a_bound() {
        let mut given_up = (1..=MOST as u64).collect();
        remember(&mut given_up, 1);
        assert_eq!((given_up.len(), given_up.first()), (MOST, Some(&1)));
        remember(&mut given_up, 5_000);
        assert_eq!((given_up.len(), given_up.first()), (MOST, Some(&2)));
        assert!(given_up.contains(&5_000));
    }
}
