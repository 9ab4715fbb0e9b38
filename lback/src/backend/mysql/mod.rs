//! MySQL 8 and MariaDB, over their client libraries.
//!
//! ```no_run
//! use lback::mysql::prelude::*;
//!
//! let mut session = lback::mysql::connect("mysql://app@localhost/app")?;
//! lback::mysql::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

mod connection;

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection, MysqlConnection, RunQueryDsl};

use crate::error::{Error, Result};
use crate::user::user_repository;

/// A session on MySQL or MariaDB.
pub type Session = crate::Session<MysqlConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<MysqlConnection>;

user_repository! { MysqlConnection, "MySQL and MariaDB" }

/// Everything for a module that works with users on MySQL, with Diesel's own prelude.
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

/// Connects to a server, by a URL such as `mysql://user:password@host/database`.
///
/// # Errors
///
/// [`Error::Connection`], [`Error::Registry`].
pub fn connect(url: &str) -> Result<Session> {
    // The URL may hold a password, and stays out of the error.
    let connection = MysqlConnection::establish(url).map_err(|error| Error::Connection {
        what: "MySQL does not let us in".into(),
        source: error.into(),
    })?;
    Session::new(connection)
}

/// The statement of [`migrate`] on MariaDB, for those who keep all migrations in one place. On
/// MySQL 8 the collation is `utf8mb4_0900_bin`.
pub const MIGRATION: &str = include_str!("users.sql");

/// The names of the collations that compare byte for byte, trailing spaces included.
const MARIADB_COLLATION: &str = "utf8mb4_nopad_bin";
const MYSQL_COLLATION: &str = "utf8mb4_0900_bin";

/// Creates the table `users` and its indexes, unless a table of that name is there: that one is
/// left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`]; [`Error::Unsupported`] inside a transaction, which CREATE TABLE would
/// commit.
pub fn migrate(session: &mut Session) -> Result<()> {
    if session.is_inside_any_transaction() {
        let what = "CREATE TABLE inside a transaction on MySQL, where it commits";
        return Err(Error::Unsupported { what: what.into() });
    }
    session.check_writable()?;
    let version: String =
        session.statement(|conn| diesel::select(sql::<Text>("version()")).get_result(conn))?;
    let migration = if version.contains("MariaDB") {
        Cow::Borrowed(MIGRATION)
    } else {
        Cow::Owned(MIGRATION.replace(MARIADB_COLLATION, MYSQL_COLLATION))
    };
    session.statement(|conn| conn.batch_execute(&migration))
}
