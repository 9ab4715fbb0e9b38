//! At a statement and at COMMIT: it is retryable, no after-commit effect runs, and the helper begins
//! again.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::traced;
use crate::server_only::inactive;
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

fn serializable(session: &mut Session) {
    session
        .conn()
        .batch_execute("SET default_transaction_isolation = 'serializable'")
        .expect("a setting");
}

#[test]
fn at_a_statement() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    serializable(&mut session);
    let mut other = database.session();

    let mut attempts = 0;
    session.transaction_with_retries(3, |session| {
        attempts += 1;
        Users.count(session)?;
        if attempts == 1 {
            other.mute_all(|other| Users.update(other, &ada, inactive()))?;
        }
        Users.update(session, &ada, inactive())
    })?;

    assert_eq!(attempts, 2);
    // The first attempt failed before its post signal.
    assert_eq!(trace.take(), ["changed ada"]);
    Ok(())
}

/// Each of two reads what the other writes.
#[test]
fn at_commit() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let mut other = database.session();
    serializable(&mut session);
    serializable(&mut other);

    let mut attempts = 0;
    let mut skewed = |session: &mut Session| {
        attempts += 1;
        notes(session);
        Users.update(session, &ada, inactive())?;
        if attempts == 1 {
            other.transaction(|other| {
                Users.find(other, &ada)?;
                lback::Result::Ok(note(other.conn(), "skewed")?)
            })?;
        }
        lback::Result::Ok(())
    };

    let failed = session.transaction(&mut skewed);
    assert!(
        failed.as_ref().is_err_and(Error::is_retryable),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["unchanged ada"]);
    session.transaction(&mut skewed)?;
    assert_eq!(trace.take(), ["changed ada"]);
    Ok(())
}
