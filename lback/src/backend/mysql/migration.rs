//! The table of the built-in users.

use std::borrow::Cow;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Text;

use super::{MARIADB_COLLATION, MYSQL_COLLATION, Session};
use crate::error::{Error, Result};

/// The statement of [`migrate`] on MariaDB, for those who keep all migrations in one place. On
/// MySQL 8 the collation is `utf8mb4_0900_bin`.
pub const MIGRATION: &str = include_str!("users.sql");

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
