//! Exactly its own: those queued before it and after it run.

use super::{later, refused, stored, traced};
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

fn create(session: &mut Session, name: &str) -> lback::Result<()> {
    Users.create(session, new_user(name)).map(drop)
}

fn create_and_fail(session: &mut Session, name: &str) -> lback::Result<()> {
    create(session, name)?;
    Err(refused())
}

#[test]
fn the_second_of_three() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        session.transaction(|session| create(session, "one"))?;
        let second = session.transaction(|session| create_and_fail(session, "two"));
        assert!(second.is_err());
        session.transaction(|session| create(session, "three"))
    })?;

    assert_eq!(trace.take(), ["one", "three"]);
    assert_eq!(stored(&mut session), ["one", "three"]);
    Ok(())
}

#[test]
fn with_all_that_was_released_into_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        let outer = session.transaction(|session| {
            session.transaction(|session| create(session, "one"))?;
            lback::Result::<()>::Err(refused())
        });
        assert!(outer.is_err());
        create(session, "two")
    })?;

    assert_eq!(trace.take(), ["two"]);
    assert_eq!(stored(&mut session), ["two"]);
    Ok(())
}

#[test]
fn and_not_what_was_queued_before_it_in_the_outer_savepoint() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        session.transaction(|session| {
            create(session, "one")?;
            let inner = session.transaction(|session| create_and_fail(session, "two"));
            assert!(inner.is_err());
            lback::Result::Ok(())
        })
    })?;

    assert_eq!(trace.take(), ["one"]);
    assert_eq!(stored(&mut session), ["one"]);
    Ok(())
}

#[test]
fn a_released_savepoint_folds_into_its_parent_one_level_at_a_time() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        create(session, "one")?;
        let third = session.transaction(|session| {
            session.transaction(|session| {
                session.transaction(|session| create(session, "two"))?;
                later(session, &trace, "closure");
                create(session, "three")
            })?;
            lback::Result::<()>::Err(refused())
        });
        assert!(third.is_err());
        session.transaction(|session| {
            session.transaction(|session| create(session, "four"))?;
            create(session, "five")
        })
    })?;

    assert_eq!(trace.take(), ["one", "four", "five"]);
    Ok(())
}

#[test]
fn a_panic_that_is_caught_outside_of_it_is_like_an_error() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        create(session, "one")?;
        let caught = super::panic_of(|| {
            session.transaction(|session| -> lback::Result<()> {
                create(session, "two")?;
                panic!("in the savepoint")
            })
        });
        assert_eq!(caught, "in the savepoint");
        create(session, "three")
    })?;

    assert_eq!(trace.take(), ["one", "three"]);
    assert_eq!(stored(&mut session), ["one", "three"]);
    Ok(())
}
