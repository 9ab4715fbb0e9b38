//! What the application wants done with connections may panic, and so may Diesel's instrumentation meanwhile.
//! The pool makes another connection: it neither counts one that is not there, nor waits for ever for a
//! thread that is gone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use lback_tests::new_user;

use crate::database::*;
use crate::promises::stored;

own_users!();

/// A hook that panics at the calls of these numbers.
fn panics_at(
    calls: std::ops::Range<usize>,
) -> impl Fn(&mut Native) -> QueryResult<()> + Send + Sync + 'static {
    let count = Arc::new(AtomicUsize::new(0));
    move |_| {
        let call = count.fetch_add(1, Ordering::SeqCst);
        assert!(!calls.contains(&call), "in a hook");
        Ok(())
    }
}

fn builder() -> lback::DatabaseBuilder<Native> {
    lback::Database::builder()
        .max_size(2)
        .wait(Duration::from_secs(20))
}

#[test]
fn before_a_connection_is_used_again() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = builder()
        .before_reuse(panics_at(0..5))
        .connect(&database.url())
        .unwrap();
    Users
        .create(&mut pool.session().unwrap(), new_user("ada"))
        .unwrap();
    let both = (pool.session().unwrap(), pool.session().unwrap());
    drop(both);
    assert_eq!(stored(&mut database.session()), ["ada"]);
}

#[test]
fn on_a_new_connection() {
    let Some(database) = Database::fresh() else {
        return;
    };
    // The first is made to see whether the address is right; these are the pool's own.
    let pool = builder()
        .on_connect(panics_at(1..4))
        .connect(&database.url())
        .unwrap();
    Users
        .create(&mut pool.session().unwrap(), new_user("ada"))
        .unwrap();
    assert_eq!(stored(&mut database.session()), ["ada"]);
}

/// Panics beside BEGIN, as often as it says.
struct AtBegin(Arc<AtomicUsize>);

impl Instrumentation for AtBegin {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::BeginTransaction { .. } = event {
            let left = self.0.load(Ordering::SeqCst);
            self.0.store(left.saturating_sub(1), Ordering::SeqCst);
            assert!(left == 0, "in the instrumentation");
        }
    }
}

#[test]
fn while_the_transaction_of_a_test_begins() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let left = Arc::new(AtomicUsize::new(2));
    let pool = builder()
        .for_test()
        .wait(Duration::from_secs(20))
        .on_connect(move |connection| {
            connection.set_instrumentation(AtBegin(Arc::clone(&left)));
            Ok(())
        })
        .connect(&database.url())
        .unwrap();
    Users
        .create(&mut pool.session().unwrap(), new_user("ada"))
        .unwrap();
    assert_eq!(stored(&mut database.session()), [""; 0]);
}

/// Where the instrumentation panics that every connection has, and how often it has been asked.
static ADDRESS: Mutex<(String, usize)> = Mutex::new((String::new(), 0));

struct AtAddress;

impl Instrumentation for AtAddress {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartEstablishConnection { url, .. } = event {
            let mut address = ADDRESS
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if address.0 == url {
                address.1 += 1;
                assert!(!(2..4).contains(&address.1), "in the instrumentation");
            }
        }
    }
}

#[test]
fn while_a_connection_is_established() {
    let Some(database) = Database::fresh() else {
        return;
    };
    ADDRESS.lock().unwrap().0 = database.url();
    set_default_instrumentation(|| Some(Box::new(AtAddress))).unwrap();
    let pool = builder().max_size(1).connect(&database.url()).unwrap();
    Users
        .create(&mut pool.session().unwrap(), new_user("ada"))
        .unwrap();
    assert_eq!(stored(&mut database.session()), ["ada"]);
}

#[test]
fn on_the_first_connection_it_is_an_error() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let refused = builder()
        .on_connect(panics_at(0..1))
        .connect(&database.url());
    let Err(error) = refused else {
        panic!("it connects");
    };
    assert!(
        format!("{error:#}").contains("it panicked: in a hook"),
        "{error:#}"
    );
}
