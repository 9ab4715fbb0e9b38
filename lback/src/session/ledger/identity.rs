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

/// Tells the ledger with this number, wherever it is, that it cannot be used any more.
pub(in crate::session) fn give_up(number: u64) {
    let mut given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    given_up.insert(number);
    ANY_GIVEN_UP.store(true, Ordering::Release);
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
