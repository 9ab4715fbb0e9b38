//! The table of the built-in users.

use diesel::connection::SimpleConnection;

use super::Session;
use crate::error::Result;

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("users.sql");

/// Creates the table `users` and its indexes, unless a table of that name is there: that one is
/// left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
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
