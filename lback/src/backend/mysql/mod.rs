//! MySQL 8 and MariaDB, over their client libraries.
//!
//! ```no_run
//! use lback::mysql::prelude::*;
//!
//! let mut session = lback::mysql::connect("mysql://app@localhost/app")?;
//! lback::mysql::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

pub mod any;
mod cascade;
mod connection;
mod dialect;
mod index;
#[cfg(feature = "users")]
mod migration;
mod outbox;
#[cfg(feature = "users")]
pub mod users;

use diesel::{Connection, MysqlConnection};

pub use self::cascade::cascades;
pub use self::outbox::{OUTBOX_MIGRATION, migrate_outbox};
use crate::error::{Result, not_connected};
use crate::repository::ReturnsInserted;
use crate::session::SessionConnection;

/// What a column is set to on MySQL: a value, or something that the database works out. See
/// [`lback::Set`](crate::Set).
pub type Set<T> = crate::Set<T, diesel::mysql::Mysql>;

/// The names of the collations that compare byte for byte, trailing spaces included.
const MARIADB_COLLATION: &str = "utf8mb4_nopad_bin";
const MYSQL_COLLATION: &str = "utf8mb4_0900_bin";

/// A session on MySQL or MariaDB.
pub type Session = crate::Session<MysqlConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<MysqlConnection>;

#[cfg(feature = "users")]
pub use self::migration::{MIGRATION, migrate};

/// Everything for a module that works with MySQL and MariaDB, with Diesel's own prelude.
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

/// Connects to a server, by a URL such as `mysql://user:password@host/database`.
///
/// # Errors
///
/// [`Error::Connection`](crate::Error::Connection), without the password that the URL holds, and
/// [`Error::Registry`](crate::Error::Registry).
pub fn connect(url: &str) -> Result<Session> {
    let mut connection = MysqlConnection::establish(url)
        .map_err(|error| not_connected("MySQL does not let us in", url, error))?;
    connection.prepare()?;
    Session::new(connection)
}

/// As on MySQL, on a server that could return what it inserts.
// Not public API. For the tests, on a machine that has MariaDB alone.
#[doc(hidden)]
pub fn __without_returning(mut session: Session) -> Session {
    session.know(std::any::TypeId::of::<ReturnsInserted>(), 0);
    session
}
