//! A raw COMMIT or ROLLBACK through the connection: an error, and since nobody can tell what was
//! stored, no effect of either phase; only of what was certainly undone before.

use crate::database::*;
use crate::promises::{later, refused, stored, traced};
use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn not_created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("not created {}", user.username));
}

fn ended_by(statement: &str) -> lback::Result<(Session, Database)> {
    let (database, mut session, trace) = traced().expect("SQLite is always there");

    let failed: lback::Result<()> = session.transaction(|session| {
        let undone: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("undone"))?;
            Err(refused())
        });
        assert!(undone.is_err());
        Users.create(session, new_user("ada"))?;
        later(session, &trace, "closure");
        Ok(session.conn().batch_execute(statement)?)
    });

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["not created undone"]);
    // The session goes on, and nothing runs late, or twice.
    session.transaction(|session| Users.create(session, new_user("grace")).map(drop))?;
    assert_eq!(trace.take(), ["created grace"]);
    session.take_failures().assert_none();
    Ok((session, database))
}

#[test]
fn a_raw_commit() -> lback::Result<()> {
    let (mut session, _database) = ended_by("COMMIT")?;

    assert_eq!(stored(&mut session), ["ada", "grace"]);
    Ok(())
}

#[test]
fn a_raw_rollback() -> lback::Result<()> {
    let (mut session, _database) = ended_by("ROLLBACK")?;

    assert_eq!(stored(&mut session), ["grace"]);
    Ok(())
}

#[test]
fn a_raw_commit_and_a_new_raw_transaction() -> lback::Result<()> {
    let (_database, mut session, trace) = traced().expect("SQLite is always there");

    let done: lback::Result<()> = session.transaction(|session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Ok(session.conn().batch_execute("COMMIT; BEGIN")?)
        })
    });

    // The savepoint is gone, which is how it is seen.
    assert!(
        matches!(
            done,
            Err(Error::TransactionAborted { .. } | Error::Database(_))
        ),
        "{done:?}"
    );
    assert!(!trace.take().contains(&"created ada".to_owned()));
    Ok(())
}
