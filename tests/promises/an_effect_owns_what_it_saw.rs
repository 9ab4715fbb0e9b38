//! The arguments as they were, and the state that was in force, when the signal was sent.

use super::traced;
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

struct Actor(&'static str);

#[receiver(user_pre_create, order = -1)]
fn change(data: &mut NewUser) {
    data.email = format!("changed.{}", data.email);
}

#[receiver(user_pre_create, after_rollback)]
fn attempted(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("attempted {}", data.email));
}

#[receiver(user_post_create, after_commit)]
fn created(
    user: User,
    sender: &Users,
    signal: &SignalInfo,
    #[state] actor: &Actor,
    #[state] trace: &Trace,
) {
    let _: &Users = sender;
    trace.note(format!(
        "{} {} {} by {}",
        signal.name(),
        user.username,
        user.is_active,
        actor.0
    ));
}

#[receiver(user_post_update, after_commit)]
fn updated(user: &User, previous: &User, update_data: &UserChanges, #[state] trace: &Trace) {
    trace.note(format!(
        "{} was {}, is {}, by {:?}",
        user.username, previous.is_active, user.is_active, update_data.is_active
    ));
}

#[receiver(user_post_delete, after_commit)]
fn deleted(user_id: UserId, user: &User, #[state] trace: &Trace) {
    trace.note(format!("{} {}", user.username, user_id == user.id));
}

fn active(is_active: bool) -> UserChanges {
    UserChanges {
        is_active: Some(is_active),
        ..Default::default()
    }
}

#[test]
fn the_row_of_that_moment() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_state(Actor("nobody"));

    session.transaction(|session| {
        let ada = Users.create(session, new_user("ada"))?;
        Users.update(session, &ada, active(false))?;
        Users.update(session, &ada, active(true))?;
        Users.delete(session, &ada)
    })?;

    assert_eq!(
        trace.take(),
        [
            "user_post_create ada true by nobody",
            "ada was true, is false, by Some(false)",
            "ada was false, is true, by Some(true)",
            "ada true",
        ]
    );
    Ok(())
}

#[test]
fn the_data_before_any_receiver_changed_it() {
    let Some((_database, session, trace)) = traced() else {
        return;
    };
    let mut session = session.with_state(Actor("nobody"));

    assert!(Users.create(&mut session, new_user("x")).is_err());

    assert_eq!(trace.take(), ["attempted x@example.com"]);
}

#[test]
fn the_state_of_the_write() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_state(Actor("nobody"));

    session.transaction(|session| {
        session.with(Actor("ada"), |session| {
            Users.create(session, new_user("one"))
        })?;
        Users.create(session, new_user("two"))?;
        session.with(Actor("eve"), |session| {
            let trace = trace.clone();
            session.on_commit(move |session: &mut Session| {
                trace.note(session.state::<Actor>().expect("it was there").0);
            });
        });
        lback::Result::Ok(())
    })?;

    assert_eq!(
        trace.take(),
        [
            "user_post_create one true by ada",
            "user_post_create two true by nobody",
            "eve"
        ]
    );
    Ok(())
}

#[test]
fn a_state_that_is_missing_is_seen_at_the_write() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let missing = Users.create(&mut session, new_user("ada"));

    assert!(
        matches!(missing, Err(lback::Error::StateMissing { .. })),
        "{missing:?}"
    );
    assert_eq!(trace.take(), ["attempted ada@example.com"]);
}
