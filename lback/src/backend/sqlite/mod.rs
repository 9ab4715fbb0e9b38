//! SQLite, built from source: no system library is needed.
//!
//! ```
//! use lback::sqlite::prelude::*;
//!
//! let mut session = lback::sqlite::connect(":memory:")?;
//! lback::sqlite::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

mod connection;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::error::{Error, Result};
use crate::session::SessionConnection;
use crate::user::user_repository;

/// A session on SQLite.
pub type Session = crate::Session<SqliteConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<SqliteConnection>;

user_repository! { SqliteConnection, "sqlite" }

/// Everything for a module that works with users on SQLite, with Diesel's own prelude.
///
/// One prelude in a module: those of two databases hold the same names.
pub mod prelude {
    pub use diesel::prelude::*;

    pub use super::{
        Session, UserPostCreate, UserPostDelete, UserPostUpdate, UserPreCreate, UserPreDelete,
        UserPreUpdate, UserRepository, user_post_create, user_post_delete, user_post_update,
        user_pre_create, user_pre_delete, user_pre_update,
    };
    pub use crate::prelude::*;
}

/// Opens a database and makes it fit for a server: a file, which is created if it is not there
/// (its folder is not), `:memory:`, or a URI such as `file:app.db?mode=ro`.
///
/// It sets, in this order:
///
/// | setting | value | why |
/// |---|---|---|
/// | [`busy_timeout`] | 5 seconds | wait for another writer instead of failing at once |
/// | [`foreign_keys`] | on | SQLite checks references only when told |
/// | [`journal_mode`] | WAL | readers and the writer do not wait for each other; a database that cannot be written keeps its mode |
///
/// `synchronous` stays at SQLite's default, FULL: a committed transaction survives a power cut. For
/// other settings, open the connection yourself and use [`Session::new`](crate::Session::new).
///
/// [`busy_timeout`]: https://sqlite.org/pragma.html#pragma_busy_timeout
/// [`foreign_keys`]: https://sqlite.org/pragma.html#pragma_foreign_keys
/// [`journal_mode`]: https://sqlite.org/wal.html
///
/// # Errors
///
/// [`Error::Connection`] if the file cannot be opened or is no database, [`Error::Registry`] if
/// the program's receivers contradict each other.
///
/// ```
/// let session = lback::sqlite::connect(":memory:")?;
/// assert!(!session.in_transaction());
/// # lback::Result::Ok(())
/// ```
pub fn connect(database: &str) -> Result<Session> {
    let failed = |source: crate::receiver::BoxError| Error::Connection {
        what: format!("the SQLite database `{database}` cannot be opened").into(),
        source,
    };
    let mut connection =
        SqliteConnection::establish(database).map_err(|error| failed(error.into()))?;
    connection.prepare().map_err(|error| failed(error.into()))?;
    Session::new(connection)
}

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("users.sql");

/// Creates the table `users` and its indexes, unless a table of that name is there: that one is
/// left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`].
pub fn migrate(session: &mut Session) -> Result<()> {
    session.transaction(|session| {
        use diesel::prelude::*;
        let exists: bool = diesel::select(diesel::dsl::exists(
            sqlite_schema::table
                .filter(sqlite_schema::name.eq("users"))
                .filter(sqlite_schema::kind.eq("table")),
        ))
        .get_result(session.raw())?;
        if !exists {
            session.raw().batch_execute(MIGRATION)?;
        }
        Ok(())
    })
}

diesel::table! {
    /// What SQLite says of its own tables.
    #[sql_name = "sqlite_master"]
    sqlite_schema (name) {
        /// The table's name.
        name -> Text,
        /// `table`, `index`, `view` or `trigger`.
        #[sql_name = "type"]
        kind -> Text,
    }
}
