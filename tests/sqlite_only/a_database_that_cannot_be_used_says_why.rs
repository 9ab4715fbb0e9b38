//! A missing folder, a file that is no database, one that cannot be written, one that is locked, a
//! missing table: each has its error, and its text names what to look at.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::{count, new_user};

own_users!();

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[track_caller]
fn assert_connection_refused(database: &str, reason: &str) {
    let Err(error @ Error::Connection { .. }) = lback::sqlite::connect(database) else {
        panic!("{database} opens");
    };
    let said = error.to_string();
    assert!(said.contains(database), "{said}");
    assert!(said.contains(reason), "{said}");
    assert!(!error.is_retryable());
}

#[test]
fn a_missing_folder() {
    let database = Database::fresh().expect("SQLite is always there");
    let path = database.folder().join("no such folder").join("app.db");
    assert_connection_refused(text(&path), "nable to open");
    assert!(!path.exists());
}

#[test]
fn a_folder() {
    let database = Database::fresh().expect("SQLite is always there");
    assert_connection_refused(text(database.folder()), "nable to open");
}

#[test]
fn a_file_that_is_no_database() {
    let database = Database::fresh().expect("SQLite is always there");
    let path = database.folder().join("letter.txt");
    let letter = "Dear reader, this is no database. ".repeat(100);
    std::fs::write(&path, &letter).expect("the folder can be written");
    assert_connection_refused(text(&path), "file is not a database");
    let after = std::fs::read_to_string(&path).expect("it is still there");
    assert_eq!(after, letter, "it is left alone");
}

#[test]
fn an_address_with_a_nul() {
    let Err(Error::Connection { .. }) = lback::sqlite::connect("a\0b") else {
        panic!("it opens");
    };
}

#[test]
fn a_database_that_is_read_only() {
    let database = Database::fresh().expect("SQLite is always there");
    let ada = Users
        .create(&mut database.session(), new_user("ada"))
        .expect("it is valid");
    let read_only = format!("file:{}?mode=ro", database.url());
    let mut session = lback::sqlite::connect(&read_only).expect("it can be read");

    assert_eq!(
        Users.find(&mut session, &ada).expect("readable").as_ref(),
        Some(&ada)
    );
    let refused = [
        Users.create(&mut session, new_user("grace")).map(drop),
        Users.delete(&mut session, &ada),
        Users
            .update(
                &mut session,
                &ada,
                UserChanges {
                    is_active: Some(false),
                    ..UserChanges::default()
                },
            )
            .map(drop),
        session.transaction(|session| Users.delete(session, &ada)),
    ];
    for refused in refused {
        let Err(error @ Error::Database(_)) = refused else {
            panic!("{refused:?}");
        };
        assert!(error.to_string().contains("readonly database"), "{error}");
        assert!(!error.is_retryable());
    }
    assert!(!session.in_transaction());
    assert_eq!(count("users", &mut session), 1);
}

#[test]
fn a_file_without_the_right_to_write() {
    let database = Database::fresh().expect("SQLite is always there");
    let path = database.folder().join("kept.db");
    {
        let mut connection = Native::establish(text(&path)).expect("the folder can be written");
        connection
            .batch_execute(lback::sqlite::MIGRATION)
            .expect("an empty database");
    }
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(&path, read_only).expect("it is ours");
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Root may write anything; `mode=ro` above shows the same.
        return;
    }
    let mut session = lback::sqlite::connect(text(&path)).expect("it can be read");
    let refused = Users.create(&mut session, new_user("ada"));
    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
}

#[test]
fn a_database_that_is_locked() {
    let database = Database::fresh().expect("SQLite is always there");
    let mut holder = database.session();
    let mut session = database.session();
    session
        .conn()
        .batch_execute("PRAGMA busy_timeout = 20")
        .expect("it is a known pragma");

    holder
        .transaction(|_| {
            let inside = session.transaction(|session| Users.create(session, new_user("eve")));
            let alone = Users.create(&mut session, new_user("eve"));
            for refused in [inside, alone] {
                let Err(error @ Error::Database(_)) = refused else {
                    panic!("{refused:?}");
                };
                assert!(error.to_string().contains("locked"), "{error}");
                assert!(error.is_retryable(), "{error}");
            }
            assert!(!session.in_transaction());
            // Readers do not wait.
            assert_eq!(count("users", &mut session), 0);
            session
                .read(|session| {
                    assert_eq!(count("users", session), 0);
                    lback::Result::Ok(())
                })
                .expect("a reader takes no lock");
            lback::Result::Ok(())
        })
        .expect("the holder is not disturbed");

    Users
        .create(&mut session, new_user("eve"))
        .expect("the lock is gone");
}

#[test]
fn a_table_that_is_missing() {
    let mut session = lback::sqlite::connect(":memory:").expect("SQLite opens");
    let users = UserRepository::new();
    let errors = [
        users.create(&mut session, new_user("ada")).map(drop),
        users.delete(&mut session, UserId::from(1)),
        users.find(&mut session, UserId::from(1)).map(drop),
        users.find_by_username(&mut session, "ada").map(drop),
        users.authenticate(&mut session, "ada", "x").map(drop),
    ];
    for error in errors {
        let Err(error @ Error::Database(_)) = error else {
            panic!("{error:?}");
        };
        assert!(
            error.to_string().contains("no such table: users"),
            "{error}"
        );
    }
}
