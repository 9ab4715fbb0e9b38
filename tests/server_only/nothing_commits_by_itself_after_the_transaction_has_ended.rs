//! After a raw COMMIT or ROLLBACK through the connection, nothing that follows in the transaction is
//! stored, neither by a repository nor by the connection.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::{stored, traced};
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn lost(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lost {}", user.username));
}

fn ends_by(statement: &str, remains: &[&str]) -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ended = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        session.conn().batch_execute(statement)?;
        let _ = Users.create(session, new_user("grace"));
        let _ = session.transaction(|session| Users.create(session, new_user("eve")));
        let _ = note(session.conn(), "late");
        lback::Result::Ok(())
    });

    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    let trace = trace.take();
    assert!(
        !trace.iter().any(|line| line.ends_with("ada")),
        "whether ada is stored nobody can tell: {trace:?}"
    );
    assert!(
        !trace.iter().any(|line| line.starts_with("created")),
        "{trace:?}"
    );
    assert_eq!(stored(&mut session), remains);
    assert_eq!(notes(&mut session), [""; 0]);

    Users.create(&mut session, new_user("zoe"))?;
    note(session.conn(), "alone")?;
    let mut other = _database.session();
    assert_eq!(notes(&mut other), ["alone"], "it commits by itself again");
    Ok(())
}

#[test]
fn by_a_commit() -> lback::Result<()> {
    ends_by("COMMIT", &["ada"])
}

#[test]
fn by_a_rollback() -> lback::Result<()> {
    ends_by("ROLLBACK", &[])
}
