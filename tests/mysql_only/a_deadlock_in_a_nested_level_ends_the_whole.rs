//! MySQL breaks a deadlock by rolling back the whole transaction, savepoints and all: what was
//! written before the nested level is lost, and the outer level must not go on as if it were not.

use diesel::result::Error as DieselError;

use crate::database::*;
use crate::promises::{stored, traced};
use crate::server_only::{Rival, deactivate};
use lback::Error;
use lback_tests::{Trace, new_user, notes};

own_users!();

struct Victim(UserId);

#[receiver(user_post_create, when = |user: &User| user.username == "eve", on_error = "isolate")]
fn touch_the_victim(#[state] victim: &Victim, conn: &mut Native) -> QueryResult<()> {
    deactivate(conn, victim.0).map(drop)
}

#[receiver(user_post_create, order = 1)]
fn note_afterwards(user: &User, conn: &mut Native) -> QueryResult<()> {
    lback_tests::note(conn, &user.username)
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[test]
fn though_its_error_is_passed_over() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = session.mute_all(|session| Users.create(session, new_user("ada")))?;
    let grace = session.mute_all(|session| Users.create(session, new_user("grace")))?;

    let mut rival = None;
    let failed = session.transaction(|session| {
        Users.create(session, new_user("zoe"))?;
        let inner = session.transaction(|session| {
            deactivate(session.conn(), ada.id)?;
            rival = Some(Rival::in_the_way(&database, grace.id, ada.id));
            deactivate(session.conn(), grace.id)
        });
        assert!(
            matches!(inner, Err(DieselError::DatabaseError(..))),
            "{inner:?}"
        );

        let refused = Users.create(session, new_user("late"));
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        lback::Result::Ok(())
    });
    rival.expect("it was in the way").leave();

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    assert_eq!(notes(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn though_it_was_an_isolated_receiver() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = session.mute_all(|session| Users.create(session, new_user("ada")))?;
    let grace = session.mute_all(|session| Users.create(session, new_user("grace")))?;
    let mut session = session.with_state(Victim(grace.id));

    let mut rival = None;
    let failed = session.transaction(|session| {
        deactivate(session.conn(), ada.id)?;
        rival = Some(Rival::in_the_way(&database, grace.id, ada.id));
        Users.create(session, new_user("eve"))
    });
    rival.expect("it was in the way").leave();

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    assert_eq!(notes(&mut session), [""; 0]);
    Ok(())
}
