//! The table of the built-in users.

use diesel::pg::Pg;

use crate::error::Result;
use crate::session::{Session, SessionConnection};

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("users.sql");

/// Creates the table `users` and its indexes, unless a table of that name is found along the
/// search path: that one is left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
pub fn migrate<C>(session: &mut Session<C>) -> Result<()>
where
    C: SessionConnection<Backend = Pg>,
{
    session.transaction(|session| {
        use diesel::dsl::sql;
        use diesel::prelude::*;
        use diesel::sql_types::Bool;
        // Two CREATE TABLE IF NOT EXISTS at once fail on the catalogue's own unique index.
        session
            .raw()
            .batch_execute("SELECT pg_advisory_xact_lock(7810966318)")?;
        let exists: bool = diesel::select(sql::<Bool>("to_regclass('users') IS NOT NULL"))
            .get_result(session.raw())?;
        if !exists {
            session.raw().batch_execute(MIGRATION)?;
        }
        Ok(())
    })
}
