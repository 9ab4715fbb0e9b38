//! Its connection is closed, and another is made; after an error or a panic that was rolled back in
//! order it does go back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::TransactionManager;

use crate::database::*;
use crate::promises::{panic_of, refused, stored};
use lback::Error;
use lback_tests::{new_user, note, notes};

own_users!();

fn pool_of_one(database: &Database) -> lback::Result<lback::Database<Native>> {
    lback::Database::builder()
        .max_size(1)
        .wait(Duration::from_secs(10))
        .connect(&database.url())
}

#[test]
fn after_a_transaction_that_nobody_ended() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = pool_of_one(&database)?;

    let mut session = pool.session()?;
    <Native as diesel::Connection>::TransactionManager::begin_transaction(session.conn())?;
    note(session.conn(), "never committed")?;
    drop(session);

    let mut session = pool.session()?;
    assert_eq!(notes(&mut session), [""; 0]);
    session.transaction(|session| Users.create(session, new_user("grace")))?;
    assert_eq!(stored(&mut database.session()), ["grace"]);
    Ok(())
}

#[test]
fn but_it_does_after_an_error_and_after_a_panic() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let connected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connected);
    let pool = lback::Database::<Native>::builder()
        .max_size(1)
        .on_connect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .connect(&database.url())?;
    drop(pool.session()?);
    let at_first = connected.load(Ordering::Relaxed);

    let failed = pool.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Err::<(), _>(refused())
    });
    assert!(matches!(failed, Err(Error::Invalid(_))), "{failed:?}");
    assert_eq!(pool.size(), (1, 1));

    let mut session = pool.session()?;
    panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            panic!("inside")
        })
    });
    assert_eq!(stored(&mut session), [""; 0]);
    drop(session);
    assert_eq!(pool.size(), (1, 1));

    panic_of(|| {
        pool.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            panic!("inside")
        })
    });
    assert_eq!(stored(&mut pool.session()?), [""; 0]);
    assert_eq!(connected.load(Ordering::Relaxed), at_first);
    Ok(())
}

#[test]
fn and_whoever_waits_too_long_is_told() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = lback::Database::<Native>::builder()
        .max_size(1)
        .wait(Duration::from_millis(50))
        .connect(&database.url())?;

    let held = pool.session()?;
    let refused = pool.session().map(drop);
    assert!(
        matches!(refused, Err(Error::Connection { .. })),
        "{refused:?}"
    );
    drop(held);
    pool.session().map(drop)
}
