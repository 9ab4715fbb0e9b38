//! Effects that cause effects end: a write past the bound is refused before it happens, and is the
//! failure of the effect that tried. What was committed stays.

use super::{stored, traced};
use crate::database::*;
use lback::Error;
use lback::failure::FailureCause;
use lback_tests::{Trace, new_user, notes};

own_users!();

#[receiver(user_pre_update)]
fn about_to(conn: &mut Native) -> QueryResult<()> {
    lback_tests::note(conn, "pre")
}

/// Writes the row that it listens to.
#[receiver(user_post_update, after_commit)]
fn again(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    let changes = UserChanges {
        is_active: Some(!user.is_active),
        ..Default::default()
    };
    trace.note("effect");
    Users.update(session, user, changes)?;
    Ok(())
}

fn update(session: &mut Session) -> lback::Result<()> {
    let ada = Users.create(session, new_user("ada"))?;
    let changes = UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    Users.update(session, &ada, changes).map(drop)
}

fn is_loop(error: &(dyn std::error::Error + Send + Sync + 'static), bound: u32) -> bool {
    matches!(error.downcast_ref(), Some(Error::EffectLoop { limit, .. }) if *limit == bound)
}

#[test]
fn sixteen_and_no_more() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    update(&mut session)?;

    assert_eq!(trace.take().len(), 16);
    // The first write, and fifteen by effects; the sixteenth effect's was refused before its
    // pre receiver ran.
    assert_eq!(notes(&mut session).len(), 16);
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    let FailureCause::Error(error) = &failures.latest[0].cause else {
        panic!("{failures}");
    };
    assert!(is_loop(error.as_ref(), 16), "{error}");
    assert!(
        error.to_string().contains("::again` of `user_post_update`"),
        "{error}"
    );
    assert_eq!(stored(&mut session), ["ada"]);
    Ok(())
}

#[test]
fn the_bound_can_be_set() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_max_generations(2);

    update(&mut session)?;

    assert_eq!(trace.take().len(), 2);
    assert_eq!(session.take_failures().count, 1);
    Ok(())
}

fn queue_again(session: &mut Session, trace: Trace) {
    session.on_commit(move |session| {
        trace.note("closure");
        queue_again(session, trace);
    });
}

#[test]
fn closures_too() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        queue_again(session, trace.clone());
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take().len(), 16);
    assert_eq!(session.take_failures().count, 1);
    Ok(())
}

#[test]
fn the_next_write_starts_anew() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    update(&mut session)?;
    trace.take();
    let ada: i64 = users::table.select(users::id).get_result(session.conn())?;
    let changes = UserChanges {
        is_email_verified: Some(true),
        ..Default::default()
    };
    Users.update(&mut session, UserId::from(ada), changes)?;

    assert_eq!(trace.take().len(), 16);
    Ok(())
}
