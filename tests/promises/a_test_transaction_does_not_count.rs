//! `Session::for_test`: effects run at the end of the user's own outermost transaction, or at once;
//! and nothing is stored.

use super::{later, panic_of, refused, stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, session: &mut Session, #[state] trace: &Trace) {
    assert!(!session.in_transaction());
    trace.note(format!("created {}", user.username));
}

#[receiver(user_pre_create, after_rollback)]
fn attempted(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("attempted {}", data.username));
}

fn for_test() -> Option<(Database, Session, Trace)> {
    let (database, _, trace) = traced()?;
    let session = Session::for_test(database.connection()).expect("it can begin");
    Some((database, session.with_state(trace.clone()), trace))
}

#[test]
fn effects_run_at_the_end_of_the_users_outermost_transaction() -> lback::Result<()> {
    let Some((database, mut session, trace)) = for_test() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), ["created ada"]);
    later(&mut session, &trace, "at once");
    assert_eq!(trace.take(), ["at once"]);
    session.transaction(|session| {
        session.transaction(|session| Users.create(session, new_user("grace")).map(drop))?;
        assert_eq!(trace.take(), [""; 0]);
        lback::Result::Ok(())
    })?;
    assert_eq!(trace.take(), ["created grace"]);

    assert_eq!(stored(&mut session), ["ada", "grace"]);
    drop(session);
    assert_eq!(stored(&mut database.session()), [""; 0]);
    Ok(())
}

#[test]
fn what_rolls_back_leaves_the_test_as_it_was() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = for_test() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;
    trace.take();
    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("grace"))?;
        Err(refused())
    });
    assert!(failed.is_err());
    let message = panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("eve"))?;
            panic!("inside")
        })
    });
    assert_eq!(message, "inside");

    assert_eq!(trace.take(), ["attempted grace", "attempted eve"]);
    assert_eq!(stored(&mut session), ["ada"]);
    Ok(())
}

#[test]
fn a_statement_that_fails_leaves_it_usable() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = for_test() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;
    let twice = Users.create(&mut session, new_user("ada"));
    assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
    let silently = session.mute_all(|session| Users.create(session, new_user("ada")));
    assert!(
        matches!(silently, Err(Error::Duplicate { .. })),
        "{silently:?}"
    );
    Users.create(&mut session, new_user("grace"))?;

    assert_eq!(
        trace.take(),
        ["created ada", "attempted ada", "created grace"]
    );
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    Ok(())
}

#[test]
fn a_transaction_that_was_begun_before_becomes_the_test_transaction() -> lback::Result<()> {
    let Some((database, _, trace)) = traced() else {
        return Ok(());
    };
    let mut connection = database.connection();
    connection.begin_test_transaction()?;

    let mut session = Session::for_test(connection)?.with_state(trace.clone());
    Users.create(&mut session, new_user("ada"))?;

    assert_eq!(trace.take(), ["created ada"]);
    drop(session);
    assert_eq!(stored(&mut database.session()), [""; 0]);
    Ok(())
}

#[test]
fn any_other_session_refuses_a_connection_inside_a_transaction() -> lback::Result<()> {
    let Some((database, _, _)) = traced() else {
        return Ok(());
    };
    let mut connection = database.connection();
    connection.begin_test_transaction()?;

    let Err(error) = Session::new(connection) else {
        panic!("it was accepted");
    };

    assert!(matches!(error, Error::AlreadyInTransaction), "{error:?}");
    assert!(error.to_string().contains("Session::for_test"), "{error}");
    Ok(())
}
