//! A state that another of its type replaces for good is freed at once; one that is hidden for a
//! scope comes back after it; one that an effect will see lives until then. However many there
//! were, and however they are dropped, nothing overflows and each is dropped once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::database::*;

/// Counts those that are alive, among those that share the counter.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Another type each time.
struct Kind<const N: usize>(#[allow(dead_code)] Counted);

/// Panics when it is dropped.
struct Sour<const N: usize>(#[allow(dead_code)] Counted);

impl<const N: usize> Drop for Sour<N> {
    fn drop(&mut self) {
        panic!("sour {N}");
    }
}

fn alive(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

#[test]
fn at_once_however_many_there_were() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let counter = Arc::default();
    let mut session = database.session();
    for _ in 0..300_000 {
        session = session.with_state(Counted::new(&counter));
        assert_eq!(alive(&counter), 1);
    }
    session = session.with_state(Kind::<1>(Counted::new(&counter)));
    assert_eq!(alive(&counter), 2);
    drop(session);
    assert_eq!(alive(&counter), 0);
}

#[test]
fn for_a_scope_it_comes_back() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let (outer, inner) = (Arc::default(), Arc::default());
    let mut session = database.session().with_state(Counted::new(&outer));
    for _ in 0..1_000 {
        session.with(Counted::new(&inner), |session| {
            let counted = session.state::<Counted>().expect("it was put there");
            assert!(Arc::ptr_eq(&counted.0, &inner));
            assert_eq!((alive(&outer), alive(&inner)), (1, 1));
        });
        let counted = session.state::<Counted>().expect("it is back");
        assert!(Arc::ptr_eq(&counted.0, &outer));
        assert_eq!((alive(&outer), alive(&inner)), (1, 0));
    }
}

#[test]
fn an_effect_that_waits_holds_what_it_will_see() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let counter = Arc::default();
    let mut session = database.session();
    session
        .transaction(|session| {
            session.with(Counted::new(&counter), |session| {
                session.on_commit(|session| {
                    let counted = session.state::<Counted>().expect("as it was");
                    assert_eq!(alive(&counted.0), 1);
                });
            });
            assert_eq!(alive(&counter), 1);
            lback::Result::Ok(())
        })
        .expect("nothing fails");
    assert!(session.take_failures().latest.is_empty());
    assert_eq!(alive(&counter), 0);
}

#[test]
fn one_that_panics_keeps_no_other() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let counter = Arc::default();
    let session = database
        .session()
        .with_state(Kind::<1>(Counted::new(&counter)))
        .with_state(Sour::<1>(Counted::new(&counter)))
        .with_state(Kind::<2>(Counted::new(&counter)))
        .with_state(Sour::<2>(Counted::new(&counter)))
        .with_state(Kind::<3>(Counted::new(&counter)));
    assert_eq!(alive(&counter), 5);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(session)));
    assert_eq!(alive(&counter), 0);
}
