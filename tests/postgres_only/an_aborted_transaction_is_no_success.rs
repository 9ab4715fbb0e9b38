//! PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and no error. Whoever passes
//! over a failed statement and returns `Ok` is told, and a nested level is the remedy.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::{later, stored, traced};
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn undone(user: &User, #[state] trace: &Trace) {
    trace.note(format!("undone {}", user.username));
}

fn insert_twice(conn: &mut Native) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO notes (id, what) OVERRIDING SYSTEM VALUE VALUES (1, ''), (1, '')",
    )
    .execute(conn)
    .map(drop)
}

#[test]
fn through_the_connection() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let failed = session.transaction(|session| {
        note(session.conn(), "before")?;
        assert!(insert_twice(session.conn()).is_err());
        lback::Result::Ok(())
    });

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(notes(&mut session), [""; 0]);

    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        later(session, &trace, "later");
        assert!(insert_twice(session.conn()).is_err());
        let refused = Users.create(session, new_user("grace"));
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        lback::Result::Ok(())
    });

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["undone ada"]);
    assert_eq!(stored(&mut session), [""; 0]);

    // Where nothing comes after it, only the end finds out.
    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        assert!(insert_twice(session.conn()).is_err());
        lback::Result::Ok(())
    });

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["undone ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn through_a_repository_which_names_the_remedy() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let twice = Users.create(session, new_user("ada"));
        assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
        let refused = Users.create(session, new_user("grace"));
        let Err(error @ Error::TransactionAborted { .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            error.to_string().contains("session.transaction("),
            "{error}"
        );
        lback::Result::Ok(())
    });

    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["undone ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn and_a_nested_level_heals_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let twice = session.transaction(|session| Users.create(session, new_user("ada")));
        assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
        Users.create(session, new_user("grace"))?;

        let passed_over = session.transaction(|session| {
            assert!(insert_twice(session.conn()).is_err());
            lback::Result::Ok(())
        });
        assert!(
            matches!(passed_over, Err(Error::TransactionAborted { .. })),
            "{passed_over:?}"
        );
        Users.create(session, new_user("eve"))
    })?;

    assert_eq!(
        trace.take(),
        ["created ada", "created grace", "created eve"]
    );
    assert_eq!(stored(&mut session), ["ada", "grace", "eve"]);
    Ok(())
}

#[test]
fn and_no_savepoint_of_that_level_is_left() -> lback::Result<()> {
    let Some((_database, mut session, _trace)) = traced() else {
        return Ok(());
    };

    let mut released = None;
    let failed = session.transaction(|session| {
        let passed_over = session.transaction(|session| {
            assert!(insert_twice(session.conn()).is_err());
            lback::Result::Ok(())
        });
        assert!(
            matches!(passed_over, Err(Error::TransactionAborted { .. })),
            "{passed_over:?}"
        );
        // So Diesel calls the savepoint of the first nested level.
        let release = "RELEASE SAVEPOINT diesel_savepoint_1";
        released = Some(session.conn().batch_execute(release));
        lback::Result::Ok(())
    });

    assert!(matches!(released, Some(Err(_))), "{released:?}");
    assert!(
        matches!(failed, Err(Error::TransactionAborted { .. })),
        "{failed:?}"
    );
    Ok(())
}
