//! A database quotes values in its messages. They are masked wherever an error leaves the session: out of
//! an operation, of a receiver, of an isolated one and of an effect, and out of `connect`.

use std::error::Error as StdError;

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::receiver;
use lback_tests::{Trace, new_user};

own_users!();

const SECRET: &str = "canary-4111";

/// Statements that fail, and quote the value in what they say where the database does.
fn statements() -> Vec<String> {
    let duplicate = format!(
        "INSERT INTO users (username, email, password, is_active, is_email_verified, created_at, \
         updated_at) SELECT '{SECRET}', email, '{SECRET}', is_active, is_email_verified, \
         created_at, updated_at FROM users WHERE username = '{SECRET}'"
    );
    let mut all = vec![
        duplicate,
        format!("INSERT INTO nowhere VALUES ('{SECRET}')"),
    ];
    all.extend(match NAME {
        "SQLite" => vec![
            format!("INSERT INTO notes (id, what) VALUES ('{SECRET}', 'x')"),
            format!("SELECT json('{SECRET}')"),
        ],
        "PostgreSQL" => vec![
            format!("SELECT CAST('{SECRET}' AS integer)"),
            format!("SELECT CAST('x\" column \"{SECRET}' AS integer)"),
            format!("SELECT CAST('{SECRET}' AS timestamp)"),
            format!("SELECT CAST('{SECRET}' AS json)"),
            format!("SELECT CAST('{{{SECRET}' AS integer[])"),
            format!("SELECT set_config('work_mem', '{SECRET}', false)"),
        ],
        _ => vec![
            format!("INSERT INTO notes (id, what) VALUES ('{SECRET}', 'x')"),
            format!(
                "UPDATE notes SET what = 'x' WHERE id = CAST('{SECRET}' AS SIGNED) + 'x{SECRET}'"
            ),
            format!("UPDATE users SET token_expiry = '{SECRET}'"),
            format!("UPDATE users SET is_active = '{SECRET}'"),
            format!("UPDATE users SET is_active = 'a'' for column ''{SECRET}'"),
            format!("SET SESSION sql_mode = '{SECRET}'"),
        ],
    });
    all
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Receiver,
    Isolated,
    Effect,
}

struct Fails {
    place: Place,
    statement: String,
}

fn fail(fails: &Fails, place: Place, conn: &mut Native) -> QueryResult<()> {
    if fails.place != place {
        return Ok(());
    }
    conn.batch_execute(&fails.statement)
}

#[receiver(user_post_create)]
fn in_the_operation(conn: &mut Native, #[state] fails: &Fails) -> QueryResult<()> {
    fail(fails, Place::Receiver, conn)
}

#[receiver(user_post_create, on_error = "isolate")]
fn alone(conn: &mut Native, #[state] fails: &Fails) -> QueryResult<()> {
    fail(fails, Place::Isolated, conn)
}

#[receiver(user_post_create, after_commit)]
fn afterwards(conn: &mut Native, #[state] fails: &Fails) -> QueryResult<()> {
    fail(fails, Place::Effect, conn)
}

fn told(error: &(dyn StdError + 'static)) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!("\n{error} {error:?}"));
        next = error.source();
    }
    text
}

#[test]
fn out_of_receivers_and_effects() {
    for statement in statements() {
        for place in [Place::Receiver, Place::Isolated, Place::Effect] {
            let Some(database) = Database::fresh() else {
                return;
            };
            let statement = statement.clone();
            let mut session = database.session().with_state(Fails {
                place,
                statement: statement.clone(),
            });
            let mut new = new_user("ada");
            new.username = SECRET.to_owned();
            let created = Users.create(&mut session, new);
            let mut text = match created {
                Err(error) => told(&error),
                Ok(_) => String::new(),
            };
            for failure in &session.take_failures().latest {
                text.push_str(&format!("{failure} {failure:?}"));
                if let lback::failure::FailureCause::Error(error) = &failure.cause {
                    text.push_str(&told(error.as_ref()));
                }
            }
            assert!(!text.contains(SECRET), "{statement}: {text}");
            // Where a statement only warns, it has failed nowhere.
            let fails_there = database.connection().batch_execute(&statement).is_err();
            assert!(
                !text.is_empty() || !fails_there,
                "{statement} was told to nobody"
            );
        }
    }
}

#[test]
fn out_of_the_closure_of_a_transaction() {
    for statement in statements() {
        let Some(database) = Database::fresh() else {
            return;
        };
        let mut session = database.session().with_state(Trace::new());
        let failed = session.transaction(|session| {
            Ok::<(), lback::Error>(session.conn().batch_execute(&statement)?)
        });
        if let Err(error) = failed {
            let text = told(&error);
            assert!(!text.contains(SECRET), "{statement}: {text}");
        }
    }
}

#[test]
fn names_stay() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());
    let failed = session.transaction(|session| {
        let statement = "INSERT INTO nowhere VALUES ('x')";
        Ok::<(), lback::Error>(session.conn().batch_execute(statement)?)
    });
    let text = told(&failed.expect_err("there is no such table"));
    assert!(text.contains("nowhere"), "{text}");
}

#[test]
fn out_of_connect() {
    let malformed = [
        format!("://ada:{SECRET}@127.0.0.1:port/app"),
        format!("://ada:{SECRET}@no.such.host.invalid/app"),
        format!("://ada:{SECRET}%zz@127.0.0.1/app"),
        format!("://ada:\"{SECRET}\"@127.0.0.1:\"/app"),
        format!("://ada:{SECRET}"),
        format!("://ada:{SECRET}\0@127.0.0.1/app"),
    ];
    for rest in malformed {
        let sqlite = format!("postgres{rest}");
        check(lback::sqlite::connect(&sqlite).map(drop));
        #[cfg(feature = "postgres")]
        check(lback::postgres::connect(&format!("postgres{rest}")).map(drop));
        #[cfg(feature = "diesel-async")]
        check(lback::diesel_async::connect(&format!("postgres{rest}")).map(drop));
        #[cfg(feature = "mysql")]
        check(lback::mysql::connect(&format!("mysql{rest}")).map(drop));
    }
    #[cfg(feature = "postgres")]
    check(lback::postgres::connect(&format!("password={SECRET} nonsense")).map(drop));
    #[cfg(feature = "diesel-async")]
    check(lback::diesel_async::connect(&format!("password={SECRET} nonsense")).map(drop));
}

fn check(connected: lback::Result<()>) {
    if let Err(error) = connected {
        let text = told(&error);
        assert!(!text.contains(SECRET), "{text}");
    }
}
