//! `before_commit`: once, after what was told, before the commit; it may write, and may fail the whole.

use super::{panic_of, refused, stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_repository!(
    Users: entity = lback::User,
    table = lback::schema::users,
    insert = lback::NewUser,
    update = lback::UserChanges,
    shared_entity,
    changes
);

#[receiver(user_changed)]
fn told(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("told {}", change.either().username));
}

fn wait(session: &mut Session, trace: &Trace, what: &'static str) {
    let trace = trace.clone();
    session.before_commit(move |session: &mut Session| {
        assert!(session.in_transaction());
        trace.note(what);
    });
}

#[test]
fn in_their_order_each_followed_by_what_it_wrote() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let noting = trace.clone();
    session.transaction(|session| {
        let inner = noting.clone();
        session.before_commit(move |session: &mut Session| {
            inner.note("first");
            let last = inner.clone();
            session.before_commit(move |_: &mut Session| last.note("queued by the first"));
            Users.create(session, new_user("by.closure")).map(drop)
        });
        session.transaction(|session| {
            wait(session, &noting, "of a savepoint");
            lback::Result::Ok(())
        })?;
        session.on_commit(|session: &mut Session| {
            session
                .state::<Trace>()
                .expect("it is there")
                .note("committed");
        });
        Users.create(session, new_user("ada"))
    })?;
    assert_eq!(
        trace.take(),
        [
            "told ada",
            "first",
            "told by.closure",
            "of a savepoint",
            "queued by the first",
            "committed"
        ]
    );
    assert_eq!(stored(&mut session), ["ada", "by.closure"]);
    Ok(())
}

#[test]
fn a_rolled_back_savepoint_forgets_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let noting = trace.clone();
    session.transaction(|session| {
        wait(session, &noting, "one");
        let undone: lback::Result<()> = session.transaction(|session| {
            wait(session, &noting, "two");
            Err(refused())
        });
        assert!(undone.is_err());
        wait(session, &noting, "three");
        lback::Result::Ok(())
    })?;
    assert_eq!(trace.take(), ["one", "three"]);

    let failed: lback::Result<()> = session.transaction(|session| {
        wait(session, &noting, "never");
        Err(refused())
    });
    assert!(failed.is_err());
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

/// What the caller gets of an error in a closure.
fn error_of<E>(session: &mut Session, error: E) -> Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        session.before_commit(move |_: &mut Session| Err::<(), _>(error));
        lback::Result::Ok(())
    });
    assert_eq!(stored(session), [""; 0]);
    failed.expect_err("the closure fails")
}

#[test]
fn an_error_fails_the_transaction() {
    let Some((_database, mut session, _trace)) = traced() else {
        return;
    };
    let veto = error_of(&mut session, Veto::new("no"));
    assert!(matches!(veto, Error::Refused(_)), "{veto:?}");
    let ours = error_of(&mut session, refused());
    assert!(matches!(ours, Error::Invalid(_)), "{ours:?}");
    let diesels = error_of(&mut session, diesel::result::Error::NotFound);
    assert!(matches!(diesels, Error::Database(_)), "{diesels:?}");
    match error_of(&mut session, "another") {
        Error::ClosureFailed { source, .. } => assert_eq!(source.to_string(), "another"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_does_so_too_and_goes_on() {
    let Some((_database, mut session, _trace)) = traced() else {
        return;
    };
    let message = panic_of(|| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            session.before_commit(|_: &mut Session| -> () { panic!("in a closure") });
            lback::Result::Ok(())
        })
    });
    assert_eq!(message, "in a closure");
    assert_eq!(stored(&mut session), [""; 0]);
    Users
        .create(&mut session, new_user("ada"))
        .expect("the session can be used");
}

#[test]
fn a_closure_that_waits_for_itself_is_bounded() {
    let Some((_database, mut session, _trace)) = traced() else {
        return;
    };
    fn again(session: &mut Session) {
        session.before_commit(again);
    }
    let refused = session.transaction(|session| {
        again(session);
        lback::Result::Ok(())
    });
    assert!(
        matches!(refused, Err(Error::ChangeLoop { limit: 16, .. })),
        "{refused:?}"
    );
}

#[test]
fn outside_of_transactions_at_once_in_one_of_its_own() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    wait(&mut session, &trace, "at once");
    assert_eq!(trace.take(), ["at once"]);

    session.before_commit(|session: &mut Session| {
        Users.create(session, new_user("ada"))?;
        lback::Result::<()>::Err(refused())
    });
    session.before_commit(|_: &mut Session| -> () { panic!("alone") });
    let failures = session.take_failures();
    assert_eq!(failures.count, 2, "{failures}");
    assert_eq!(stored(&mut session), [""; 0]);
}

mod doubting {
    use super::*;

    own_users!();

    /// At the end of whatever writes, a row of the same kind is missed, or is one too many.
    #[receiver(user_post_create, user_post_delete)]
    fn doubt(user: &User, session: &mut Session, #[state] trace: &Trace) {
        trace.note(format!("doubted {}", user.username));
        let is_there = user.username == "ada";
        session.before_commit(move |session: &mut Session| {
            if is_there {
                Users.get(session, UserId::from(77)).map(drop)
            } else {
                super::Users.create(session, new_user("ada")).map(drop)
            }
        });
    }
}

/// What such a closure misses is not the row that is to be deleted, and what it makes twice is not the row that is to
/// be there.
#[test]
fn its_errors_are_not_taken_for_the_operations() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    trace.take();
    let gone = doubting::Users.delete_if_there(&mut session, ada.id);
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    assert_eq!(trace.take(), ["doubted ada"]);

    let bob = users::username.eq("bob");
    let made = doubting::Users.create_if_absent(&mut session, bob, new_user("bob"));
    assert!(matches!(made, Err(Error::Duplicate { .. })), "{made:?}");
    assert_eq!(trace.take(), ["doubted bob"]);
    assert_eq!(stored(&mut session), ["ada"]);
    Ok(())
}
