//! `Duplicate` names the constraint as the database does, and the columns only where they are columns:
//! what an index is called proves nothing.

use crate::database::shop::{Countries, Country, Opened};
use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::new_user;

const USERS: UserRepository = UserRepository::new();

/// The columns and the constraint.
fn told<T: std::fmt::Debug>(result: lback::Result<T>) -> (Option<String>, Option<String>) {
    match result {
        Err(Error::Duplicate {
            field, constraint, ..
        }) => (field, constraint),
        result => panic!("{result:?}"),
    }
}

/// Two users of one name under this index alone.
fn duplicate(index: &str) -> Option<(Option<String>, Option<String>)> {
    let database = Database::fresh()?;
    let mut session = database.session();
    let ours = match NAME {
        "MySQL" => "DROP INDEX ix_users_username ON users",
        _ => "DROP INDEX ix_users_username",
    };
    session.conn().batch_execute(ours).expect("it is there");
    session.conn().batch_execute(index).expect("it is new");
    USERS.create(&mut session, new_user("ada")).expect("valid");
    let mut other = new_user("ada");
    other.email = "other@example.com".to_owned();
    Some(told(USERS.create(&mut session, other)))
}

/// What this database calls the constraint, if it tells.
fn named(name: &str) -> Option<String> {
    (NAME != "SQLite").then(|| name.to_owned())
}

#[test]
fn whatever_the_index_is_called() {
    for name in [
        "email",
        "username",
        "users_username",
        "users_email_key",
        "uq",
    ] {
        let index = format!("CREATE UNIQUE INDEX {name} ON users (username)");
        let Some((field, constraint)) = duplicate(&index) else {
            return;
        };
        assert_eq!(field.as_deref(), Some("username"), "{name}");
        assert_eq!(constraint, named(name));
    }
}

#[test]
fn of_several_columns() {
    let index = "CREATE UNIQUE INDEX both_of_them ON users (username, is_active)";
    let Some((field, constraint)) = duplicate(index) else {
        return;
    };
    assert_eq!(field.as_deref(), Some("username, is_active"));
    assert_eq!(constraint, named("both_of_them"));
}

#[test]
fn an_expression_is_no_column() {
    // MariaDB has no such index.
    if NAME == "MySQL" {
        return;
    }
    let index = "CREATE UNIQUE INDEX users_username ON users (lower(username))";
    let Some((field, constraint)) = duplicate(index) else {
        return;
    };
    assert_eq!(field, None);
    assert_eq!(constraint.as_deref(), Some("users_username"));
}

#[test]
fn a_key_by_the_name_of_its_column() {
    let Some(shop) = Opened::fresh() else {
        return;
    };
    let mut session = shop.session();
    let germany = || Country {
        code: "de".to_owned(),
        name: "Germany".to_owned(),
    };
    Countries.create(&mut session, germany()).expect("new");
    let (field, constraint) = told(Countries.create(&mut session, germany()));
    assert_eq!(field.as_deref(), Some("code"));
    let expected = match NAME {
        "SQLite" => None,
        "PostgreSQL" => Some("countries_pkey"),
        _ => Some("PRIMARY"),
    };
    assert_eq!(constraint.as_deref(), expected);
}

#[test]
fn a_name_without_the_quotes_that_the_database_puts_around_it() {
    let Some(database) = Database::empty() else {
        return;
    };
    let mut session = database.session();
    let table = match NAME {
        "MySQL" => "CREATE TABLE odd (`user` INTEGER UNIQUE)",
        _ => "CREATE TABLE odd (\"user\" INTEGER UNIQUE)",
    };
    session.conn().batch_execute(table).expect("it is new");
    let twice = session.transaction(|session| {
        let twice = diesel::sql_query("INSERT INTO odd VALUES (1), (1)").execute(session.conn());
        Err::<(), lback::Error>(twice.expect_err("a duplicate").into())
    });
    let (field, constraint) = told(twice);
    match NAME {
        // It names the index alone, and nobody has asked it.
        "MySQL" => assert_eq!((field, constraint.as_deref()), (None, Some("user"))),
        "SQLite" => assert_eq!(field.as_deref(), Some("user")),
        _ => {
            assert_eq!(field.as_deref(), Some("user"));
            assert_eq!(constraint.as_deref(), Some("odd_user_key"));
        }
    }
}
