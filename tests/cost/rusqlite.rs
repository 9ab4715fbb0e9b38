//! The same statements with rusqlite, kept prepared, and with the same decoding.

use std::time::Duration;

use lback::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};

use super::Database;
use super::operation::{HASH, TO_DELETE};
use crate::{Place, Run, measured};

pub(crate) const ALL: &[(&str, Run)] = &[
    ("rusqlite find", rusqlite_find),
    ("rusqlite create", rusqlite_create),
    ("rusqlite update", rusqlite_update),
    ("rusqlite delete", rusqlite_delete),
    ("rusqlite create_many", rusqlite_create_many),
    ("rusqlite read+update+savepoint", rusqlite_heard_update),
    ("rusqlite create+savepoint", rusqlite_heard_create),
    ("rusqlite read+delete+savepoint", rusqlite_heard_delete),
];

/// The columns as rusqlite gives them, decoded as far as lback does.
#[allow(dead_code)]
struct Plain {
    id: i64,
    username: String,
    email: String,
    password: String,
    is_active: bool,
    is_email_verified: bool,
    email_verification_token: Option<String>,
    email_verification_token_expiry: Option<chrono::NaiveDateTime>,
    auth_token: Option<String>,
    token_expiry: Option<chrono::NaiveDateTime>,
    created_at: chrono::NaiveDateTime,
    updated_at: chrono::NaiveDateTime,
}

fn decode(row: &Row<'_>) -> rusqlite::Result<Plain> {
    Ok(Plain {
        id: row.get(0)?,
        username: row.get(1)?,
        email: row.get(2)?,
        password: row.get(3)?,
        is_active: row.get(4)?,
        is_email_verified: row.get(5)?,
        email_verification_token: row.get(6)?,
        email_verification_token_expiry: row.get(7)?,
        auth_token: row.get(8)?,
        token_expiry: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
    })
}

const BEGIN: &str = "BEGIN IMMEDIATE";

fn with_users(place: Place, rows: usize, work: impl FnOnce(&Connection)) -> Duration {
    let database = Database::at(place);
    let connection = &Connection::open(database.url()).unwrap();
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL",
        )
        .unwrap();
    connection.execute_batch(BEGIN).unwrap();
    connection.execute_batch(lback::sqlite::MIGRATION).unwrap();
    for user in new_users(rows) {
        insert(connection, user);
    }
    if place.commits_each {
        connection.execute_batch("COMMIT").unwrap();
        return measured(|| work(connection));
    }
    let time = measured(|| work(connection));
    connection.execute_batch("COMMIT").unwrap();
    time
}

struct NewUser {
    username: String,
    email: String,
    password: String,
}

fn new_users(rows: usize) -> Vec<NewUser> {
    let new = |number| NewUser {
        username: format!("user{number:06}"),
        email: format!("user{number:06}@example.com"),
        password: HASH.to_owned(),
    };
    (0..rows).map(new).collect()
}

fn emails(rows: usize) -> Vec<String> {
    let email = |number| format!("changed{number:06}@example.com");
    (0..rows).map(email).collect()
}

fn run(connection: &Connection, sql: &str) {
    connection.prepare_cached(sql).unwrap().execute([]).unwrap();
}

/// A savepoint, or a transaction where none is open.
fn atomically<T>(place: Place, connection: &Connection, work: impl FnOnce() -> T) -> T {
    let (begin, end) = if place.commits_each {
        (BEGIN, "COMMIT")
    } else {
        ("SAVEPOINT one", "RELEASE one")
    };
    run(connection, begin);
    let done = work();
    run(connection, end);
    done
}

macro_rules! columns {
    () => {
        "id, username, email, password, is_active, is_email_verified, email_verification_token, \
         email_verification_token_expiry, auth_token, token_expiry, created_at, updated_at"
    };
}

macro_rules! insert {
    () => {
        "INSERT INTO users (username, email, password, is_active, is_email_verified, \
         email_verification_token, email_verification_token_expiry, auth_token, token_expiry, \
         created_at, updated_at) VALUES "
    };
}

