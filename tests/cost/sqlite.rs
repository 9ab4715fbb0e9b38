//! SQLite, with what [`lback::sqlite::connect`] sets for all: WAL, and `synchronous` FULL.

pub(crate) use lback::sqlite::migrate;
pub(crate) use lback::sqlite::{prelude::*, users::*};
use tempfile::TempDir;

use crate::{Place, Work};

macro_rules! own_users_with_changes {
    () => {
        lback_tests::own_users_with_changes!(SqliteConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(SqliteConnection);
    };
}

#[path = "operation.rs"]
mod operation;
#[path = "rivals.rs"]
mod rivals;
#[path = "rusqlite.rs"]
mod rusqlite_rivals;
#[path = "returning.rs"]
mod statement;

pub(crate) type Native = SqliteConnection;

/// All that is done on SQLite.
pub fn all() -> impl Iterator<Item = Work> {
    let all = operation::ALL.iter().chain(rivals::ALL);
    all.chain(rusqlite_rivals::ALL).copied()
}

/// In memory, or in a file that goes with it.
struct Database(Option<TempDir>);

impl Database {
    fn at(place: Place) -> Self {
        Self(place.is_file.then(|| TempDir::new().unwrap()))
    }

    fn url(&self) -> String {
        match &self.0 {
            Some(folder) => folder.path().join("cost.db").display().to_string(),
            None => ":memory:".to_owned(),
        }
    }

    fn session(&self) -> Session {
        lback::sqlite::connect(&self.url()).unwrap()
    }
}

/// SQLite has one writer at a time: the row needs no lock.
fn lock_one(conn: &mut Native, id: i64) -> User {
    statement::find_one(conn, id)
}

/// A savepoint, or a transaction where none is open.
fn atomically<T>(place: Place, conn: &mut Native, work: impl FnOnce(&mut Native) -> T) -> T {
    let work = |conn: &mut Native| QueryResult::Ok(work(conn));
    if place.commits_each {
        conn.immediate_transaction(work).unwrap()
    } else {
        conn.transaction(work).unwrap()
    }
}
