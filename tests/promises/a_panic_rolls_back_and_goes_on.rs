//! In a receiver or in the closure: undone, no after-commit effect, and the panic reaches the
//! caller; the session can be used afterwards.

use super::{later, panic_of, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user, notes};

own_users!();

#[receiver(user_post_create)]
fn panics(user: &User, conn: &mut Native) -> QueryResult<()> {
    lback_tests::note(conn, &user.username)?;
    assert!(user.username != "panicking", "in a receiver");
    Ok(())
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[test]
fn in_a_receiver() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let message = panic_of(|| Users.create(&mut session, new_user("panicking")));
    assert_eq!(message, "in a receiver");
    assert!(!session.in_transaction());
    Users.create(&mut session, new_user("ada"))?;

    assert_eq!(stored(&mut session), ["ada"]);
    assert_eq!(notes(&mut session), ["ada"]);
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn in_a_receiver_of_the_callers_transaction() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let message = panic_of(|| Users.create(session, new_user("panicking")));
        assert_eq!(message, "in a receiver");
        assert!(session.in_transaction());
        Users.create(session, new_user("grace")).map(drop)
    })?;

    assert_eq!(stored(&mut session), ["ada", "grace"]);
    assert_eq!(trace.take(), ["ada", "grace"]);
    Ok(())
}

#[test]
fn in_the_closure() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let message = panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            later(session, &trace, "1");
            session.transaction(|session| {
                Users.create(session, new_user("grace"))?;
                panic!("in the closure")
            })
        })
    });

    assert_eq!(message, "in the closure");
    assert!(!session.in_transaction());
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}
