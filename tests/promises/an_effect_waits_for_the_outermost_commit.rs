//! Not before the outermost commit, once after it, and never if there is none.

use super::{later, refused, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, session: &mut Session, #[state] trace: &Trace) {
    assert!(!session.in_transaction(), "an effect runs outside");
    trace.note(&user.username);
}

#[test]
fn not_before_the_commit_and_once_after_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        assert_eq!(trace.take(), [""; 0]);
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn an_operation_without_a_transaction_is_one() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;

    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn a_closure_without_a_transaction_runs_at_once() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    later(&mut session, &trace, "1");

    assert_eq!(trace.take(), ["1"]);
}

#[test]
fn an_inner_commit_is_not_the_outer_one() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        session.transaction(|session| Users.create(session, new_user("ada")).map(drop))?;
        session.transaction(|session| {
            later(session, &trace, "1");
            lback::Result::Ok(())
        })?;
        assert_eq!(trace.take(), [""; 0]);
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["ada", "1"]);
    Ok(())
}

#[test]
fn a_transaction_that_rolls_back_runs_none() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        later(session, &trace, "1");
        Err(refused())
    });

    assert!(failed.is_err());
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), [""; 0]);
}

#[test]
fn an_inner_level_lasts_only_with_the_outer() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let failed: lback::Result<()> = session.transaction(|session| {
        session.transaction(|session| Users.create(session, new_user("ada")).map(drop))?;
        Err(refused())
    });

    assert!(failed.is_err());
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn two_transactions_in_a_row_run_nothing_twice() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| Users.create(session, new_user("ada")).map(drop))?;
    assert_eq!(trace.take(), ["ada"]);
    session.transaction(|session| Users.create(session, new_user("grace")).map(drop))?;

    assert_eq!(trace.take(), ["grace"]);
    Ok(())
}

#[test]
fn a_good_transaction_after_a_failed_one_runs_only_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Err(refused())
    });
    session.transaction(|session| Users.create(session, new_user("grace")).map(drop))?;

    assert!(failed.is_err());
    assert_eq!(trace.take(), ["grace"]);
    Ok(())
}

#[test]
fn an_operation_that_the_database_refuses_runs_none() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;
    let twice = Users.create(&mut session, new_user("ada"));

    assert!(
        matches!(twice, Err(lback::Error::Duplicate { .. })),
        "{twice:?}"
    );
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}
