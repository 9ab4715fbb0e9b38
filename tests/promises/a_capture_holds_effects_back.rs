//! It lists what waits, once each, and runs it only when told.

use super::{later, refused, stored, traced};
use crate::database::*;
use expect_test::expect;
use lback::testing::Captured;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit, id = "created")]
fn created(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    trace.note(&user.username);
    if user.username == "recursive" {
        Users.create(session, new_user("caused"))?;
    }
    Ok(())
}

#[receiver(user_pre_create, after_rollback, id = "refused")]
fn attempted(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("attempted {}", data.username));
}

fn create(session: &mut Session, name: &str) -> lback::Result<()> {
    Users.create(session, new_user(name)).map(drop)
}

#[test]
fn listed_and_not_run() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let (done, captured) = session.capture(|session| {
        create(session, "ada")?;
        session.transaction(|session| {
            create(session, "grace")?;
            later(session, &trace, "closure");
            lback::Result::Ok(())
        })
    });

    done?;
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    captured.assert_pending_times(created, 2);
    expect![[r"
        created, after commit
        created, after commit
        a closure, after commit
    "]]
    .assert_eq(&captured.to_string());
    later(&mut session, &trace, "the next");
    assert_eq!(trace.take(), ["the next"]);
    Ok(())
}

#[test]
fn a_closure_outside_of_transactions_too() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let ((), captured) = session.capture(|session| later(session, &trace, "1"));
    assert_eq!(captured.len(), 1);
    assert_eq!(trace.take(), [""; 0]);

    let ((), captured) = session.capture_and_run(|session| later(session, &trace, "2"));
    assert_eq!(captured.len(), 1);
    assert_eq!(trace.take(), ["2"]);
}

#[test]
fn without_what_was_queued_before_and_what_was_undone() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let captured = session.transaction(|session| {
        create(session, "before")?;
        let (done, captured) = session.capture(|session| {
            create(session, "inside")?;
            let undone: lback::Result<()> = session.transaction(|session| {
                create(session, "undone")?;
                Err(refused())
            });
            assert!(undone.is_err());
            lback::Result::Ok(())
        });
        done?;
        create(session, "behind")?;
        lback::Result::Ok(captured)
    })?;

    captured.assert_pending_times(created, 1);
    // The transaction went on, and so did what was only listed.
    let expected = ["attempted undone", "before", "inside", "behind"];
    assert_eq!(trace.take(), expected);
    Ok(())
}

#[test]
fn after_rollback_effects_too() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let (refused, captured) = session.capture(|session| create(session, "x"));

    assert!(refused.is_err());
    captured.assert_pending(attempted);
    captured.assert_not_pending(created);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn run_at_the_end_with_all_they_queue_each_once() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let (done, captured) = session.capture_and_run(|session| {
        create(session, "recursive")?;
        create(session, "ada")?;
        assert_eq!(trace.take(), [""; 0]);
        lback::Result::Ok(())
    });

    done?;
    assert_eq!(trace.take(), ["recursive", "ada", "caused"]);
    captured.assert_pending_times(created, 3);
    assert_eq!(captured.len(), 3);
    Ok(())
}

#[test]
fn inside_an_effect() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let lengths = Trace::new();

    session.transaction(|session| {
        let (inner, noted) = (trace.clone(), lengths.clone());
        session.on_commit(move |session: &mut Session| {
            let note = |captured: Captured| noted.note(captured.len().to_string());
            note(session.capture(|session| create(session, "held")).1);
            note(
                session
                    .capture_and_run(|session| create(session, "recursive"))
                    .1,
            );
            inner.note("end of the effect");
        });
        later(session, &trace, "waited meanwhile");
        lback::Result::Ok(())
    })?;

    assert_eq!(
        trace.take(),
        [
            "recursive",
            "caused",
            "end of the effect",
            "waited meanwhile"
        ]
    );
    assert_eq!(lengths.take(), ["1", "2"]);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn nothing_is_captured_where_nothing_happens() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };

    let ((), captured) = session.capture(|_session| ());

    captured.assert_nothing_pending();
    assert_eq!(captured.to_string(), "");
}

/// What an effect hands to `on_commit` outside of a transaction is held and listed, as what the scope
/// itself hands to it.
#[test]
fn what_an_effect_hands_over_is_listed_too() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ((), captured) = session.capture_and_run(|session| {
        session.on_commit(|session| {
            session.state::<Trace>().unwrap().note("first");
            session.on_commit(|session| session.state::<Trace>().unwrap().note("handed over"));
            session.state::<Trace>().unwrap().note("first ends");
        });
        session.on_commit(|session| session.state::<Trace>().unwrap().note("second"));
    });
    assert_eq!(captured.len(), 3);
    assert_eq!(
        trace.take(),
        ["first", "first ends", "second", "handed over"]
    );
}
