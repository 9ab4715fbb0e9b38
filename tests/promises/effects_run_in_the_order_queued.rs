//! Not inner levels first; an outer write's before those of writes nested in it; all after-rollback
//! effects before the first after-commit one.

use super::{later, refused, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_commit, order = -1)]
fn created_first(user: &User, #[state] trace: &Trace) {
    if user.username == "ordered" {
        trace.note("first");
    }
}

#[receiver(user_post_create, after_commit, order = -5, after = created)]
fn created_last(user: &User, #[state] trace: &Trace) {
    if user.username == "ordered" {
        trace.note("last");
    }
}

#[receiver(user_post_create, after_rollback)]
fn not_created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("not created {}", user.username));
}

#[receiver(user_post_create)]
fn nested(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    trace.note(format!("in transaction {}", user.username));
    if user.username == "outer" {
        Users.create(session, new_user("nested"))?;
    }
    Ok(())
}

#[test]
fn from_outer_and_inner_levels() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        later(session, &trace, "1");
        session.transaction(|session| {
            later(session, &trace, "2");
            lback::Result::Ok(())
        })?;
        later(session, &trace, "3");
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["1", "2", "3"]);
    Ok(())
}

#[test]
fn the_outer_writes_before_those_of_a_write_nested_in_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("outer"))?;

    assert_eq!(
        trace.take(),
        [
            "in transaction outer",
            "in transaction nested",
            "created outer",
            "created nested"
        ]
    );
    Ok(())
}

#[test]
fn those_of_one_signal_by_their_order() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ordered"))?;

    let expected = ["in transaction ordered", "first", "created ordered", "last"];
    assert_eq!(trace.take(), expected);
    Ok(())
}

#[test]
fn after_rollback_before_after_commit() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        later(session, &trace, "1");
        for name in ["undone", "undone_too"] {
            let undone: lback::Result<()> = session.transaction(|session| {
                Users.create(session, new_user(name))?;
                Err(refused())
            });
            assert!(undone.is_err());
            later(session, &trace, "2");
        }
        trace.take();
        lback::Result::Ok(())
    })?;

    let expected = [
        "not created undone",
        "not created undone_too",
        "1",
        "2",
        "2",
    ];
    assert_eq!(trace.take(), expected);
    Ok(())
}

#[test]
fn after_rollback_of_an_inner_level_that_was_undone_first_too() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("first"))?;
        let inner: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("second"))?;
            Err(refused())
        });
        assert!(inner.is_err());
        Users.create(session, new_user("third"))?;
        trace.take();
        Err(refused())
    });

    assert!(failed.is_err());
    let expected = [
        "not created first",
        "not created second",
        "not created third",
    ];
    assert_eq!(trace.take(), expected);
}
