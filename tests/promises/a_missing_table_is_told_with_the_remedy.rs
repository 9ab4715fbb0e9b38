//! Whoever forgets the migration is told of it, and a trigger that speaks of tables is not taken for that.

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::new_user;

use crate::database::*;

own_users!();

#[test]
fn by_every_operation() {
    let Some(database) = Database::empty() else {
        return;
    };
    let mut session = database.session();
    let errors = [
        Users.create(&mut session, new_user("ada")).map(drop),
        Users.find(&mut session, UserId::from(1)).map(drop),
        Users.delete(&mut session, UserId::from(1)),
    ];
    for error in errors {
        let error = error.expect_err("there is no table");
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("users"), "{text}");
        assert!(
            text.contains("`migrate` of the database's module"),
            "{text}"
        );
    }
}

#[test]
fn and_by_no_other_error() {
    let Some(database) = Database::empty() else {
        return;
    };
    let mut session = database.session();
    let failed = session.conn().batch_execute("SELECT no_such_table:users");
    let error = Error::from(failed.expect_err("it is no statement"));
    assert!(!error.to_string().contains("migrate"), "{error}");
}
