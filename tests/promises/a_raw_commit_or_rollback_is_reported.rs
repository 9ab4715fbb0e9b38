//! A transaction that somebody ended through the connection is an error, and no effect runs, neither
//! of one phase nor of the other: whether its writes lasted nobody can tell.

use diesel::connection::SimpleConnection;

use super::{later, stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn lost(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lost {}", user.username));
}

fn at_the_end_by(statement: &str, remains: &[&str]) -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ended = session.transaction(|session| {
        later(session, &trace, "later");
        Users.create(session, new_user("ada"))?;
        Ok(session.conn().batch_execute(statement)?)
    });

    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), remains);

    session.transaction(|session| Users.create(session, new_user("grace")))?;
    assert_eq!(trace.take(), ["created grace"]);
    Ok(())
}

#[test]
fn a_commit_at_the_end() -> lback::Result<()> {
    at_the_end_by("COMMIT", &["ada"])
}

#[test]
fn a_rollback_at_the_end() -> lback::Result<()> {
    at_the_end_by("ROLLBACK", &[])
}

#[test]
fn in_a_nested_level() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let mut inner = None;
    let ended = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        inner = Some(session.transaction(|session| {
            Users.create(session, new_user("grace"))?;
            lback::Result::Ok(session.conn().batch_execute("COMMIT")?)
        }));
        lback::Result::Ok(())
    });

    let inner = inner.expect("it ran");
    assert!(
        matches!(inner, Err(Error::TransactionAborted { .. })),
        "{inner:?}"
    );
    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    let trace = trace.take();
    assert!(!trace.contains(&"created ada".into()), "{trace:?}");
    assert!(!trace.contains(&"lost ada".into()), "{trace:?}");
    assert_eq!(stored(&mut session), ["ada", "grace"]);
    Ok(())
}
