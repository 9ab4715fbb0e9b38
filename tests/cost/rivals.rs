//! The same statements without lback: Diesel as well as it can be used, and rusqlite with cached
//! statements and the same decoding.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use lback::sqlite::prelude::*;
use lback::{Timestamp, Validate};
use rusqlite::{Row, params};

use crate::Run;
use crate::operation::{TO_DELETE, changes, new_user, with_users};

pub(crate) const ALL: &[(&str, Run)] = &[
    ("diesel find", diesel_find),
    ("diesel create", diesel_create),
    ("diesel update", diesel_update),
    ("diesel delete", diesel_delete),
    ("diesel create_many", diesel_create_many),
    ("diesel read+update+savepoint", diesel_heard_update),
    ("diesel create+savepoint", diesel_heard_create),
    ("diesel read+delete+savepoint", diesel_heard_delete),
    ("rusqlite find", rusqlite_find),
    ("rusqlite create", rusqlite_create),
    ("rusqlite update", rusqlite_update),
    ("rusqlite delete", rusqlite_delete),
];

fn find_one(conn: &mut SqliteConnection, id: i64) -> User {
    users::table
        .find(id)
        .select(User::as_select())
        .get_result(conn)
        .unwrap()
}

fn insert_one(conn: &mut SqliteConnection, mut new: NewUser) -> User {
    new.validate().unwrap();
    diesel::insert_into(users::table)
        .values(&new)
        .returning(User::as_returning())
        .get_result(conn)
        .unwrap()
}

/// With a fragment of one's own for these two columns, since Diesel's `update` is prepared anew
/// every time.
fn update_one(conn: &mut SqliteConnection, id: i64, mut changes: UserChanges) -> User {
    changes.validate().unwrap();
    let email = changes.email.unwrap();
    let updated_at = changes.updated_at.unwrap();
    Update {
        set: (users::email.eq(email), users::updated_at.eq(updated_at)).as_changeset(),
        key: users::id.eq(id),
        columns: User::as_returning(),
    }
    .get_result(conn)
    .unwrap()
}

struct Update<S, K, C> {
    set: S,
    key: K,
    columns: C,
}

/// It is only ever used for the same columns.
impl<S, K, C> QueryId for Update<S, K, C> {
    type QueryId = Update<(), (), ()>;
}

impl<S, K, C> QueryFragment<Sqlite> for Update<S, K, C>
where
    S: QueryFragment<Sqlite>,
    K: QueryFragment<Sqlite>,
    C: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE users SET ");
        self.set.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.key.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.columns.walk_ast(out)
    }
}

impl<S, K, C: Expression> Query for Update<S, K, C> {
    type SqlType = C::SqlType;
}

impl<S, K, C> RunQueryDsl<SqliteConnection> for Update<S, K, C> {}

fn diesel_find(times: usize) {
    with_users(1, |session| {
        for _ in 0..times {
            find_one(session.conn(), 1);
        }
    });
}

fn diesel_create(times: usize) {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_users(0, |session| {
        for new in new {
            insert_one(session.conn(), new);
        }
    });
}

fn diesel_update(times: usize) {
    let changes: Vec<_> = (0..times).map(changes).collect();
    with_users(1, |session| {
        for changes in changes {
            update_one(session.conn(), 1, changes);
        }
    });
}

fn diesel_delete(times: usize) {
    with_users(TO_DELETE, |session| {
        for number in 1..=times {
            diesel::delete(users::table.find(number as i64))
                .execute(session.conn())
                .unwrap();
        }
    });
}

fn diesel_create_many(times: usize) {
    let mut new: Vec<_> = (0..times).map(new_user).collect();
    with_users(0, |session| {
        new.iter_mut().try_for_each(Validate::validate).unwrap();
        for new in new.chunks(32_766 / 11) {
            let stored: Vec<User> = diesel::insert_into(users::table)
                .values(new)
                .returning(User::as_returning())
                .load(session.conn())
                .unwrap();
            assert_eq!(stored.len(), new.len());
        }
    });
}

fn savepoint<T>(conn: &mut SqliteConnection, work: impl FnOnce(&mut SqliteConnection) -> T) -> T {
    conn.transaction(|conn| QueryResult::Ok(work(conn)))
        .unwrap()
}

fn diesel_heard_create(times: usize) {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_users(0, |session| {
        for new in new {
            savepoint(session.conn(), |conn| insert_one(conn, new));
        }
    });
}

fn diesel_heard_update(times: usize) {
    let changes: Vec<_> = (0..times).map(changes).collect();
    with_users(1, |session| {
        for changes in changes {
            savepoint(session.conn(), |conn| {
                find_one(conn, 1);
                update_one(conn, 1, changes)
            });
        }
    });
}

fn diesel_heard_delete(times: usize) {
    with_users(TO_DELETE, |session| {
        for number in 1..=times {
            savepoint(session.conn(), |conn| {
                find_one(conn, number as i64);
                diesel::delete(users::table.find(number as i64))
                    .execute(conn)
                    .unwrap()
            });
        }
    });
}

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

const COLUMNS: &str = "id, username, email, password, is_active, is_email_verified, \
                       email_verification_token, email_verification_token_expiry, auth_token, \
                       token_expiry, created_at, updated_at";

fn rusqlite_with_users(rows: usize, work: impl FnOnce(&rusqlite::Connection)) {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
        .unwrap();
    connection.execute_batch(lback::sqlite::MIGRATION).unwrap();
    for number in 0..rows {
        rusqlite_insert(&connection, number);
    }
    work(&connection);
    connection.execute_batch("COMMIT").unwrap();
}

fn rusqlite_insert(connection: &rusqlite::Connection, number: usize) -> Plain {
    let now = Timestamp::now().naive_utc();
    let sql = format!(
        "INSERT INTO users (username, email, password, is_active, is_email_verified, \
         email_verification_token, email_verification_token_expiry, auth_token, token_expiry, \
         created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         RETURNING {COLUMNS}"
    );
    let none: Option<&str> = None;
    let username = format!("user{number:06}");
    let email = format!("user{number:06}@example.com");
    let values = params![
        username, email, "hash", true, false, none, none, none, none, now, now
    ];
    connection
        .prepare_cached(&sql)
        .unwrap()
        .query_row(values, decode)
        .unwrap()
}

fn rusqlite_find(times: usize) {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
    rusqlite_with_users(1, |connection| {
        for _ in 0..times {
            connection
                .prepare_cached(&sql)
                .unwrap()
                .query_row([1_i64], decode)
                .unwrap();
        }
    });
}

fn rusqlite_create(times: usize) {
    rusqlite_with_users(0, |connection| {
        for number in 0..times {
            rusqlite_insert(connection, number);
        }
    });
}

fn rusqlite_update(times: usize) {
    let sql =
        format!("UPDATE users SET email = ?1, updated_at = ?2 WHERE id = ?3 RETURNING {COLUMNS}");
    rusqlite_with_users(1, |connection| {
        for number in 0..times {
            let email = format!("changed{number:06}@example.com");
            let values = params![email, Timestamp::now().naive_utc(), 1_i64];
            connection
                .prepare_cached(&sql)
                .unwrap()
                .query_row(values, decode)
                .unwrap();
        }
    });
}

fn rusqlite_delete(times: usize) {
    rusqlite_with_users(TO_DELETE, |connection| {
        for number in 1..=times {
            let mut delete = connection
                .prepare_cached("DELETE FROM users WHERE id = ?1")
                .unwrap();
            delete.execute([number as i64]).unwrap();
        }
    });
}
