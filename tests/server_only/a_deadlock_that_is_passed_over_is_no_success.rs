//! Whoever passes over the error of a deadlock and returns `Ok` is told: the transaction fails, no
//! after-commit effect runs, and nothing of it is stored.

use super::{Rival, deactivate, inactive};
use crate::database::*;
use crate::promises::{stored, traced};
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_update, after_commit)]
fn changed(user: &User, #[state] trace: &Trace) {
    trace.note(format!("changed {}", user.username));
}

#[receiver(user_post_update, after_rollback)]
fn unchanged(user: &User, #[state] trace: &Trace) {
    trace.note(format!("unchanged {}", user.username));
}

fn is_active(session: &mut Session, user: &User) -> bool {
    Users
        .find(session, user)
        .expect("the server answers")
        .expect("it is stored")
        .is_active
}

#[test]
fn through_the_connection() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let grace = Users.create(&mut session, new_user("grace"))?;

    let mut rival = None;
    let failed = session.transaction(|session| {
        Users.update(session, &ada, inactive())?;
        rival = Some(Rival::in_the_way(&database, grace.id, ada.id));
        let deadlock = deactivate(session.conn(), grace.id);
        assert!(Error::from(deadlock.unwrap_err()).is_retryable());
        // On MySQL this would be stored, for it would commit by itself.
        let _ = note(session.conn(), "written after the deadlock");
        lback::Result::Ok(())
    });
    rival.expect("it was in the way").leave();

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert!(!trace.take().contains(&"changed ada".to_owned()));
    assert!(is_active(&mut session, &ada));
    assert_eq!(notes(&mut session), [""; 0]);

    session.transaction(|session| Users.update(session, &ada, inactive()))?;
    assert_eq!(trace.take(), ["changed ada"]);
    assert!(!is_active(&mut session, &ada));
    Ok(())
}

#[test]
fn through_a_repository_which_refuses_what_follows() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let grace = Users.create(&mut session, new_user("grace"))?;

    let mut rival = None;
    let failed = session.transaction(|session| {
        Users.update(session, &ada, inactive())?;
        rival = Some(Rival::in_the_way(&database, grace.id, ada.id));
        let deadlock = session.mute_all(|session| Users.update(session, &grace, inactive()));
        assert!(
            deadlock.as_ref().is_err_and(Error::is_retryable),
            "{deadlock:?}"
        );

        let refused = Users.create(session, new_user("eve"));
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        let refused = session.transaction(|session| Users.create(session, new_user("eve")));
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        let refused = Users.find(session, &ada);
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        // Past the repository, there is only the connection.
        let _ = note(session.conn(), "written after the deadlock");
        lback::Result::Ok(())
    });
    rival.expect("it was in the way").leave();

    let Err(error @ Error::TransactionAborted { .. }) = failed else {
        panic!("{failed:?}");
    };
    assert!(error.is_retryable(), "the same work may succeed: {error}");
    assert_eq!(trace.take(), ["unchanged ada"]);
    assert!(is_active(&mut session, &ada));
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    assert_eq!(notes(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn and_another_attempt_may_succeed() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let grace = Users.create(&mut session, new_user("grace"))?;

    let mut attempts = 0;
    session.transaction_with_retries(3, |session| {
        attempts += 1;
        Users.update(session, &ada, inactive())?;
        let rival = (attempts == 1).then(|| Rival::in_the_way(&database, grace.id, ada.id));
        // Passed over, but known to the session.
        let result = Users.update(session, &grace, inactive());
        if let Some(rival) = rival {
            assert!(result.is_err());
            drop(rival);
        }
        lback::Result::Ok(())
    })?;

    assert_eq!(attempts, 2);
    let trace = trace.take();
    assert_eq!(
        trace,
        ["unchanged ada", "changed ada", "changed grace"],
        "{trace:?}"
    );
    Ok(())
}
