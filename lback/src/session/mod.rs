//! The session: a connection with a transaction stack, effects that wait for its end, state and
//! scopes. It knows no signal.

#[cfg(feature = "tokio")]
mod away;
mod borrowed;
mod change;
mod close;
mod connection;
mod delivery;
mod facts;
mod failure;
mod given_back;
#[cfg(feature = "tokio")]
mod lane;
mod ledger;
mod not_diesels;
mod options;
mod outbox;
mod prepared;
mod recording;
mod run;
mod scope;
#[cfg(feature = "r2d2")]
mod settings;
mod state;
mod statement;
mod store;
mod transaction;
mod waiting;
mod wake;

use std::fmt;
use std::ops::DerefMut;

use diesel::connection::TransactionManager;

use self::change::Note;
use self::failure::FailureHandler;
use self::ledger::Ledger;
use self::prepared::Prepared;
use self::run::Work;
use self::scope::Scopes;
use crate::care::{caught, drop_quietly};
use crate::error::{Error, Result};
use crate::receiver::{Outcome, Phase};
use crate::registry::Registry;

pub(crate) use self::change::{Entry, Whom, Written};
pub use self::connection::SessionConnection;
pub(crate) use self::connection::{Guarding, Marking, Sealed, Standing, mark};
#[cfg(feature = "r2d2")]
pub(crate) use self::facts::Facts;
#[cfg(feature = "tokio")]
pub(crate) use self::failure::LateFailures;
pub use self::failure::{Failure, FailureCause, Failures};
#[cfg(feature = "tokio")]
pub(crate) use self::lane::{
    Lane, Origin, has_no_other_thread, may_stand_still, must_not_wait, stands_still,
};
pub(crate) use self::ledger::{Link, Open, Parcel};
pub use self::options::{Isolation, Lock, TransactionOptions};
#[allow(unused_imports)] // unused without any database
pub(crate) use self::outbox::{
    ALL_KEYS, Bind, Claim, Claimed, ClaimedColumns, ClaimedRow, DepthRow, Insert, InsertText,
    LetterRow, OutboxTable, Spelling, Sql, all_stored, by_size, chunks, first_of_key, instant,
    promotion, repeated, statements_of_the_outbox,
};
pub use self::recording::{Captured, Event, PendingEffect, Recording, SkipReason, Target};
#[cfg(feature = "r2d2")]
pub(crate) use self::settings::Settings;
pub(crate) use self::statement::Unreadable;
pub(crate) use self::transaction::within;
pub use self::waiting::{Waiter, Waits};
#[cfg(feature = "r2d2")]
#[allow(unused_imports)] // unused without PostgreSQL
pub(crate) use self::wake::PAUSE as WAKE_PAUSE;
pub(crate) use self::wake::WAKE;

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
    /// All that is known of the transaction, and what waits for its end.
    pub(crate) ledger: Ledger<Work<C>, Note<C>>,
    scopes: Option<Box<Scopes>>,
    on_failure: Option<FailureHandler>,
    failures: Failures,
    /// Whether standard error was told of a failure.
    has_told: bool,
    facts: facts::Facts,
    /// Whether the connection refuses writes for the sake of the open transaction.
    must_leave_read_only: bool,
    prepared: Prepared,
    /// Where `async` effects run; `None` until it is known.
    #[cfg(feature = "tokio")]
    lane: Option<std::sync::Arc<lane::Lane>>,
    /// Where their failures are kept, if the pool takes them.
    #[cfg(feature = "tokio")]
    late_failures: Option<std::sync::Arc<LateFailures>>,
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
    /// a transaction; a test has [`for_test`](Self::for_test). [`Error::Unsupported`] if the database
    /// is a SQLite that keeps no journal, and so could undo nothing.
    pub fn new(connection: C) -> Result<Self> {
        Self::over(Owner::Own(connection))?.outside_of_transactions()
    }

    /// Takes over a pool's guard, such as r2d2's `PooledConnection`; it goes back to its pool when
    /// the session is dropped. A connection that is only lent, as `&mut C`, is for
    /// [`borrowing`](Self::borrowing).
    ///
    /// In a test, a transaction that Diesel's `begin_test_transaction` began does not count, as in
    /// [`for_test`](Self::for_test): so r2d2's `TestCustomizer` stays.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_guard(guard: impl DerefMut<Target = C> + Send + 'static) -> Result<Self> {
        let mut session = Self::from_own_pool(guard)?;
        require_journal(session.raw())?;
        Ok(session)
    }

    /// On a connection of our own pool, which has looked at the database when it was made.
    pub(crate) fn from_own_pool(guard: impl DerefMut<Target = C> + Send + 'static) -> Result<Self> {
        Registry::known()?;
        let mut session = Self::of(Owner::Lent(Box::new(guard)));
        session.raw().observe();
        let base = base_of(session.raw())?;
        session.ledger.set_base(base);
        Ok(session)
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
        let depth = session.depth_of_connection()?;
        session.ledger.set_base(depth);
        Ok(session)
    }

    /// A session on a pool's connection that is inside a test transaction.
    #[cfg(feature = "r2d2")]
    pub(crate) fn in_test_transaction(
        guard: impl DerefMut<Target = C> + Send + 'static,
    ) -> Result<Self> {
        let mut session = Self::over(Owner::Lent(Box::new(guard)))?;
        let depth = session.depth_of_connection()?;
        session.ledger.set_base(depth);
        Ok(session)
    }

    fn over(connection: Owner<C>) -> Result<Self> {
        Registry::known()?;
        let mut session = Self::of(connection);
        require_journal(session.raw())?;
        Ok(session)
    }

    fn of(connection: Owner<C>) -> Self {
        Self {
            connection,
            ledger: Ledger::new(),
            scopes: None,
            on_failure: None,
            failures: Failures::default(),
            has_told: false,
            facts: facts::Facts::default(),
            must_leave_read_only: false,
            prepared: Prepared::default(),
            #[cfg(feature = "tokio")]
            lane: None,
            #[cfg(feature = "tokio")]
            late_failures: None,
        }
    }

    fn outside_of_transactions(mut self) -> Result<Self> {
        match self.depth_of_connection()? {
            0 => Ok(self),
            _ => Err(Error::AlreadyInTransaction),
        }
    }

    /// The connection, without the bookkeeping of [`conn`](Self::conn): for statements of our own,
    /// whose errors pass through `statement_failed`.
    #[inline]
    pub(crate) fn raw(&mut self) -> &mut C {
        match &mut self.connection {
            Owner::Own(connection) => connection,
            Owner::Lent(guard) => guard,
        }
    }

    /// The session has done its work, and its connection goes back to its pool.
    #[cfg(feature = "tokio")]
    pub(crate) fn rest(&mut self) {
        if let Err(panic) = caught(|| self.raw().rest()) {
            self.report_panic(panic);
            self.break_off();
        }
    }

    /// How deep Diesel knows the connection to be inside transactions.
    fn depth_of_connection(&mut self) -> Result<u32> {
        self.raw().observe();
        let status = C::TransactionManager::transaction_manager_status_mut(self.raw());
        match status.transaction_depth() {
            Ok(depth) => Ok(depth.map_or(0, std::num::NonZero::get)),
            Err(_) => Err(Error::SessionBroken),
        }
    }

    /// Runs `scope` and then `end`, after a panic too.
    ///
    /// Where another session stands in this one's place afterwards, `end` is not for that one; and
    /// this one, wherever it is, can never leave the scope: it is told to refuse all that follows.
    fn finally<R>(&mut self, scope: impl FnOnce(&mut Self) -> R, end: impl FnOnce(&mut Self)) -> R {
        let identity = self.ledger.identity();
        let result = caught(|| scope(&mut *self));
        if self.ledger.identity() == identity {
            end(self);
        } else {
            ledger::give_up(identity);
        }
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __queue(&mut self, effect: impl FnOnce(&mut Self) -> Outcome + Send + 'static) {
        let receiver = self.ledger.chain.running();
        let phase = receiver.map_or(Phase::AfterCommit, |receiver| receiver.phase);
        let ledger = &mut self.ledger;
        let states = ledger.states.clone();
        let effect = ledger
            .effects
            .effect(phase, receiver, states, Box::new(effect));
        ledger.effects.push(effect);
    }

    /// How deep receivers may call each other through this session; 16 unless told.
    #[must_use]
    pub fn with_max_depth(mut self, limit: u32) -> Self {
        self.ledger.chain.set_limit(limit);
        self
    }

    /// How many generations of effects may follow one write; 16 unless told. An effect of the
    /// last generation is refused every write that would queue another.
    #[must_use]
    pub fn with_max_generations(mut self, limit: u32) -> Self {
        self.ledger.effects.max_generations = limit;
        self
    }

    /// How many transactions may be open inside each other, the outermost included; 100 unless told.
    /// Past it, a nested one is refused with [`Error::NestedTooDeep`].
    ///
    /// ```
    /// let mut session = lback::sqlite::connect(":memory:")?.with_max_nesting(1);
    /// let refused = session.transaction(|session| session.transaction(|_| lback::Result::Ok(())));
    /// assert!(matches!(refused, Err(lback::Error::NestedTooDeep { limit: 1, .. })));
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_max_nesting(mut self, limit: u32) -> Self {
        self.ledger.set_max_levels(limit);
        self
    }

    /// How many rounds of telling may follow each other before a commit; 16 unless told. What receivers
    /// of changes, and closures of [`before_commit`](Self::before_commit), write is told in a round of
    /// its own. Past the bound, the transaction fails with
    /// [`Error::ChangeLoop`](crate::Error::ChangeLoop).
    #[must_use]
    pub fn with_max_rounds(mut self, limit: u32) -> Self {
        self.ledger.journal.max_rounds = limit;
        self
    }

    /// Of how many rows a transaction may remember the change; 1,000,000 unless told. They are in memory
    /// until it ends: the first and the last state of each row, in each level that is open. Where so many
    /// are remembered, a write is refused with
    /// [`Error::TooManyChanges`](crate::Error::TooManyChanges) before it happens.
    ///
    /// What nobody listens to, or is muted, is not remembered.
    #[must_use]
    pub fn with_max_changes(mut self, limit: usize) -> Self {
        self.ledger.journal.max_notes = limit;
        self
    }

    /// Whether a transaction is open on the connection, that of a test included.
    #[cfg(feature = "mysql")]
    pub(crate) fn is_inside_any_transaction(&self) -> bool {
        self.ledger.depth_of_connection() > 0
    }

    /// Whether a transaction is open here (that of [`for_test`](Self::for_test) does not count).
    #[inline]
    pub fn in_transaction(&self) -> bool {
        self.ledger.is_in_transaction()
    }
}

