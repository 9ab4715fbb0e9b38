//! The session: a connection with a transaction stack, effects that wait for its end, state and
//! scopes. It knows no signal.

mod chain;
mod connection;
mod drain;
mod effect;
mod ending;
mod failure;
mod health;
mod options;
mod scope;
mod state;
mod transaction;

use std::ops::DerefMut;
use std::sync::Arc;

use diesel::connection::{AnsiTransactionManager, TransactionManager};

use self::chain::Chain;
use self::effect::Effects;
use self::failure::FailureHandler;
use self::health::Health;
use self::scope::Scopes;
use self::state::States;
use crate::error::{Error, Result};
use crate::receiver::{BoxError, Outcome, Phase};
use crate::registry::Registry;

pub(crate) use self::chain::Link;
pub use self::connection::SessionConnection;
pub(crate) use self::connection::{Damage, Sealed};
pub use self::failure::{Failure, FailureCause, Failures};
pub(crate) use self::health::Unreadable;
pub use self::options::{Isolation, Lock, TransactionOptions};
pub use self::scope::{Captured, Event, PendingEffect, Recording, SkipReason, Target};
pub(crate) use self::transaction::within;

/// A Diesel connection with a transaction stack, and all that belongs to one unit of work.
///
/// Each backend module has an alias with its own connection, such as
/// [`lback::sqlite::Session`](crate::sqlite::Session). A session has no lifetime parameter, so a
/// receiver writes plain `&mut Session`, and it is `Send`.
///
/// Diesel calls take [`session.conn()`](Self::conn); transactions are begun by
/// [`session.transaction`](Self::transaction) alone, because only the session knows what waits for
/// their end.
///
/// ```
/// use lback::sqlite::{prelude::*, users::*};
///
/// let mut session = lback::sqlite::connect(":memory:")?;
/// lback::sqlite::migrate(&mut session)?;
/// let count = session.transaction(|session| {
///     let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
///     UserRepository::new().create(session, new)?;
///     lback::Result::Ok(users::table.count().get_result::<i64>(session.conn())?)
/// })?;
/// assert_eq!(count, 1);
/// # lback::Result::Ok(())
/// ```
pub struct Session<C: SessionConnection> {
    connection: Owner<C>,
    pub(crate) chain: Chain,
    /// How many levels of ours are open on the connection.
    depth: u32,
    /// How many levels were open before: 1 in a test transaction, otherwise 0.
    base: u32,
    health: Health,
    read_only: bool,
    /// Whether something happened that could have ended the open transaction unseen.
    suspicious: bool,
    /// At which depth the guard was set, where the database needs one.
    guard: Option<u32>,
    /// Whether a guard was set in the open transaction, at whatever depth.
    is_guarded: bool,
    effects: Effects<C>,
    states: States,
    scopes: Option<Box<Scopes>>,
    on_failure: Option<FailureHandler>,
    failures: Failures,
}

enum Owner<C> {
    Own(C),
    /// A pool's guard.
    Lent(Box<dyn DerefMut<Target = C> + Send>),
}

impl<C: SessionConnection> Session<C> {
    /// Takes over a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Registry`] if the program's receivers contradict each other: they are checked at
    /// the first session of a process. [`Error::AlreadyInTransaction`] if the connection is inside
    /// a transaction.
    pub fn new(connection: C) -> Result<Self> {
        Self::over(Owner::Own(connection))?.outside_of_transactions()
    }

