//! A pool of connections, with what all its sessions share.

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "tokio")]
mod clock;
#[cfg(feature = "tokio")]
mod gate;
mod manager;

#[cfg(feature = "diesel-async")]
pub(crate) use self::asynchronous::run_session;

use std::sync::Arc;
use std::time::Duration;

use diesel::QueryResult;
use diesel::r2d2::{Pool, R2D2Connection};

use self::manager::{Hooks, Manager};
use crate::error::{Error, Result, not_connected};
use crate::session::{Failure, Session, SessionConnection, Settings};
use crate::signal::ManualRegistry;

/// A pool of connections to one database; a clone is the same pool.
///
/// State and failure handler are given once and reach every session. A session goes back to the
/// pool when it is dropped, unless it ended in a bad state: then its connection is closed.
///
/// ```
/// use lback::sqlite::{prelude::*, users::*};
///
/// # let folder = std::env::temp_dir().join(format!("lback-pool-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).expect("a folder");
/// # let url = folder.join("app.db").to_string_lossy().into_owned();
/// struct Clock;
///
/// let database = lback::sqlite::Database::builder()
///     .with_state(Clock)
///     .with_failure_handler(|failure| eprintln!("{failure}"))
///     .connect(&url)?;
/// lback::sqlite::migrate(&mut database.session()?)?;
/// let ada = database.transaction(|session| {
///     let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
///     UserRepository::new().create(session, new)
/// })?;
/// assert_eq!(ada.username, "ada");
/// # std::fs::remove_dir_all(&folder).expect("it is there");
/// # lback::Result::Ok(())
/// ```
pub struct Database<C: SessionConnection + R2D2Connection> {
    pool: Pool<Manager<C>>,
    settings: Arc<Settings>,
    #[cfg(feature = "tokio")]
    gate: gate::Gate,
}

impl<C: SessionConnection + R2D2Connection> Clone for Database<C> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            settings: Arc::clone(&self.settings),
            #[cfg(feature = "tokio")]
            gate: self.gate.clone(),
        }
    }
}

impl<C: SessionConnection + R2D2Connection> std::fmt::Debug for Database<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The pool's own text holds the URL, and that may hold a password.
        f.debug_struct("Database")
            .field("connections", &self.pool.state().connections)
            .finish_non_exhaustive()
    }
}

impl<C: SessionConnection + R2D2Connection> Database<C> {
    /// A pool with r2d2's own settings: up to 10 connections.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`], [`Error::Registry`].
    pub fn connect(url: &str) -> Result<Self> {
        Self::builder().connect(url)
    }

    /// To choose the size, the state and the failure handler first.
    pub fn builder() -> DatabaseBuilder<C> {
        DatabaseBuilder {
            pool: Pool::builder(),
            settings: Settings::default(),
            hooks: Hooks::default(),
        }
    }

    /// A session on a connection of the pool; waits for one, 30 seconds unless told.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] if none becomes free in time.
    pub fn session(&self) -> Result<Session<C>> {
        self.session_within(self.pool.connection_timeout())
    }

    fn session_within(&self, wait: Duration) -> Result<Session<C>> {
        let guard = self
            .pool
            .get_timeout(wait)
            .map_err(|error| Error::Connection {
                what: "the pool has no connection to give".into(),
                source: error.into(),
            })?;
        let session = if self.settings.is_for_test {
            Session::in_test_transaction(guard)?
        } else {
            Session::from_own_pool(guard)?
        };
        let session = session.with_settings(&self.settings);
        #[cfg(feature = "tokio")]
        let session = {
            // What an `async` receiver writes through, since it has no session.
            let mut session = session.with_state(self.clone());
            session.goes_on_from(crate::session::Origin::current());
            session
        };
        Ok(session)
    }

    /// Runs a closure in a transaction of a session of its own: see
    /// [`Session::transaction`].
    ///
    /// # Errors
    ///
    /// Those of [`session`](Self::session) and of [`Session::transaction`].
    pub fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&mut Session<C>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.session()?.transaction(work)
    }

    /// How many connections there are, and how many of them are free.
    pub fn size(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }
}

/// The longest time to wait. Not every clock can name a moment that is further away.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Makes a [`Database`].
pub struct DatabaseBuilder<C: SessionConnection + R2D2Connection> {
    pool: diesel::r2d2::Builder<Manager<C>>,
    settings: Settings,
    hooks: Hooks<C>,
}

impl<C: SessionConnection + R2D2Connection> DatabaseBuilder<C> {
    /// How many connections there may be.
    ///
    /// # Panics
    ///
    /// If `connections` is 0.
    #[must_use]
    pub fn max_size(mut self, connections: u32) -> Self {
        self.pool = self.pool.max_size(connections);
        self
    }

    /// How long [`Database::session`] waits for a free connection: a year at most.
    ///
    /// # Panics
    ///
    /// If `duration` is zero.
    #[must_use]
    pub fn wait(mut self, duration: Duration) -> Self {
        self.pool = self.pool.connection_timeout(duration.min(A_YEAR));
        self
    }

