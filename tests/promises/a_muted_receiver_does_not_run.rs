//! One function, a signal, or all; decided when the signal is sent.

use super::{panic_of, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_pre_create)]
fn refuse(data: &NewUser) -> Result<(), Veto> {
    match data.username.as_str() {
        "eve" => Err(Veto::new("not eve")),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, user_post_delete)]
fn audit(user: &User, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("audit {} {}", signal.name(), user.username));
}

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

fn create_and_delete(session: &mut Session) -> lback::Result<()> {
    let ada = Users.create(session, new_user("ada"))?;
    Users.delete(session, &ada)
}

#[test]
fn one_function_of_all_its_signals() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.mute(audit, create_and_delete)?;

    assert_eq!(trace.take(), ["welcome ada"]);
    Ok(())
}

#[test]
fn a_veto_of_a_muted_function() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    session.mute(refuse, |session| Users.create(session, new_user("eve")))?;

    assert_eq!(stored(&mut session), ["eve"]);
    Ok(())
}

#[test]
fn a_signal_with_all_its_receivers() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.mute(user_post_create, create_and_delete)?;

    assert_eq!(trace.take(), ["audit user_post_delete ada"]);
    Ok(())
}

#[test]
fn all() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.mute_all(create_and_delete)?;

    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

#[test]
fn what_was_queued_before_still_runs() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        session.mute_all(|session| Users.create(session, new_user("grace")).map(drop))
    })?;

    assert_eq!(trace.take(), ["audit user_post_create ada", "welcome ada"]);
    Ok(())
}

#[test]
fn what_was_queued_inside_is_not_made_up_for() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| session.mute(welcome, create_and_delete))?;

    let expected = ["audit user_post_create ada", "audit user_post_delete ada"];
    assert_eq!(trace.take(), expected);
    Ok(())
}

#[test]
fn only_a_signal_or_a_receiver_can_be_muted() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };

    let message = panic_of(|| session.mute(create_and_delete, |_session| ()));

    assert!(
        message.ends_with(
            "::create_and_delete` is neither a signal nor a receiver, so it cannot be muted"
        ),
        "{message}"
    );
}