macro_rules! row {
    () => {
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    };
}

fn find(connection: &Connection, id: i64) -> Plain {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM users WHERE id = ?1"))
        .unwrap()
        .query_row([id], decode)
        .unwrap()
}

fn insert(connection: &Connection, user: NewUser) -> Plain {
    let now = Timestamp::now().naive_utc();
    let sql = concat!(insert!(), row!(), " RETURNING ", columns!());
    let none: Option<&str> = None;
    let values = params![
        user.username,
        user.email,
        user.password,
        true,
        false,
        none,
        none,
        none,
        none,
        now,
        now
    ];
    connection
        .prepare_cached(sql)
        .unwrap()
        .query_row(values, decode)
        .unwrap()
}

/// As one statement: a savepoint around many is slower.
fn insert_many(connection: &Connection, users: &[NewUser]) -> Vec<Plain> {
    let now = Timestamp::now().naive_utc();
    let rows = vec![row!(); users.len()].join(", ");
    let sql = format!(concat!(insert!(), "{} RETURNING ", columns!()), rows);
    let none: &Option<&str> = &None;
    let values: Vec<&dyn ToSql> = users
        .iter()
        .flat_map(|user| -> [&dyn ToSql; 11] {
            [
                &user.username,
                &user.email,
                &user.password,
                &true,
                &false,
                none,
                none,
                none,
                none,
                &now,
                &now,
            ]
        })
        .collect();
    let mut insert = connection.prepare_cached(&sql).unwrap();
    let stored = insert.query_map(&*values, decode).unwrap();
    stored.map(Result::unwrap).collect()
}

fn update(connection: &Connection, id: i64, email: String) -> Plain {
    let sql = concat!(
        "UPDATE users SET email = ?1, updated_at = ?2 WHERE id = ?3 RETURNING ",
        columns!()
    );
    connection
        .prepare_cached(sql)
        .unwrap()
        .query_row(params![email, Timestamp::now().naive_utc(), id], decode)
        .unwrap()
}

fn delete(connection: &Connection, id: i64) {
    let mut delete = connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")
        .unwrap();
    assert_eq!(delete.execute([id]), Ok(1));
}

fn rusqlite_find(place: Place, times: usize) -> Duration {
    with_users(place, 1, |connection| {
        for _ in 0..times {
            find(connection, 1);
        }
    })
}

fn rusqlite_create(place: Place, times: usize) -> Duration {
    let new = new_users(times);
    with_users(place, 0, |connection| {
        for user in new {
            insert(connection, user);
        }
    })
}

fn rusqlite_create_many(place: Place, times: usize) -> Duration {
    let new = new_users(times);
    with_users(place, 0, |connection| {
        let stored = insert_many(connection, &new);
        assert_eq!(stored.len(), times);
    })
}

fn rusqlite_update(place: Place, times: usize) -> Duration {
    let emails = emails(times);
    with_users(place, 1, |connection| {
        for email in emails {
            update(connection, 1, email);
        }
    })
}

fn rusqlite_delete(place: Place, times: usize) -> Duration {
    with_users(place, TO_DELETE, |connection| {
        for number in 1..=times {
            delete(connection, number as i64);
        }
    })
}

fn rusqlite_heard_create(place: Place, times: usize) -> Duration {
    let new = new_users(times);
    with_users(place, 0, |connection| {
        for user in new {
            atomically(place, connection, || insert(connection, user));
        }
    })
}

fn rusqlite_heard_update(place: Place, times: usize) -> Duration {
    let emails = emails(times);
    with_users(place, 1, |connection| {
        for email in emails {
            atomically(place, connection, || {
                find(connection, 1);
                update(connection, 1, email)
            });
        }
    })
}

fn rusqlite_heard_delete(place: Place, times: usize) -> Duration {
    with_users(place, TO_DELETE, |connection| {
        for number in 1..=times {
            atomically(place, connection, || {
                find(connection, number as i64);
                delete(connection, number as i64);
            });
        }
    })
}
