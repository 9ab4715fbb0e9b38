//! A session for the length of a closure, on a connection that somebody else owns: what was written is
//! stored, effects have run, and the connection is where it was, whatever the closure did.

use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create)]
fn seen(user: &User, #[state] trace: &Trace) {
    trace.note(format!("seen: {}", user.username));
}

#[receiver(user_post_create, after_commit)]
fn stored(user: &User, #[state] trace: &Trace) {
    trace.note(format!("stored: {}", user.username));
}

/// A helper as applications have them.
fn sign_up(conn: &mut Native, trace: &Trace, name: &str) -> lback::Result<UserId> {
    Session::borrowing(conn, |session| {
        session.with(trace.clone(), |session| {
            Ok(Users.create(session, new_user(name))?.id)
        })
    })
}

fn count(conn: &mut Native) -> i64 {
    users::table.count().get_result(conn).unwrap()
}

#[test]
fn after_success_failure_and_panic() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let (mut conn, trace) = (database.connection(), Trace::new());

    sign_up(&mut conn, &trace, "ada").unwrap();
    assert_eq!(trace.take(), ["seen: ada", "stored: ada"]);
    assert_eq!(count(&mut conn), 1);

    assert!(sign_up(&mut conn, &trace, "ada").is_err());
    assert_eq!(count(&mut conn), 1);
    assert_eq!(trace.take(), [""; 0]);

    let panicked = super::panic_of(|| {
        Session::borrowing(&mut conn, |session| {
            session.transaction(|session| -> lback::Result<()> {
                session.with(trace.clone(), |session| {
                    Users.create(session, new_user("eve"))
                })?;
                panic!("in the middle")
            })
        })
    });
    assert_eq!(panicked, "in the middle");
    assert_eq!(count(&mut conn), 1);

    sign_up(&mut conn, &trace, "grace").unwrap();
    assert_eq!(count(&mut conn), 2);
    // It is outside of every transaction, and anybody may begin one.
    conn.transaction(|conn| users::table.count().get_result::<i64>(conn))
        .unwrap();
}

#[test]
fn inside_a_transaction_it_is_refused() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let (mut conn, trace) = (database.connection(), Trace::new());
    let refused = conn.transaction(|conn| sign_up(conn, &trace, "ada"));
    assert!(
        matches!(refused, Err(Error::AlreadyInTransaction)),
        "{refused:?}"
    );
    assert_eq!(count(&mut conn), 0);
    // Before anything is tried.
    let refused = conn.transaction(|conn| {
        Session::borrowing(conn, |_session| -> lback::Result<()> {
            unreachable!("it has no session")
        })
    });
    assert!(
        matches!(refused, Err(Error::AlreadyInTransaction)),
        "{refused:?}"
    );
    sign_up(&mut conn, &trace, "ada").unwrap();
}

#[test]
fn also_when_another_session_was_put_in_its_place() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let (mut conn, mut other) = (database.connection(), database.session());
    let swapped: lback::Result<()> = Session::borrowing(&mut conn, |session| {
        std::mem::swap(session, &mut other);
        Ok(())
    });
    swapped.unwrap();
    // Each is a connection of its own, wherever it is.
    assert_eq!(count(&mut conn), 0);
    assert_eq!(count(other.conn()), 0);
}