    /// Takes over a pool's guard, such as r2d2's `PooledConnection`; it goes back to its pool when
    /// the session is dropped.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_guard(guard: impl DerefMut<Target = C> + Send + 'static) -> Result<Self> {
        Self::over(Owner::Lent(Box::new(guard)))?.outside_of_transactions()
    }

    /// A session for a test: everything happens inside a transaction that is never committed, so
    /// the database stays as it was.
    ///
    /// The test transaction does not count: [`transaction`](Self::transaction) inside it is
    /// outermost, and effects run at its end. A connection on which a transaction was begun
    /// already is accepted, and that one becomes the test transaction.
    ///
    /// # Errors
    ///
    /// [`Error::Registry`], or what the database says to BEGIN.
    ///
    /// ```
    /// use diesel::Connection as _;
    /// use lback::sqlite::prelude::*;
    ///
    /// let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
    /// let mut session = Session::for_test(connection)?;
    /// lback::sqlite::migrate(&mut session)?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn for_test(connection: C) -> Result<Self> {
        let mut session = Self::over(Owner::Own(connection))?;
        if session.depth_of_connection()? == 0 {
            diesel::Connection::begin_test_transaction(session.raw())?;
        }
        session.base = session.depth_of_connection()?;
        Ok(session)
    }

    fn over(connection: Owner<C>) -> Result<Self> {
        Registry::known()?;
        Ok(Self {
            connection,
            chain: Chain::new(),
            depth: 0,
            base: 0,
            health: Health::Sound,
            read_only: false,
            suspicious: false,
            guard: None,
            is_guarded: false,
            effects: Effects::new(),
            states: States::default(),
            scopes: None,
            on_failure: None,
            failures: Failures::default(),
        })
    }

    fn outside_of_transactions(mut self) -> Result<Self> {
        match self.depth_of_connection()? {
            0 => Ok(self),
            _ => Err(Error::AlreadyInTransaction),
        }
    }

    /// The Diesel connection, for queries of your own.
    ///
    /// Raw transaction statements through it (`COMMIT`, `ROLLBACK`, DDL on MySQL) end the session's
    /// transaction behind its back: they are a mistake, reported where the database lets one see
    /// them. Diesel's own `conn.transaction` is a savepoint inside the session's.
    pub fn conn(&mut self) -> &mut C {
        self.suspicious = true;
        if self.depth > 0 {
            self.lend();
        }
        self.raw()
    }

    /// The connection, for statements of the framework, whose errors it sees itself.
    pub(crate) fn raw(&mut self) -> &mut C {
        match &mut self.connection {
            Owner::Own(connection) => connection,
            Owner::Lent(guard) => guard,
        }
    }

    /// How deep Diesel knows the connection to be inside transactions.
    fn depth_of_connection(&mut self) -> Result<u32> {
        let status = AnsiTransactionManager::transaction_manager_status_mut(self.raw());
        match status.transaction_depth() {
            Ok(depth) => Ok(depth.map_or(0, std::num::NonZero::get)),
            Err(_) => Err(Error::SessionBroken),
        }
    }

    /// Adds a value that receivers can ask for with `#[state]`, and anybody with
    /// [`state`](Self::state). One of the same type hides the one before.
    ///
    /// ```
    /// # struct Mailer;
    /// let session = lback::sqlite::connect(":memory:")?.with_state(Mailer);
    /// assert!(session.state::<Mailer>().is_some());
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.with_shared_state(Arc::new(value))
    }

    /// As [`with_state`](Self::with_state), for a value that others hold too.
    #[must_use]
    pub fn with_shared_state<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.states.put(value);
        self
    }

    /// Adds a value for the length of a closure, such as the user on whose behalf a request acts.
    /// Effects queued inside see it when they run.
    ///
    /// ```
    /// struct Actor(&'static str);
    ///
    /// let mut session = lback::sqlite::connect(":memory:")?;
    /// session.with(Actor("ada"), |session| {
    ///     assert_eq!(session.state::<Actor>().map(|actor| actor.0), Some("ada"));
    /// });
    /// assert!(session.state::<Actor>().is_none());
    /// # lback::Result::Ok(())
    /// ```
    pub fn with<T: Send + Sync + 'static, R>(
        &mut self,
        value: T,
        scope: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let inner = self.states.with(Arc::new(value));
        self.with_states(inner, scope)
    }

    fn with_states<R>(&mut self, states: States, scope: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.states, states);
        self.finally(scope, |session| session.states = outer)
    }

    /// Runs `scope` and then `end`, after a panic too.
    fn finally<R>(&mut self, scope: impl FnOnce(&mut Self) -> R, end: impl FnOnce(&mut Self)) -> R {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scope(&mut *self)));
        end(self);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A value that was put in with [`with_state`](Self::with_state) or [`with`](Self::with).
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.states.get()
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __state<T: Send + Sync + 'static>(&self) -> std::result::Result<Arc<T>, BoxError> {
        self.states.get_arc().ok_or_else(|| {
            let type_name = std::any::type_name::<T>();
            Error::StateMissing {
                receiver: self.chain.running(),
                type_name,
            }
            .into()
        })
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __queue(&mut self, effect: impl FnOnce(&mut Self) -> Outcome + Send + 'static) {
        let receiver = self.chain.running();
        let phase = receiver.map_or(Phase::AfterCommit, |receiver| receiver.phase);
        let effect = self
            .effects
            .effect(phase, receiver, self.states.clone(), Box::new(effect));
        self.effects.push(effect);
    }

    /// How deep receivers may call each other through this session; 16 unless told.
    #[must_use]
    pub fn with_max_depth(mut self, limit: usize) -> Self {
        self.chain.set_limit(limit);
        self
    }

    /// How many generations of effects may follow one write; 16 unless told. An effect of the
    /// last generation is refused every write that would queue another.
    #[must_use]
    pub fn with_max_generations(mut self, limit: u32) -> Self {
        self.effects.max_generations = limit;
        self
    }

    /// Whether a transaction is open on the connection, that of a test included.
    #[cfg(feature = "mysql")]
    pub(crate) fn is_inside_any_transaction(&self) -> bool {
        self.base + self.depth > 0
    }

    /// Whether the only transaction that is open is that of a test: a failing statement, which
    /// would be alone elsewhere, must not abort it.
    pub(crate) fn is_bare_test(&self) -> bool {
        self.base > 0 && self.depth == 0
    }

    /// Whether a transaction is open here (that of [`for_test`](Self::for_test) does not count).
    pub fn in_transaction(&self) -> bool {
        self.depth > 0
    }
}

