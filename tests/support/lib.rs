//! What the tests share: a fresh database for each, a trace of what ran, and a repository of one's
//! own.

// A test that cannot go on panics.
#![allow(clippy::pedantic)]

#[cfg(feature = "diesel-async")]
pub mod diesel_async;
pub mod effect_model;
pub mod model;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod parcels;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "diesel-async"))]
pub mod proxy;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "diesel-async"))]
pub mod server;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "diesel-async"))]
pub mod services;
pub mod shop;
pub mod sqlite;
pub mod trial;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "diesel-async"))]
pub mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;

/// What ran, in order. Put into a session with `with_state`, written by receivers that ask for
/// `#[state] trace: &Trace`.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    /// An empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that something ran.
    pub fn note(&self, what: impl Into<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what.into());
    }

    /// Takes all notes out.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Declares `Users`, a repository on the table `users` with six signals of the test's own module
/// (`user_pre_create` and so on), so that no other test's receivers hear them.
///
/// Each test binary wraps it as `own_users!()`, with its own connection.
#[macro_export]
#[rustfmt::skip] // it moves the attribute to the right, further at every run
macro_rules! own_users {
    ($connection:ident) => {
        #[lback::repository(
            entity = lback::User,
            table = lback::schema::users,
            insert = lback::NewUser,
            update = lback::UserChanges,
            connection = $connection,
            shared_entity
        )]
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Users;
    };
}

/// Declares a repository on a table of the test's own: `Items: entity = Item, table = items, ..`.
///
/// Each test binary wraps it, with its own connection.
#[macro_export]
#[rustfmt::skip] // as above
macro_rules! own_repository {
    ($connection:ident, $name:ident: $($options:tt)*) => {
        #[lback::repository($($options)*, connection = $connection)]
        #[derive(Clone, Debug, Default)]
        pub(crate) struct $name;
    };
}

/// As [`own_users!`], and what a transaction changes is told.
#[macro_export]
macro_rules! own_users_with_changes {
    ($connection:ident) => {
        $crate::own_repository!(
            $connection,
            Users: entity = lback::User,
            table = lback::schema::users,
            insert = lback::NewUser,
            update = lback::UserChanges,
            shared_entity,
            changes
        );
    };
}

/// A user that is valid as it is. Its password has the cheapest hash there is.
pub fn new_user(name: &str) -> lback::NewUser {
    let local = name.trim().replace(' ', ".");
    lback::NewUser::with_password(name, format!("{local}@example.com"), cheap_password())
}

/// The hash of `secret`, made with parameters that cost nothing.
pub fn cheap_password() -> lback::Password {
    let hasher = lback::password::Hasher::argon2id(8, 1, 1).expect("the least that argon2 has");
    hasher.hash("secret").expect("a valid password")
}

diesel::table! {
    /// A table for what receivers write.
    #[sql_name = "notes"]
    notes_table (id) {
        /// The key.
        id -> BigInt,
        /// What was noted.
        what -> Text,
    }
}

/// Whether random trials should take their time: `CI` is set, as the services that run CI do.
pub fn is_in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Writes into the table `notes`, as a receiver would.
pub fn note<C>(conn: &mut C, what: &str) -> QueryResult<()>
where
    C: Notes,
{
    conn.write_note(what)
}

/// What stands in the table `notes`, in the order written.
pub fn notes<C: Notes>(session: &mut lback::Session<C>) -> Vec<String> {
    session.conn().read_notes().expect("the table is there")
}

/// How many rows a table has.
pub fn count<C: Notes>(table: &str, session: &mut lback::Session<C>) -> i64 {
    session
        .conn()
        .count_rows(table)
        .expect("the table is there")
}

/// The table `notes`, for each connection.
pub trait Notes: lback::SessionConnection {
    /// Writes one.
    fn write_note(&mut self, what: &str) -> QueryResult<()>;
    /// Reads all.
    fn read_notes(&mut self) -> QueryResult<Vec<String>>;
    /// Counts the rows of any table.
    fn count_rows(&mut self, table: &str) -> QueryResult<i64>;
}

macro_rules! notes_on {
    ($connection:ty) => {
        impl Notes for $connection {
            fn write_note(&mut self, what: &str) -> QueryResult<()> {
                diesel::insert_into(notes_table::table)
                    .values(notes_table::what.eq(what))
                    .execute(self)
                    .map(drop)
            }

            fn read_notes(&mut self) -> QueryResult<Vec<String>> {
                notes_table::table
                    .order(notes_table::id)
                    .select(notes_table::what)
                    .load(self)
            }

            fn count_rows(&mut self, table: &str) -> QueryResult<i64> {
                diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!(
                    "(SELECT count(*) FROM {table})"
                )))
                .get_result(self)
            }
        }
    };
}

notes_on!(diesel::SqliteConnection);
#[cfg(feature = "postgres")]
notes_on!(diesel::PgConnection);
#[cfg(feature = "mysql")]
notes_on!(diesel::MysqlConnection);
#[cfg(feature = "diesel-async")]
notes_on!(lback::diesel_async::BlockingPgConnection);
