//! An UPDATE that finds its row to be so already changes nothing, and a plain SELECT behind it sees what was
//! there when the transaction began. What comes back, and what receivers are told, is what is stored.

use diesel::connection::SimpleConnection as _;
use lback_tests::{Trace, new_user};

use crate::database::*;

mod quiet {
    use super::*;

    own_users!();
}

own_users!();

#[receiver(user_post_update, after_commit)]
fn updated(user: &User, previous: &User, #[state] trace: &Trace) {
    trace.note(format!(
        "{} {}, was {}",
        user.email, user.is_active, previous.is_active
    ));
}

fn to(email: &str) -> UserChanges {
    UserChanges {
        email: Some(email.to_owned()),
        ..UserChanges::default()
    }
}

fn opened() -> Option<(Database, Session, Trace, Vec<User>)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let users = ["ada", "bob", "cyd"]
        .map(|name| quiet::Users.create(&mut session, new_user(name)).unwrap());
    Some((database, session, trace, users.into()))
}

/// Another has changed both before we do, and after our transaction has looked around.
fn meanwhile(database: &Database, session: &mut Session) -> lback::Result<()> {
    quiet::Users.count(session)?;
    diesel::update(users::table)
        .set((users::email.eq(users::username), users::is_active.eq(false)))
        .execute(&mut database.connection())?;
    Ok(())
}

fn told(rows: &[User]) -> Vec<(&str, bool)> {
    rows.iter()
        .map(|row| (row.email.as_str(), row.is_active))
        .collect()
}

#[test]
fn one_row() -> lback::Result<()> {
    let Some((database, mut session, trace, users)) = opened() else {
        return Ok(());
    };
    let email = "ada@example.com";
    let change = |session: &mut Session, is_heard: bool| {
        session.transaction(|session| {
            quiet::Users.update(session, &users[0], to("other@example.com"))?;
            Ok::<_, lback::Error>(())
        })?;
        session.transaction(|session| {
            quiet::Users.count(session)?;
            diesel::update(users::table.find(users[0].id))
                .set((users::email.eq(email), users::is_active.eq(false)))
                .execute(&mut database.connection())?;
            if is_heard {
                Users.update(session, &users[0], to(email))
            } else {
                quiet::Users.update(session, &users[0], to(email))
            }
        })
    };
    for is_heard in [false, true] {
        let row = change(&mut session, is_heard)?;
        assert_eq!(told(&[row]), [(email, false)], "heard {is_heard}");
    }
    assert_eq!(trace.take(), [format!("{email} false, was false")]);
    Ok(())
}

#[test]
fn many_rows() -> lback::Result<()> {
    for is_heard in [false, true] {
        let Some((database, mut session, trace, users)) = opened() else {
            return Ok(());
        };
        let inactive = UserChanges {
            is_active: Some(false),
            ..UserChanges::default()
        };
        let rows = session.transaction(|session| {
            meanwhile(&database, session)?;
            if is_heard {
                Users.update_many(session, &users, inactive.clone())
            } else {
                quiet::Users.update_many(session, &users, inactive.clone())
            }
        })?;
        assert_eq!(
            told(&rows),
            [("ada", false), ("bob", false), ("cyd", false)],
            "heard {is_heard}"
        );
        let heard = trace.take();
        assert!(
            heard.iter().all(|text| text.ends_with("false, was false")),
            "{heard:?}"
        );
    }
    Ok(())
}

