//! Where an `async` receiver would have no runtime, the operation is refused before anything is written:
//! if the receiver is neither muted nor excluded by its `when`.

use crate::database::*;
use crate::promises::{asynchronous, stored, traced};
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_pre_create)]
fn before(conn: &mut Native) -> QueryResult<()> {
    note(conn, "before")
}

#[receiver(user_post_create, after_commit, id = "created")]
async fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_delete, after_commit, when = |user: &User| user.username == "ada", id = "deleted")]
async fn deleted(#[state] trace: &Trace) {
    trace.note("deleted");
}

fn assert_refused<T: std::fmt::Debug>(refused: lback::Result<T>, id: &str) {
    let Err(Error::NoRuntime { receiver, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(receiver.id, id);
    let text = refused.expect_err("it is refused").to_string();
    assert!(text.contains("`database.run(..).await`"), "{text}");
    assert!(text.contains("`session.with_runtime(..)`"), "{text}");
}

#[test]
fn neither_one_nor_many() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let (refused, recording) = session.record(|session| Users.create(session, new_user("ada")));
    assert_refused(refused, "created");
    // No receiver ran: it was before anything.
    assert!(recording.events().is_empty(), "{recording:?}");
    let many = vec![new_user("ada"), new_user("grace")];
    assert_refused(Users.create_many(&mut session, many), "created");
    assert_refused(
        session.transaction(|session| Users.create(session, new_user("ada"))),
        "created",
    );
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(notes(&mut session), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

#[test]
fn a_transaction_goes_on_after_it() -> lback::Result<()> {
    let Some((_database, mut session, _trace)) = traced() else {
        return Ok(());
    };
    session.transaction(|session| {
        assert_refused(Users.create(session, new_user("ada")), "created");
        session.mute(created, |session| Users.create(session, new_user("grace")))
    })?;
    assert_eq!(stored(&mut session), ["grace"]);
    Ok(())
}

#[test]
fn one_that_will_not_run_needs_none() -> lback::Result<()> {
    let Some((_database, mut session, _trace)) = traced() else {
        return Ok(());
    };
    let both = session.mute(created, |session| {
        lback::Result::Ok([
            Users.create(session, new_user("ada"))?,
            Users.create(session, new_user("grace"))?,
        ])
    });
    let [ada, grace] = both?;
    Users.delete(&mut session, &grace)?;
    // Its condition says yes, once the row is known: then nothing of it is left.
    assert_refused(Users.delete(&mut session, &ada), "deleted");
    assert_eq!(stored(&mut session), ["ada"]);
    session.mute_all(|session| Users.delete(session, &ada))?;
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn a_session_may_be_given_one_or_find_it() -> lback::Result<()> {
    let Some((database, _session, trace)) = traced() else {
        return Ok(());
    };
    let runtime = asynchronous();
    let seen = |name: &str| {
        let wanted = [format!("created {name}")];
        while trace.take() != wanted {
            std::thread::yield_now();
        }
    };

    let session = database.session().with_state(trace.clone());
    let mut session = session.with_runtime(runtime.handle().clone());
    Users.create(&mut session, new_user("ada"))?;
    seen("ada");

    let mut session = database.session().with_state(trace.clone());
    let inside = runtime.enter();
    Users.create(&mut session, new_user("grace"))?;
    drop(inside);
    seen("grace");
    // It stays with the one that it has found.
    Users.create(&mut session, new_user("eve"))?;
    seen("eve");
    Ok(())
}