    /// A value for all sessions: see [`Session::with_state`].
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.settings.add_state(value);
        self
    }

    /// A handler for all sessions: see [`Session::with_failure_handler`].
    #[must_use]
    pub fn with_failure_handler(
        mut self,
        handler: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        self.settings.on_failure(handler);
        self
    }

    /// How many shapes of an update stay prepared on each connection, for each repository: see
    /// [`Session::with_prepared_updates`].
    #[must_use]
    pub fn with_prepared_updates(mut self, most: u32) -> Self {
        self.settings.keep_prepared(most);
        self
    }

    /// No statement stays prepared: see [`Session::without_prepared_statements`].
    #[must_use]
    pub fn without_prepared_statements(mut self) -> Self {
        self.settings.keep_nothing_prepared();
        self
    }

    /// A registry for all sessions: see [`Session::with_registry`].
    #[must_use]
    pub fn with_registry(mut self, registry: &ManualRegistry) -> Self {
        self.settings.set_own_registry(registry.registry());
        self
    }

    /// Something to be done with every new connection, such as `SET search_path`, or a setting of
    /// SQLite's. The connection must not be left inside a transaction.
    ///
    /// ```
    /// use diesel::connection::SimpleConnection as _;
    ///
    /// let database = lback::sqlite::Database::builder()
    ///     .on_connect(|connection| connection.batch_execute("PRAGMA cache_size = -20000"))
    ///     .connect(":memory:")?;
    /// # let _ = database;
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn on_connect(
        mut self,
        hook: impl Fn(&mut C) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_connect = Some(Arc::new(hook));
        self
    }

    /// Something to be done with a connection each time before it is handed out again, such as
    /// `RESET ALL`, so that what one session has set does not reach the next. A connection for which it
    /// fails is dropped.
    ///
    /// ```
    /// use diesel::connection::SimpleConnection as _;
    ///
    /// let database = lback::sqlite::Database::builder()
    ///     .before_reuse(|connection| connection.batch_execute("PRAGMA recursive_triggers = OFF"))
    ///     .connect(":memory:")?;
    /// # let _ = database;
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn before_reuse(
        mut self,
        hook: impl Fn(&mut C) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.before_reuse = Some(Arc::new(hook));
        self
    }

    /// For tests of what takes the pool itself, such as the handlers of a web application: all its
    /// sessions share one connection, inside one transaction that is never committed, so the database
    /// stays as it was.
    ///
    /// The test transaction does not count: the transactions of each session are outermost, and
    /// effects run at their end, as in [`Session::for_test`]. One session at a time: another one waits
    /// until the first is dropped, 5 seconds unless [told](Self::wait). On MySQL and MariaDB, DDL
    /// would commit the test transaction: migrate before.
    ///
    /// ```
    /// use lback::sqlite::{Database, prelude::*, users::*};
    ///
    /// /// What is to be tested.
    /// fn sign_up(database: &Database, name: &str) -> lback::Result<User> {
    ///     let email = format!("{name}@example.com");
    ///     let new = NewUser::new(name, email, "correct horse battery")?;
    ///     database.transaction(|session| UserRepository::new().create(session, new))
    /// }
    ///
    /// let database = Database::builder().for_test().connect(":memory:")?;
    /// lback::sqlite::migrate(&mut database.session()?)?;
    /// sign_up(&database, "ada")?;
    /// assert!(sign_up(&database, "ada").is_err());
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn for_test(mut self) -> Self {
        self.settings.is_for_test = true;
        self.max_size(1).wait(Duration::from_secs(5))
    }

    /// Connects. On SQLite, `:memory:` is a pool of one connection, for each would be a database
    /// of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] if the first connection cannot be made, [`Error::Registry`].
    pub fn connect(self, url: &str) -> Result<Database<C>> {
        // The first connection is made here, so that a wrong URL says why; a pool would only wait.
        let mut first = C::establish(url)
            .map_err(|error| not_connected("the database cannot be reached", url, error))?;
        let manager = Manager::new(url, &self.hooks, &self.settings);
        let ready = manager.make_ready(&mut first);
        ready.map_err(|error| Error::Connection {
            what: "the database cannot be used".into(),
            source: error.into(),
        })?;
        drop(Session::new(first)?);
        let mut pool = self.pool;
        if self.settings.is_for_test || C::is_private(url) {
            pool = pool.max_size(1).idle_timeout(None).max_lifetime(None);
        }
        let pool = pool.build(manager).map_err(|error| Error::Connection {
            what: "the database cannot be reached".into(),
            source: error.into(),
        })?;
        Ok(Database {
            #[cfg(feature = "tokio")]
            gate: gate::Gate::new(pool.max_size(), pool.connection_timeout()),
            pool,
            settings: Arc::new(self.settings),
        })
    }
}
