//! Sessions on PostgreSQL over libpq.

use diesel::{Connection, PgConnection};

use crate::error::{Result, not_connected};
use crate::session::SessionConnection;

/// A session on PostgreSQL.
pub type Session = crate::Session<PgConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<PgConnection>;

/// Everything for a module that works with PostgreSQL, with Diesel's own prelude.
///
/// The built-in users are not in it, for most applications have users of their own, under the same
/// names: [`users`](crate::postgres::users) holds those.
///
/// One prelude in a module. `Session` is ambiguous where those of two databases stand: the compiler
/// warns of each use (`ambiguous_glob_imports`, an error in a future release), and takes the first.
/// `#![deny(ambiguous_glob_imports)]` makes it an error today.
pub mod prelude {
    pub use diesel::prelude::*;

    pub use super::Session;
    pub use crate::postgres::any::{
        any_post_create, any_post_delete, any_post_update, any_pre_create, any_pre_delete,
        any_pre_update,
    };
    pub use crate::prelude::*;
}

/// Connects to a server, by a URL or by libpq's `host=... dbname=...`.
///
/// # Errors
///
/// [`Error::Connection`](crate::Error::Connection), without the password that the URL holds, and
/// [`Error::Registry`](crate::Error::Registry).
pub fn connect(url: &str) -> Result<Session> {
    let mut connection = PgConnection::establish(url)
        .map_err(|error| not_connected("PostgreSQL does not let us in", url, error))?;
    connection.prepare()?;
    Session::new(connection)
}
