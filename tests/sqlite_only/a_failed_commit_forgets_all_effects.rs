//! A deferred foreign key that fails at COMMIT: an error, no after-commit effect, and the
//! after-rollback effects run.

use crate::database::*;
use crate::promises::{later, stored, traced};
use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::{Trace, new_user, notes};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn not_created(user: &User, session: &mut Session, #[state] trace: &Trace) -> QueryResult<()> {
    assert!(!session.in_transaction());
    trace.note(format!("not created {}", user.username));
    lback_tests::note(session.conn(), &user.username)
}

const CHILDREN: &str = "CREATE TABLE children (parent INTEGER NOT NULL \
                        REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED);";
const ORPHAN: &str = "INSERT INTO children VALUES (4711);";

#[test]
fn at_the_outermost_level() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session.conn().batch_execute(CHILDREN)?;

    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        later(session, &trace, "closure");
        session.transaction(|session| Ok(session.conn().batch_execute(ORPHAN)?))
    });

    assert!(
        matches!(failed, Err(Error::ForeignKey { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["not created ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(notes(&mut session), ["ada"]);
    session.take_failures().assert_none();

    session.transaction(|session| Users.create(session, new_user("grace")).map(drop))?;
    assert_eq!(trace.take(), ["created grace"]);
    Ok(())
}

mod of_changes {
    use super::*;

    own_repository!(
        Users: entity = lback::User,
        table = lback::schema::users,
        insert = lback::NewUser,
        update = lback::UserChanges,
        shared_entity,
        changes
    );

    #[receiver(user_changed, after_commit)]
    fn changed(change: &Change<User>, #[state] trace: &Trace) {
        trace.note(format!("changed {}", change.either().username));
    }

    #[receiver(user_changed, after_rollback)]
    fn not_changed(change: &Change<User>, #[state] trace: &Trace) {
        trace.note(format!("not changed {}", change.either().username));
    }

    #[test]
    fn each_is_told_once() -> lback::Result<()> {
        let Some((_database, mut session, trace)) = traced() else {
            return Ok(());
        };
        session.conn().batch_execute(CHILDREN)?;
        let failed: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Ok(session.conn().batch_execute(ORPHAN)?)
        });
        assert!(
            matches!(failed, Err(Error::ForeignKey { .. })),
            "{failed:?}"
        );
        assert_eq!(trace.take(), ["not changed ada"]);
        assert_eq!(stored(&mut session), [""; 0]);
        Ok(())
    }
}
