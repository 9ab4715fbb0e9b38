//! It sees the committed row, also from elsewhere, and has the session for transactions of its own.

use super::{later, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, after_commit)]
fn look(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    let found = Users.find(session, user)?;
    trace.note(format!("{} {}", user.username, found.is_some()));
    Ok(())
}

#[receiver(user_post_update, after_commit)]
fn write(user: &User, session: &mut Session) -> lback::Result<()> {
    session.transaction(|session| {
        note(session.conn(), &user.username)?;
        session.transaction(|session| Ok(note(session.conn(), "nested")?))
    })
}

#[receiver(user_post_delete, after_commit)]
fn write_through_the_connection(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &user.username)
}

#[test]
fn it_finds_the_row() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let mut elsewhere = database.session();

    session.transaction(|session| {
        let ada = Users.create(session, new_user("ada"))?;
        let there = trace.clone();
        session.on_commit(move |_session: &mut Session| {
            let found = Users.find(&mut elsewhere, &ada)?;
            there.note(format!("from elsewhere {}", found.is_some()));
            lback::Result::Ok(())
        });
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["ada true", "from elsewhere true"]);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn it_opens_a_transaction_of_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ada = Users.create(&mut session, new_user("ada"))?;
    let changes = UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    session.transaction(|session| {
        let ada = Users.update(session, &ada, changes)?;
        Users.delete(session, &ada)?;
        later(session, &trace, "behind");
        lback::Result::Ok(())
    })?;

    assert_eq!(notes(&mut session), ["ada", "nested", "ada"]);
    assert_eq!(trace.take(), ["ada true", "behind"]);
    session.take_failures().assert_none();
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}
