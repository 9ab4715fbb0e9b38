//! What the application wants done with connections may panic, and so may Diesel's instrumentation meanwhile.
//! The pool makes another connection: it neither counts one that is not there, nor waits for ever for a
//! thread that is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
