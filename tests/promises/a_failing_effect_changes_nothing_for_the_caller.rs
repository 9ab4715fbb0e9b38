//! An error or a panic in one effect: the others run, the data is committed, the caller gets `Ok`,
//! and the failure is kept.

use super::{stored, traced};
use crate::database::*;
use lback::failure::FailureCause;
use lback::listing::Phase;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit, order = 1)]
fn before(user: &User, #[state] trace: &Trace) {
    trace.note(format!("before {}", user.username));
}

#[receiver(user_post_create, after_commit, order = 2)]
fn fails(user: &User) -> Result<(), String> {
    match user.username.as_str() {
        "failing" => Err("the mail server is down".to_owned()),
        "panicking" => panic!("there is no mail server"),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, after_commit, order = 3)]
fn behind(user: &User, #[state] trace: &Trace) {
    trace.note(format!("behind {}", user.username));
}

fn panic_with(text: &str) {
    panic!("{text}")
}

#[test]
fn an_error() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("failing"))?;

    assert_eq!(trace.take(), ["before failing", "behind failing"]);
    assert_eq!(stored(&mut session), ["failing"]);
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    let failure = &failures.latest[0];
    assert!(
        failure
            .receiver
            .expect("it was one")
            .path
            .ends_with("::fails")
    );
    assert_eq!(failure.phase, Phase::AfterCommit);
    assert!(
        failure
            .to_string()
            .ends_with("failed after commit: the mail server is down")
    );
    Ok(())
}

#[test]
fn a_panic() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("panicking"))?;

    assert_eq!(trace.take(), ["before panicking", "behind panicking"]);
    assert_eq!(stored(&mut session), ["panicking"]);
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    let FailureCause::Panic(message) = &failures.latest[0].cause else {
        panic!("{failures}");
    };
    assert_eq!(message, "there is no mail server");
    Ok(())
}

#[test]
fn a_closure() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        session.on_commit(|_session| Err::<(), _>("a closure's error"));
        session.on_commit(|_session| panic_with("a closure's panic"));
        super::later(session, &trace, "behind");
        lback::Result::Ok(())
    })?;
    session.on_commit(|_session| panic_with("at once"));

    assert_eq!(trace.take(), ["behind"]);
    let failures = session.take_failures();
    let messages: Vec<_> = failures.latest.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "a closure failed after commit: a closure's error",
            "a closure failed after commit: it panicked: a closure's panic",
            "a closure failed after commit: it panicked: at once",
        ]
    );
    Ok(())
}

#[test]
fn the_next_transaction_runs_only_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| Users.create(session, new_user("panicking")).map(drop))?;
    trace.take();
    session.transaction(|session| Users.create(session, new_user("ada")).map(drop))?;

    assert_eq!(trace.take(), ["before ada", "behind ada"]);
    assert_eq!(session.take_failures().count, 1);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn what_a_failing_effect_left_open_is_rolled_back() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        session.on_commit(|session: &mut Session| {
            session.transaction(|session| -> lback::Result<()> {
                Users.create(session, new_user("half"))?;
                panic!("in the transaction of an effect")
            })
        });
        session
            .on_commit(|session: &mut Session| Users.create(session, new_user("whole")).map(drop));
        lback::Result::Ok(())
    })?;

    assert_eq!(stored(&mut session), ["whole"]);
    assert_eq!(trace.take(), ["before whole", "behind whole"]);
    assert_eq!(session.take_failures().count, 1);
    Ok(())
}
