//! PostgreSQL, over libpq.
//!
//! ```no_run
//! use lback::postgres::prelude::*;
//!
//! let mut session = lback::postgres::connect("postgres://localhost/app")?;
//! lback::postgres::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

mod connection;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::error::{Error, Result};
use crate::user::user_repository;

/// A session on PostgreSQL.
pub type Session = crate::Session<PgConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<PgConnection>;

user_repository! { PgConnection, "PostgreSQL" }

/// Everything for a module that works with users on PostgreSQL, with Diesel's own prelude.
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

/// Connects to a server, by a URL or by libpq's `host=... dbname=...`.
///
/// # Errors
///
/// [`Error::Connection`], [`Error::Registry`].
pub fn connect(url: &str) -> Result<Session> {
    // The URL may hold a password, and stays out of the error.
    let connection = PgConnection::establish(url).map_err(|error| Error::Connection {
        what: "PostgreSQL does not let us in".into(),
        source: error.into(),
    })?;
    Session::new(connection)
}

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("users.sql");

/// Creates the table `users` and its indexes, unless a table of that name is found along the
/// search path: that one is left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`].
pub fn migrate(session: &mut Session) -> Result<()> {
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
