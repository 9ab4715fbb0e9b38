//! A trigger's words are its author's: words like those of a busy database make no error retryable.

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback_tests::new_user;

const USERS: UserRepository = UserRepository::new();

fn trigger(message: &str) -> Vec<String> {
    match NAME {
        "SQLite" => vec![format!(
            "CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )],
        "PostgreSQL" => vec![
            format!(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION '{message}'; END $$"
            ),
            "CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION no()".into(),
        ],
        _ => vec![format!(
            "CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}'"
        )],
    }
}

#[test]
fn whatever_they_say() {
    for message in [
        "database is locked for the audit",
        "database table is locked: ask the owner",
        "deadlock detected in position 7",
        "Deadlock found when trying to get lock on the door",
        "Lock wait timeout exceeded",
        "could not obtain lock on row 7",
        "canceling statement due to lock timeout of the vault",
    ] {
        let Some(database) = Database::fresh() else {
            return;
        };
        let mut session = database.session();
        for statement in trigger(message) {
            session.conn().batch_execute(&statement).expect("it is new");
        }
        let error = USERS
            .create(&mut session, new_user("ada"))
            .expect_err("the trigger refuses");
        assert!(!error.is_retryable(), "{error:?}");
    }
}
