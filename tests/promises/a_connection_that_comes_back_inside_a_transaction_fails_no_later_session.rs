//! A session of a pool that leaves a transaction behind, by a raw statement or by Diesel's manager:
//! what was written in it is not stored, and the next session has a connection in order. And what the
//! application wants done with connections is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use lback_tests::{new_user, note, notes};

use crate::database::*;
use crate::promises::stored;

own_users!();

fn pool_of_one(database: &Database) -> lback::DatabaseBuilder<Native> {
    let _ = database;
    lback::Database::builder()
        .max_size(1)
        .wait(Duration::from_secs(10))
}

fn leaves(how: impl Fn(&mut Session)) {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool_of_one(&database).connect(&database.url()).unwrap();
    for _ in 0..3 {
        let mut session = pool.session().expect("the pool goes on");
        how(&mut session);
        note(session.conn(), "never committed").unwrap();
        drop(session);
    }
    let mut session = pool.session().expect("the pool goes on");
    assert_eq!(notes(&mut session), [""; 0]);
    Users.create(&mut session, new_user("grace")).unwrap();
    drop(session);
    assert_eq!(stored(&mut database.session()), ["grace"]);
}

#[test]
fn begun_by_a_raw_statement() {
    leaves(|session| session.conn().batch_execute("BEGIN").unwrap());
}

#[test]
fn begun_by_diesel_for_a_test() {
    leaves(|session| diesel::Connection::begin_test_transaction(session.conn()).unwrap());
}

#[test]
fn hooks_see_every_connection() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let (connected, reused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (on_connect, on_reuse) = (Arc::clone(&connected), Arc::clone(&reused));
    let pool = pool_of_one(&database)
        .on_connect(move |connection| {
            on_connect.fetch_add(1, Ordering::SeqCst);
            note(connection, "connected").map(drop)
        })
        .before_reuse(move |connection| {
            on_reuse.fetch_add(1, Ordering::SeqCst);
            note(connection, "reused").map(drop)
        })
        .connect(&database.url())
        .unwrap();
    // One to see whether the address is right, one of the pool's.
    assert_eq!(connected.load(Ordering::SeqCst), 2);
    let before = reused.load(Ordering::SeqCst);
    drop(pool.session().unwrap());
    drop(pool.session().unwrap());
    assert_eq!(reused.load(Ordering::SeqCst), before + 2);
    let notes = notes(&mut pool.session().unwrap());
    assert_eq!(notes[..2], ["connected", "connected"]);
    assert!(notes[2..].iter().all(|note| note == "reused"), "{notes:?}");
}

#[test]
fn a_hook_that_fails_says_so_at_once() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let refused = pool_of_one(&database)
        .on_connect(|connection| connection.batch_execute("SELECT no_such_thing"))
        .connect(&database.url());
    assert!(
        matches!(refused, Err(lback::Error::Connection { .. })),
        "{refused:?}"
    );
}
