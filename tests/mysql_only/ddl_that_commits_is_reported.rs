//! DDL commits the transaction around it on MySQL. Through `conn()` nobody sees that but the
//! savepoint that is gone: an error, no effect of either phase, and nothing after it is stored.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::{later, stored, traced};
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, after_rollback)]
fn lost(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lost {}", user.username));
}

const DDL: &str = "CREATE TABLE made_inside (id INT)";

#[test]
fn at_the_end() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ended = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        later(session, &trace, "later");
        Ok(session.conn().batch_execute(DDL)?)
    });

    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), ["ada"]);
    Ok(())
}

#[test]
fn even_where_no_effect_waits() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    let ended = session.transaction(|session| {
        note(session.conn(), "before")?;
        session.conn().batch_execute(DDL)?;
        Ok(note(session.conn(), "after")?)
    });

    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    assert_eq!(notes(&mut session), ["before"]);
    Ok(())
}

#[test]
fn in_a_nested_level() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ended = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let inner =
            session.transaction(|session| lback::Result::Ok(session.conn().batch_execute(DDL)?));
        assert!(
            matches!(inner, Err(Error::TransactionAborted { .. })),
            "{inner:?}"
        );
        let refused = Users.create(session, new_user("grace"));
        assert!(
            matches!(refused, Err(Error::TransactionAborted { .. })),
            "{refused:?}"
        );
        lback::Result::Ok(())
    });

    assert!(
        matches!(ended, Err(Error::TransactionAborted { .. })),
        "{ended:?}"
    );
    assert_eq!(trace.take(), ["lost grace"; 0]);
    assert_eq!(stored(&mut session), ["ada"]);
    Ok(())
}

#[test]
fn that_of_our_own_is_refused_before() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let refused = |session: &mut Session| {
        for refused in [migrate(session), migrate_outbox(session)] {
            assert!(
                matches!(refused, Err(Error::Unsupported { .. })),
                "{refused:?}"
            );
        }
    };

    let undone = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        refused(session);
        Err::<(), _>(lback::Invalid::new("all", "undone").into())
    });
    assert!(matches!(undone, Err(Error::Invalid(_))), "{undone:?}");
    assert_eq!(trace.take(), ["lost ada"]);
    assert_eq!(stored(&mut session), [""; 0]);

    // A test's transaction is one too.
    let mut session = Session::for_test(database.connection())?;
    refused(&mut session);
    Ok(())
}
