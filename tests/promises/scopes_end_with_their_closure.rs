//! An inner scope leaves the outer one in force, and after the outermost all is as before: after a
//! panic too.

use super::{later, panic_of, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create)]
fn audit(user: &User, #[state] trace: &Trace) {
    trace.note(format!("audit {}", user.username));
    assert!(user.username != "panicking", "in a receiver");
}

#[receiver(user_post_create, order = 1)]
fn count(user: &User, #[state] trace: &Trace) {
    trace.note(format!("count {}", user.username));
}

fn create(session: &mut Session, name: &str) {
    Users
        .create(session, new_user(name))
        .expect("nobody refuses");
}

#[test]
fn nested_mutes() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    session.mute(audit, |session| {
        session.mute(audit, |session| create(session, "one"));
        create(session, "two");
        session.mute(count, |session| create(session, "three"));
        session.mute_all(|session| {
            session.mute_all(|session| create(session, "four"));
            create(session, "five");
        });
        create(session, "six");
    });
    create(&mut session, "seven");

    let expected = [
        "count one",
        "count two",
        "count six",
        "audit seven",
        "count seven",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_mute_after_a_panic() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    session.mute(count, |session| {
        let message = panic_of(|| session.mute(audit, |_session| panic!("inside")));
        assert_eq!(message, "inside");
        let message = panic_of(|| session.mute_all(|_session| panic!("inside")));
        assert_eq!(message, "inside");
        create(session, "one");
    });
    create(&mut session, "two");

    assert_eq!(trace.take(), ["audit one", "audit two", "count two"]);
}

#[test]
fn a_recording_after_a_panic() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };

    let (_, outer) = session.record(|session| {
        let message = panic_of(|| session.record(|session| create(session, "panicking")));
        assert_eq!(message, "in a receiver");
        let ((), inner) = session.record(|session| create(session, "one"));
        inner.assert_ran_times(audit, 1);
    });

    outer.assert_ran_times(audit, 2);
    assert_eq!(outer.assert_failed(audit), "it panicked: in a receiver");
    let ((), nothing) = session.record(|_session| ());
    nothing.assert_nothing_sent();
}

#[test]
fn a_capture_after_a_panic() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        let inner = trace.clone();
        session.on_commit(move |session| {
            let message = panic_of(|| session.capture(|_session| panic!("inside")));
            inner.note(message);
        });
        later(session, &trace, "waited meanwhile");
        lback::Result::Ok(())
    })?;
    later(&mut session, &trace, "at once");

    assert_eq!(trace.take(), ["inside", "waited meanwhile", "at once"]);
    Ok(())
}

#[test]
fn a_state_after_a_panic() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };

    session.with(1_u8, |session| {
        assert_eq!(
            panic_of(|| session.with(2_u8, |_session| panic!("inside"))),
            "inside"
        );
        assert_eq!(session.state::<u8>(), Some(&1));
    });

    assert_eq!(session.state::<u8>(), None);
}