/// What the sessions of a pool have in common.
#[cfg(feature = "r2d2")]
#[derive(Default)]
pub(crate) struct Settings {
    states: States,
    on_failure: Option<FailureHandler>,
    own_registry: Option<&'static Registry>,
}

#[cfg(feature = "r2d2")]
impl Settings {
    pub(crate) fn add_state<T: Send + Sync + 'static>(&mut self, value: T) {
        self.states.put(Arc::new(value));
    }

    pub(crate) fn on_failure(&mut self, handler: impl Fn(&Failure) + Send + Sync + 'static) {
        self.on_failure = Some(Arc::new(handler));
    }

    pub(crate) fn set_own_registry(&mut self, registry: &'static Registry) {
        self.own_registry = Some(registry);
    }
}

#[cfg(feature = "r2d2")]
impl<C: SessionConnection> Session<C> {
    pub(crate) fn with_settings(mut self, settings: &Settings) -> Self {
        self.states = settings.states.clone();
        self.on_failure.clone_from(&settings.on_failure);
        if let Some(registry) = settings.own_registry {
            self.set_own_registry(registry);
        }
        self
    }
}

/// The type of a signal's field `session`.
#[diagnostic::on_unimplemented(
    message = "the field `session` of a signal must be `&'a mut Session`, not of `{Self}`",
    label = "not a session",
    note = "use the alias of a backend module, such as `lback::sqlite::Session`"
)]
pub trait SessionType {
    /// The Diesel connection.
    type Connection: SessionConnection;
}

impl<C: SessionConnection> SessionType for Session<C> {
    type Connection = C;
}
