//! A session gives its connection back, as it was left, if the connection is its own.

use diesel::r2d2::{ConnectionManager, Pool};
use lback_tests::{Trace, new_user};

use crate::database::*;

own_users!();

#[receiver(user_post_create, after_commit)]
fn stored(user: &User, #[state] trace: &Trace) {
    trace.note(format!("stored {}", user.username));
}

#[test]
fn what_was_written_is_there() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = super::traced() else {
        return Ok(());
    };
    Users.create(&mut session, new_user("ada"))?;
    let mut connection = session.into_connection().expect("it is its own");
    assert_eq!(users::table.count().get_result(&mut connection), Ok(1_i64));
    let mut session = Session::new(connection)?;
    assert_eq!(Users.count(&mut session)?, 1);
    assert_eq!(trace.take(), ["stored ada"]);
    Ok(())
}

#[test]
fn what_waits_is_forgotten_and_what_was_open_stays_open() -> lback::Result<()> {
    let Some((_database, session, trace)) = super::traced() else {
        return Ok(());
    };
    let connection = session.into_connection().expect("it is its own");
    let mut session = Session::for_test(connection)?.with_state(trace.clone());
    Users.create(&mut session, new_user("ada"))?;
    let connection = session.into_connection().expect("it is its own");
    let refused = Session::new(connection);
    assert!(matches!(
        refused.err(),
        Some(lback::Error::AlreadyInTransaction)
    ));
    Ok(())
}

#[test]
fn a_pools_goes_back_to_its_pool() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let manager = ConnectionManager::<Native>::new(database.url());
    let pool = Pool::builder().max_size(1).build(manager).unwrap();
    let session = Session::from_guard(pool.get().unwrap()).unwrap();
    assert!(session.into_connection().is_none());
    pool.get().expect("it is there again");
}
