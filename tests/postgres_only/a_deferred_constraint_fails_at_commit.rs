//! A constraint that is checked at COMMIT makes COMMIT fail: the transaction is an error, nothing is
//! stored, after-commit effects are forgotten and after-rollback ones run.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::{stored, traced};
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

#[test]
fn of_a_foreign_key_and_of_a_unique_one() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session.conn().batch_execute(
        "CREATE TABLE badges (
             number INT UNIQUE DEFERRABLE INITIALLY DEFERRED,
             owner BIGINT REFERENCES users DEFERRABLE INITIALLY DEFERRED
         )",
    )?;

    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Ok(session
            .conn()
            .batch_execute("INSERT INTO badges VALUES (1, 4711)")?)
    });
    assert!(
        matches!(failed, Err(Error::ForeignKey { .. })),
        "{failed:?}"
    );
    assert_eq!(trace.take(), ["lost ada"]);

    let failed = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Ok(session
            .conn()
            .batch_execute("INSERT INTO badges VALUES (1, NULL), (1, NULL)")?)
    });
    let Err(Error::Duplicate { field, .. }) = &failed else {
        panic!("{failed:?}");
    };
    assert_eq!(field.as_deref(), Some("number"));
    assert_eq!(trace.take(), ["lost ada"]);
    assert_eq!(stored(&mut session), [""; 0]);

    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), ["created ada"]);
    Ok(())
}

/// No statement is left behind it by which its work could be seen: the row was stored when the effects were
/// queued, and the database has taken it away as it committed.
#[test]
fn what_a_deferred_trigger_does_at_commit_is_not_seen() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session.conn().batch_execute(
        "CREATE FUNCTION remove() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN DELETE FROM users WHERE id = NEW.id; RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER remove AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION remove()",
    )?;
    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), ["created ada"]);
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

mod upserts {
    use std::sync::Mutex;

    use super::*;

    /// Somebody else, who has created the same user, and commits just before us.
    struct Rival(Mutex<Native>);

    own_users!();

    #[receiver(user_post_create)]
    fn be_too_late(#[state] rival: &Rival) -> QueryResult<()> {
        rival.0.lock().unwrap().batch_execute("COMMIT")
    }

    /// Then the row is there, once, and was found.
    #[test]
    fn who_comes_second_finds_the_row() -> lback::Result<()> {
        let Some((database, mut session, _trace)) = traced() else {
            return Ok(());
        };
        session.conn().batch_execute(
            "DROP INDEX ix_users_username, ix_users_email;
             ALTER TABLE users ADD UNIQUE (username) DEFERRABLE INITIALLY DEFERRED",
        )?;
        let mut rival = database.connection();
        rival.batch_execute(
            "BEGIN;
             INSERT INTO users (username, email, password, is_active, is_email_verified, created_at, updated_at)
             VALUES ('ada', 'first@example.com', '!', true, false, now(), now())",
        )?;
        let rival = Rival(Mutex::new(rival));
        let mut session = session.with_state(rival);
        let named = users::username.eq("ada");
        let found = Users.create_if_absent(&mut session, named, new_user("ada"))?;
        assert!(!found.is_created(), "{found:?}");
        assert_eq!(found.row().email, "first@example.com");
        Ok(())
    }
}