impl<C: SessionConnection> fmt::Debug for Session<C> {
    /// Without the connection, whose statements and settings are nobody's to read in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("in_transaction", &self.in_transaction())
            .field("is_broken", &self.ledger.is_broken())
            .field("untaken_failures", &self.failures.count)
            .finish_non_exhaustive()
    }
}

impl<C: SessionConnection> Drop for Session<C> {
    fn drop(&mut self) {
        // What is left belongs to the user, and a panic of it would end the program, if this is
        // already one.
        self.leave_nothing_open();
        self.report_what_waits();
        self.ledger.effects.discard_all();
        self.ledger.journal.clear();
        self.discard();
        let states = std::mem::take(&mut self.ledger.states);
        drop_quietly(states);
        self.tell_of_untaken_failures();
        while let Some(failure) = self.failures.latest.pop_front() {
            drop_quietly(failure);
        }
        drop_quietly(self.on_failure.take());
        drop_quietly(self.take_connection());
    }
}

/// Fails if the database would not undo what is rolled back.
fn require_journal<C: SessionConnection>(connection: &mut C) -> Result<()> {
    // One that cannot be asked now says so when it is used.
    if matches!(connection.keeps_journal(), Ok(false)) {
        let what = "a database without a journal (`PRAGMA journal_mode = OFF`): what is rolled back would be \
                    stored";
        return Err(Error::Unsupported { what: what.into() });
    }
    Ok(())
}

/// How many transactions a session finds open and does not count. A test transaction of Diesel's is one, for nobody
/// commits it; any other is refused.
fn base_of<C: SessionConnection>(connection: &mut C) -> Result<u32> {
    let status = C::TransactionManager::transaction_manager_status_mut(connection);
    match status.transaction_depth() {
        Ok(None) => Ok(0),
        Err(_) => Err(Error::SessionBroken),
        Ok(Some(depth)) => {
            let is_of_test = !C::TransactionManager::is_broken_transaction_manager(connection);
            match depth.get() {
                1 if is_of_test => Ok(1),
                _ => Err(Error::AlreadyInTransaction),
            }
        }
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
