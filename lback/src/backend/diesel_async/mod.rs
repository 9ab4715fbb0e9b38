//! PostgreSQL over [diesel-async](https://docs.rs/diesel-async): the application's own pool, its
//! connections, and receivers in the transaction that are `async`.
//!
//! The session is the same as everywhere. [`run`] gives it a connection and a thread that may block; on
//! it, plain code calls repositories, and [`Session::wait`](crate::Session::wait) waits for asynchronous
//! helpers. A receiver may be `async` and take `conn: &mut AsyncPgConnection`; plain ones and `async` ones
//! run in one order. Their futures need not be `Send`. No libpq is needed.
//!
//! ```no_run
//! use diesel_async::RunQueryDsl;
//! use lback::diesel_async::{prelude::*, users::*};
//!
//! diesel::table! {
//!     audit_log (id) {
//!         id -> BigInt,
//!         what -> Text,
//!     }
//! }
//!
//! /// A helper as the application has it already.
//! async fn write_log(conn: &mut AsyncPgConnection, what: &str) -> QueryResult<()> {
//!     let line = audit_log::what.eq(what);
//!     diesel::insert_into(audit_log::table).values(line).execute(conn).await?;
//!     Ok(())
//! }
//!
//! /// In the same transaction as the user.
//! #[receiver(user_post_create)]
//! async fn audit(user: &User, conn: &mut AsyncPgConnection) -> QueryResult<()> {
//!     write_log(conn, &user.username).await
//! }
//!
//! # type Pool = diesel_async::pooled_connection::deadpool::Pool<AsyncPgConnection>;
//! # async fn example(pool: Pool) -> Result<(), Box<dyn std::error::Error>> {
//! let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
//! let ada = lback::diesel_async::run(pool.get().await?, move |session| {
//!     session.transaction(|session| {
//!         let ada = UserRepository::new().create(session, new)?;
//!         session.wait(async |conn| write_log(conn, "by hand").await)?;
//!         lback::Result::Ok(ada)
//!     })
//! })
//! .await?;
//! # let _ = ada;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Database`] is the pool with a state and a failure handler for all sessions.
//!
//! # What the feature turns on
//!
//! diesel-async turns on Diesel's feature `i-implement-a-third-party-backend-and-opt-into-breaking-changes`
//! for the whole program, and pins Diesel to `~2.3`.

pub mod any;
mod connection;
mod database;
mod driver;
mod levels;
mod standing;
#[cfg(feature = "users")]
pub mod users;
mod wait;

use std::ops::DerefMut;
use std::sync::Arc;

use diesel::Connection as _;
use diesel_async::AsyncPgConnection;

pub use self::connection::BlockingPgConnection;
pub use self::database::{Database, DatabaseBuilder};
pub use self::levels::Levels;
use crate::error::{Error, Result, not_connected};
#[cfg(feature = "users")]
pub use crate::postgres::{MIGRATION, migrate};
pub use crate::postgres::{OUTBOX_MIGRATION, Set, cascades, migrate_outbox};
use crate::session::SessionConnection as _;

/// A session on a connection of diesel-async.
pub type Session = crate::Session<BlockingPgConnection>;

/// Everything for a module that works with it, with Diesel's own prelude.
///
/// `diesel::prelude` brings the `RunQueryDsl` whose calls block, as [`Session::conn`](crate::Session::conn)
/// wants it. A module that awaits names the other one, which hides it: `use diesel_async::RunQueryDsl;`
///
/// The built-in users are in [`users`].
pub mod prelude {
    pub use diesel::prelude::*;
    pub use diesel_async::AsyncPgConnection;

    pub use super::any::{
        any_post_create, any_post_delete, any_post_update, any_pre_create, any_pre_delete,
        any_pre_update,
    };
    pub use super::{BlockingPgConnection, Session};
    pub use crate::prelude::*;
}

/// Runs a closure with a session on the connection, on tokio's pool for blocking work.
///
/// The connection is a pool's guard, such as what deadpool's `pool.get()` gives, or a `Box` of one. It is
/// back in its pool when the future is done. Nothing is open on it then: where nobody can be sure of that,
/// it is marked as broken, and the pool drops it.
///
/// A future that is dropped before the closure has begun does nothing; one that is dropped later lets it run
/// to its end, to commit or roll back as ever. `async` effects begin as soon as their transaction has
/// committed; the future is done when they are.
///
/// [`Error::is_retryable`](crate::Error::is_retryable) knows a deadlock by what the server says in English:
/// where `lc_messages` is another language, set it for the pool's connections.
///
/// # Errors
///
/// What the closure returned, and those of [`session`].
///
/// # Panics
///
/// If the closure panics, with its panic; outside of a tokio runtime.
pub async fn run<T, E>(
    connection: impl DerefMut<Target = AsyncPgConnection> + Send + 'static,
    work: impl FnOnce(&mut Session) -> std::result::Result<T, E> + Send + 'static,
) -> std::result::Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    crate::pool::run_session(Arc::default(), move || session(connection), work).await
}

/// A session on a connection, or on the guard of a pool, for a thread that may block: [`run`] gives it one.
///
/// # Errors
///
/// As [`Session::new`](crate::Session::new).
pub fn session(
    connection: impl DerefMut<Target = AsyncPgConnection> + Send + 'static,
) -> Result<Session> {
    Session::new(BlockingPgConnection::over(connection))
}

/// Connects to a server, and blocks until it answers: for the migrations at the start of a program, and
/// tests. A thread of lback's own serves such connections, so it may be called outside of a runtime.
///
/// # Errors
///
/// [`Error::Connection`], without the password that the URL holds, and
/// [`Error::Registry`].
///
/// ```no_run
/// let mut session = lback::diesel_async::connect("postgres://localhost/app")?;
/// lback::diesel_async::migrate(&mut session)?;
/// # lback::Result::Ok(())
/// ```
pub fn connect(url: &str) -> Result<Session> {
    let mut connection = BlockingPgConnection::establish(url)
        .map_err(|error| not_connected("PostgreSQL does not let us in", url, error))?;
    connection.prepare()?;
    Session::new(connection)
}

impl Session {
    /// Waits for asynchronous work on the connection, lent as by [`conn`](Self::conn).
    ///
    /// The thread is blocked meanwhile. The future need not be `Send`.
    ///
    /// ```no_run
    /// use lback::diesel_async::prelude::*;
    ///
    /// async fn count(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    ///     # let _ = conn;
    ///     # Ok(0)
    /// }
    ///
    /// # fn example(session: &mut Session) -> QueryResult<()> {
    /// let users = session.wait(async |conn| count(conn).await)?;
    /// # let _ = users;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait<T>(&mut self, work: impl AsyncFnOnce(&mut AsyncPgConnection) -> T) -> T {
        wait::wait(work(self.conn()))
    }
}
