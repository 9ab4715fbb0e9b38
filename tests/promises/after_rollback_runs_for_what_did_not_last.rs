//! Once the outermost level has ended: for a vetoed, failed or undone operation, whatever undid it,
//! and for none that lasts.

use super::{panic_of, refused, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_pre_create, order = -1)]
fn veto(data: &NewUser) -> Result<(), Veto> {
    match data.username.as_str() {
        "vetoed" => Err(Veto::new("not this one")),
        "panicking" => panic!("in a receiver"),
        _ => Ok(()),
    }
}

#[receiver(user_pre_create, after_rollback, order = 1)]
fn attempted(data: &NewUser, session: &mut Session, #[state] trace: &Trace) -> QueryResult<()> {
    assert!(!session.in_transaction());
    trace.note(format!("attempted {}", data.username));
    note(session.conn(), &data.username)
}

#[receiver(user_post_create, after_rollback)]
fn undone(user: &User, #[state] trace: &Trace) {
    trace.note(format!("undone {}", user.username));
}

#[test]
fn a_veto_of_a_receiver_that_stands_before_it() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let vetoed = Users.create(&mut session, new_user("vetoed"));

    assert!(matches!(vetoed, Err(lback::Error::Vetoed { .. })));
    assert_eq!(trace.take(), ["attempted vetoed"]);
    assert_eq!(notes(&mut session), ["vetoed"]);
    session.take_failures().assert_none();
}

#[test]
fn invalid_data_and_what_the_database_refuses() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), [""; 0]);
    assert!(Users.create(&mut session, new_user("ada")).is_err());
    assert!(Users.create(&mut session, new_user("x")).is_err());

    assert_eq!(trace.take(), ["attempted ada", "attempted x"]);
    Ok(())
}

/// Diesel leaves its level open then, and nobody can tell what was done in it.
#[test]
fn a_panic_that_is_caught_inside_diesels_own_transaction() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let ended = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let panic = panic_of(|| {
            let conn = session.conn();
            diesel::Connection::transaction(conn, |conn| {
                note(conn, "lost")?;
                if true {
                    panic!("in Diesel's transaction");
                }
                QueryResult::Ok(())
            })
        });
        assert_eq!(panic, "in Diesel's transaction");
        lback::Result::Ok(())
    });

    assert!(
        matches!(ended, Err(lback::Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    assert_eq!(trace.take(), ["attempted ada", "undone ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(
        notes(&mut session),
        ["ada"],
        "by what runs after the rollback"
    );
    session.take_failures().assert_none();
}

#[test]
fn not_before_the_outermost_level_has_ended() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        assert!(Users.create(session, new_user("vetoed")).is_err());
        let level: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Err(refused())
        });
        assert!(level.is_err());
        assert_eq!(trace.take(), [""; 0]);
        lback::Result::Ok(())
    })?;

    let expected = ["attempted vetoed", "attempted ada", "undone ada"];
    assert_eq!(trace.take(), expected);
    Ok(())
}

#[test]
fn a_panic_before_it_goes_on() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    assert_eq!(
        panic_of(|| Users.create(&mut session, new_user("panicking"))),
        "in a receiver"
    );
    assert_eq!(trace.take(), ["attempted panicking"]);

    let message = panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            panic!("in the closure")
        })
    });
    assert_eq!(message, "in the closure");
    assert_eq!(trace.take(), ["attempted ada", "undone ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
}

#[test]
fn a_closure_of_a_level_that_was_undone() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let queue = |session: &mut Session, what: &'static str| {
        let trace = trace.clone();
        session.on_rollback(move |_session| trace.note(what));
    };

    queue(&mut session, "outside of transactions");
    session.transaction(|session| {
        queue(session, "of what lasts");
        let undone: lback::Result<()> = session.transaction(|session| {
            queue(session, "of what was undone");
            Err(refused())
        });
        assert!(undone.is_err());
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["of what was undone"]);
    Ok(())
}
