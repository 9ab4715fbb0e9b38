//! SQLite, built from source: no system library is needed. Without the feature `bundled`, the
//! system's is linked.
//!
//! ```
//! use lback::sqlite::prelude::*;
//!
//! let mut session = lback::sqlite::connect(":memory:")?;
//! lback::sqlite::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

pub mod any;
mod cascade;
mod connection;
mod dialect;
#[cfg(feature = "users")]
mod migration;
mod outbox;
mod partial;
mod schema;
#[cfg(feature = "users")]
pub mod users;

use diesel::{Connection, SqliteConnection};

pub use self::cascade::cascades;
pub use self::outbox::{OUTBOX_MIGRATION, migrate_outbox};
use crate::error::{Error, Result, printable};
use crate::session::SessionConnection;

/// What a column is set to on SQLite: a value, or something that the database works out. See
/// [`lback::Set`](crate::Set).
pub type Set<T> = crate::Set<T, diesel::sqlite::Sqlite>;

/// A session on SQLite.
pub type Session = crate::Session<SqliteConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<SqliteConnection>;

#[cfg(feature = "users")]
pub use self::migration::{MIGRATION, migrate};

/// Everything for a module that works with SQLite, with Diesel's own prelude.
///
/// The built-in users are not in it, for most applications have users of their own, under the same
/// names: [`users`] holds those.
///
/// One prelude in a module. `Session` is ambiguous where those of two databases stand: the compiler
/// warns of each use (`ambiguous_glob_imports`, an error in a future release), and takes the first.
/// `#![deny(ambiguous_glob_imports)]` makes it an error today.
pub mod prelude {
    pub use diesel::prelude::*;

    pub use super::Session;
    pub use super::any::{
        any_post_create, any_post_delete, any_post_update, any_pre_create, any_pre_delete,
        any_pre_update,
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
        // An address of another database may have come here, with its password.
        what: format!(
            "the SQLite database `{}` cannot be opened",
            printable(database)
        )
        .into(),
        source,
    };
    let mut connection =
        SqliteConnection::establish(database).map_err(|error| failed(error.into()))?;
    connection.prepare().map_err(|error| failed(error.into()))?;
    Session::new(connection)
}
