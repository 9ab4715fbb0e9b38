//! What a database server has in common with others.

use super::*;

/// A database of its own on the server, gone with it.
pub(super) struct Database(support::Database);

impl Database {
    pub(super) fn at(_: Place) -> Self {
        Self(support::Database::empty().expect("the environment names a server"))
    }

    pub(super) fn session(&self) -> Session {
        self.0.session()
    }
}

pub(super) fn lock_one(conn: &mut Native, id: i64) -> User {
    users::table
        .find(id)
        .select(User::as_select())
        .for_update()
        .get_result(conn)
        .unwrap()
}

/// A savepoint, or a transaction where none is open.
pub(super) fn atomically<T>(_: Place, conn: &mut Native, work: impl FnOnce(&mut Native) -> T) -> T {
    conn.transaction(|conn| QueryResult::Ok(work(conn)))
        .unwrap()
}
