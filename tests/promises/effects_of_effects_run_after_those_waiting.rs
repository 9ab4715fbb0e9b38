//! First what waits already, then what it queued, in that order, each once.

use super::{later, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    trace.note(&user.username);
    if user.username.len() < 5 {
        Users.create(session, new_user(&format!("{}1", user.username)))?;
    }
    Ok(())
}

#[test]
fn closures_in_transactions_of_effects() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        for (first, second) in [("1", "11"), ("2", "12")] {
            let trace = trace.clone();
            session.on_commit(move |session| {
                trace.note(first);
                session.transaction(|session| {
                    later(session, &trace, second);
                    lback::Result::Ok(())
                })
            });
        }
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["1", "2", "11", "12"]);
    Ok(())
}

#[test]
fn writes_of_effects() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Users.create(session, new_user("eve"))?;
        lback::Result::Ok(())
    })?;

    let expected = ["ada", "eve", "ada1", "eve1", "ada11", "eve11"];
    assert_eq!(trace.take(), expected);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn a_rolled_back_transaction_of_an_effect_forgets_only_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        let inner = trace.clone();
        session.on_commit(move |session| {
            let undone: lback::Result<()> = session.transaction(|session| {
                later(session, &inner, "never");
                Err(super::refused())
            });
            inner.note(if undone.is_err() { "1" } else { "committed" });
        });
        later(session, &trace, "2");
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["1", "2"]);
    Ok(())
}

#[test]
fn a_closure_of_an_effect_outside_of_transactions_runs_at_once() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        let inner = trace.clone();
        session.on_commit(move |session| {
            inner.note("1");
            later(session, &inner, "at once");
            inner.note("end of 1");
        });
        later(session, &trace, "2");
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["1", "at once", "end of 1", "2"]);
    Ok(())
}
