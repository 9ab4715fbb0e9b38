//! The application's pool, with what all sessions on it share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};

use super::{Session, session};
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::session::{Failure, Failures, Settings};
use crate::signal::ManualRegistry;

/// A pool of diesel-async's connections, deadpool's, with what all sessions on it share; a clone is the same
/// pool.
///
/// State and failure handler are given once and reach every session. The pool stays the application's: how many
/// connections there are, how long [`run`](Self::run) waits for one, and what is done with a new one are its
/// settings, and [`pool`](Self::pool) gives it back for queries without a session.
///
/// ```no_run
/// use diesel_async::pooled_connection::AsyncDieselConnectionManager;
/// use diesel_async::pooled_connection::deadpool::Pool;
/// use lback::diesel_async::{Database, prelude::*, users::*};
///
/// /// Stands for a client of a mail service.
/// struct Mailer;
///
/// impl Mailer {
///     async fn send(&self, address: &str) -> Result<(), std::io::Error> {
///         # let _ = address;
///         # Ok(())
///     }
/// }
///
/// /// Once the user is stored; it holds no connection.
/// #[receiver(user_post_create, after_commit)]
/// async fn welcome(user: &User, #[state] mailer: &Mailer) -> Result<(), std::io::Error> {
///     mailer.send(&user.email).await
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new("postgres://localhost/app");
/// let database = Database::builder()
///     .with_state(Mailer)
///     .with_failure_handler(|failure| eprintln!("{failure}"))
///     .over(Pool::builder(manager).max_size(8).build()?)?;
///
/// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
/// let ada = database.run(move |session| UserRepository::new().create(session, new)).await?;
/// # let _ = ada;
/// # Ok(())
/// # }
/// ```
///
/// An `async` receiver has no session, and takes `#[state] database: &Database` to write through.
///
/// Durable receivers need no more than a session to be stored. Their worker is one of
/// [`lback::Database`](crate::Database), a pool of its own: `lback::Database::<BlockingPgConnection>::connect(url)`.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    settings: Arc<Settings>,
    /// When the newest connection was made that a session had.
    newest: Arc<Mutex<Option<Instant>>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.pool.status();
        f.debug_struct("Database")
            .field("connections", &status.size)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Over the application's pool, without state and failure handler.
    ///
    /// # Errors
    ///
    /// [`Error::Registry`] if the program's receivers contradict each other.
    pub fn over(pool: Pool<AsyncPgConnection>) -> Result<Self> {
        Self::builder().over(pool)
    }

    /// To choose state and failure handler first.
    pub fn builder() -> DatabaseBuilder {
        DatabaseBuilder {
            settings: Settings::default(),
        }
    }

    /// The pool itself, for queries without a session.
    pub fn pool(&self) -> &Pool<AsyncPgConnection> {
        &self.pool
    }

    /// Takes a connection from the pool, and runs a closure with a session on it, on tokio's pool for blocking
    /// work: as [`run`](super::run) does.
    ///
    /// Who waits for a connection holds no thread. How long one waits at most is the pool's to say
    /// ([`PoolBuilder::wait_timeout`](diesel_async::pooled_connection::deadpool::PoolBuilder)); by itself it
    /// waits for ever. Texts of errors in which lback has to find something out are looked for in English, as
    /// [`run`](super::run) says. The connection is in the pool again before the `async` effects that the closure has left
    /// behind are waited for, so they may take it.
    ///
    /// # Errors
    ///
    /// What the closure returned; [`Error::Connection`] if the pool gives none.
    ///
    /// # Panics
    ///
    /// If the closure panics, with its panic; outside of a tokio runtime.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&mut Session) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let connection = self.pool.get().await.map_err(|error| Error::Connection {
            what: "the pool has no connection to give".into(),
            source: error.into(),
        })?;
        self.look_whether_it_is_new(&connection);
        let (failures, database) = (Arc::clone(self.settings.late_failures()), self.clone());
        let session = move || {
            let session = session(connection)?.with_settings(&database.settings);
            // What an `async` receiver writes through, since it has no session.
            Ok(session.with_state(database))
        };
        crate::pool::run_session(failures, session, work).await
    }

    /// Of a connection that is newer than all before: the server may have been started anew since, as another
    /// version or with other settings.
    fn look_whether_it_is_new(&self, connection: &Object<AsyncPgConnection>) {
        let made = Object::metrics(connection).created;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.is_none_or(|newest| newest < made) {
            *newest = Some(made);
            self.settings.facts().forget();
        }
    }

    /// Takes the failures of `async` receivers that no handler was given: the last 100, and how many there
    /// were. Those of others are the session's: see [`Session::take_failures`](crate::Session::take_failures).
    pub fn take_failures(&self) -> Failures {
        self.settings.late_failures().take()
    }
}

/// Makes a [`Database`].
pub struct DatabaseBuilder {
    settings: Settings,
}

impl fmt::Debug for DatabaseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseBuilder").finish_non_exhaustive()
    }
}

impl DatabaseBuilder {
    /// A value for all sessions: see [`Session::with_state`](crate::Session::with_state).
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.settings.add_state(value);
        self
    }

    /// A handler for all sessions: see
    /// [`Session::with_failure_handler`](crate::Session::with_failure_handler).
    #[must_use]
    pub fn with_failure_handler(
        mut self,
        handler: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        self.settings.on_failure(handler);
        self
    }

    /// A registry for all sessions: see [`Session::with_registry`](crate::Session::with_registry).
    #[must_use]
    pub fn with_registry(mut self, registry: &ManualRegistry) -> Self {
        self.settings.set_own_registry(registry.registry());
        self
    }

    /// Over the application's pool.
    ///
    /// # Errors
    ///
    /// [`Error::Registry`] if the program's receivers contradict each other.
    pub fn over(self, pool: Pool<AsyncPgConnection>) -> Result<Database> {
        Registry::known()?;
        Ok(Database {
            pool,
            settings: Arc::new(self.settings),
            newest: Arc::default(),
        })
    }
}