#[test]
fn a_row_in_which_nothing_is_changed() -> lback::Result<()> {
    let Some((database, mut session, trace, users)) = opened() else {
        return Ok(());
    };
    let rows = session.transaction(|session| {
        meanwhile(&database, session)?;
        let one = Users.update(session, &users[0], UserChanges::default())?;
        let alone = Users.update_many(session, &users[1..2], UserChanges::default())?;
        let many = Users.update_many(session, &users, UserChanges::default())?;
        assert_eq!(many[..2], [one, alone[0].clone()]);
        lback::Result::Ok(many)
    })?;
    assert_eq!(
        told(&rows),
        [("ada", false), ("bob", false), ("cyd", false)]
    );
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

/// A table in which an UPDATE sets nothing but what it is told to: of a user it sets the time as well.
mod plain {
    use super::*;

    diesel::table! {
        shelves (code) {
            code -> Text,
            name -> Text,
            is_full -> Bool,
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
    #[diesel(table_name = shelves, primary_key(code))]
    pub(crate) struct Shelf {
        code: String,
        name: String,
        is_full: bool,
    }

    #[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
    #[diesel(table_name = shelves)]
    pub(crate) struct ShelfChanges {
        code: Option<String>,
        name: Option<String>,
    }

    impl Validate for Shelf {}
    impl Validate for ShelfChanges {}

    own_repository!(Shelves: entity = Shelf, table = shelves, insert = Shelf, update = ShelfChanges, given_key = code);

    mod again {
        use super::*;

        own_repository!(Shelves: entity = Shelf, table = shelves, insert = Shelf, update = ShelfChanges, given_key = code, reread, shared_entity);
    }

    fn to(code: Option<&str>) -> ShelfChanges {
        ShelfChanges {
            code: code.map(str::to_owned),
            name: Some("new".to_owned()),
        }
    }

    /// What an update gives back of shelves that another has changed to the same, and filled.
    fn updated(
        update: impl Fn(&mut Session) -> lback::Result<Vec<Shelf>>,
    ) -> Option<lback::Result<Vec<(String, bool)>>> {
        let database = Database::empty()?;
        let table = "CREATE TABLE shelves (code VARCHAR(20) PRIMARY KEY, name VARCHAR(20) NOT NULL, \
                     is_full BOOLEAN NOT NULL)";
        for statement in [
            table,
            "INSERT INTO shelves VALUES ('a', 'old', 0), ('b', 'old', 0)",
        ] {
            diesel::sql_query(statement)
                .execute(&mut database.connection())
                .unwrap();
        }
        let rows = database.session().transaction(|session| {
            Shelves.count(session)?;
            diesel::update(shelves::table)
                .set((shelves::name.eq("new"), shelves::is_full.eq(true)))
                .execute(&mut database.connection())?;
            update(session)
        });
        let told = |row: Shelf| (row.name, row.is_full);
        Some(rows.map(|rows| rows.into_iter().map(told).collect()))
    }

    fn assert_new(rows: Option<lback::Result<Vec<(String, bool)>>>) {
        for (name, is_full) in rows.unwrap_or_else(|| Ok(Vec::new())).unwrap() {
            assert_eq!((&*name, is_full), ("new", true));
        }
    }

    #[test]
    fn one_row() {
        assert_new(updated(|session| {
            Ok(vec![Shelves.update(session, "a".to_owned(), to(None))?])
        }));
        assert_new(updated(|session| {
            let changes = to(Some("a"));
            Ok(vec![Shelves.update(session, "a".to_owned(), changes)?])
        }));
    }

    #[test]
    fn many_rows() {
        assert_new(updated(|session| {
            let keys = ["a", "b"].map(str::to_owned);
            Shelves.update_many(session, keys, to(None))
        }));
    }

    /// In a repository that reads rows again.
    #[test]
    fn rows_that_are_read_again() {
        assert_new(updated(|session| {
            let one = again::Shelves.update(session, "a".to_owned(), to(None))?;
            Ok(vec![one])
        }));
        assert_new(updated(|session| {
            let keys = ["a", "b"].map(str::to_owned);
            again::Shelves.update_many(session, keys, to(None))
        }));
    }
}

/// A row that was changed and is not found afterwards is no row that was not there: nothing of it is stored.
#[test]
fn one_that_is_out_of_sight_is_an_error() -> lback::Result<()> {
    let Some((database, mut session, trace, users)) = opened() else {
        return Ok(());
    };
    database.connection().batch_execute(
        "RENAME TABLE users TO behind; CREATE VIEW users AS SELECT * FROM behind WHERE is_active",
    )?;
    let inactive = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    for is_heard in [false, true] {
        let change = |session: &mut Session| {
            if is_heard {
                Users.update(session, &users[0], inactive.clone())
            } else {
                quiet::Users.update(session, &users[0], inactive.clone())
            }
        };
        let changed = change(&mut session);
        assert!(
            matches!(&changed, Err(lback::Error::Database(error)) if error.to_string().contains("a view shows it no more")),
            "{changed:?}"
        );
        let passed_over: lback::Result<()> = session.transaction(|session| {
            assert!(change(session).is_err());
            Ok(())
        });
        assert!(
            matches!(passed_over, Err(lback::Error::TransactionAborted { .. })),
            "heard {is_heard}: {passed_over:?}"
        );
    }
    assert_eq!(quiet::Users.count(&mut session)?, 3);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}
