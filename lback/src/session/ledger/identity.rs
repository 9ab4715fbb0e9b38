//! What tells one ledger from another, so that two sessions cannot change places unseen.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of one ledger, unique in the process.
pub(super) struct Identity(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The ledgers there are, and those of them whose level was closed by another session, until they learn of it.
///
/// Whoever closes a level sees only the session that stands in the place of the right one. The right
/// one, wherever it was moved, still has a transaction open that nobody will end: it must refuse all
/// that follows. It finds its number here. One that was dropped meanwhile is not remembered.
struct Book {
    alive: BTreeSet<u64>,
    given_up: BTreeSet<u64>,
}

static BOOK: Mutex<Book> = Mutex::new(Book {
    alive: BTreeSet::new(),
    given_up: BTreeSet::new(),
});
/// Whether any was given up, so that a session need not take the lock to learn that there is none.
static ANY_GIVEN_UP: AtomicBool = AtomicBool::new(false);

fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the ledger with this number, wherever it is, that it cannot be used any more.
pub(in crate::session) fn give_up(number: u64) {
    let mut book = book();
    if book.alive.contains(&number) {
        book.given_up.insert(number);
        ANY_GIVEN_UP.store(true, Ordering::Release);
    }
}

/// Whether this ledger was given up and does not know it yet.
#[cfg(test)]
pub(super) fn is_given_up_unseen(number: u64) -> bool {
    book().given_up.contains(&number)
}

impl Identity {
    pub(super) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        book().alive.insert(number);
        Self(number)
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
        let mut book = book();
        let found = book.given_up.remove(&self.0);
        ANY_GIVEN_UP.store(!book.given_up.is_empty(), Ordering::Release);
        found
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.is_given_up();
        book().alive.remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_gone_is_not_remembered() {
        let (here, gone) = (Identity::new(), Identity::new());
        let number = gone.number();
        drop(gone);
        give_up(number);
        assert!(!is_given_up_unseen(number));
        give_up(here.number());
        assert!(is_given_up_unseen(here.number()));
        assert!(here.is_given_up());
        let number = here.number();
        give_up(number);
        drop(here);
        assert!(!is_given_up_unseen(number));
    }
}
