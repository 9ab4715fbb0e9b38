//! The connection: for Diesel one that blocks, and inside one of diesel-async.

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use diesel::connection::{
    CacheSize, Connection, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection,
    TransactionManager,
};
use diesel::expression::QueryMetadata;
use diesel::migration::{CREATE_MIGRATIONS_TABLE, MigrationConnection};
use diesel::pg::Pg;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncConnectionCore, AsyncPgConnection,
    SimpleAsyncConnection,
};

use super::levels::Levels;
use super::wait::{background, wait};

/// A connection of diesel-async, which it dereferences to, for plain code: Diesel's calls block on it.
///
/// `#[repository(.., connection = BlockingPgConnection)]` names it. An `async` receiver takes what is inside:
/// `conn: &mut AsyncPgConnection`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts, none of which follows from the others"
)]
pub struct BlockingPgConnection {
    inner: Box<dyn DerefMut<Target = AsyncPgConnection> + Send>,
    /// Whether somebody else than the framework may be at work on it.
    is_lent: bool,
    /// Whether the open transaction may have been ended, or aborted, since the server was asked.
    is_suspect: bool,
    /// Whether a transaction may have been begun that nobody knows of.
    may_be_open: bool,
    /// Whether the server was asked, and said that the transaction is in order, and nothing was executed
    /// since.
    is_sure: bool,
}

impl BlockingPgConnection {
    pub(super) fn over(
        connection: impl DerefMut<Target = AsyncPgConnection> + Send + 'static,
    ) -> Self {
        Self {
            inner: Box::new(connection),
            is_lent: true,
            is_suspect: false,
            may_be_open: false,
            is_sure: false,
        }
    }

    pub(super) fn inner(&mut self) -> &mut AsyncPgConnection {
        &mut self.inner
    }

    /// A statement is executed. Only one whose text is not known beforehand can end a transaction, or begin
    /// one.
    fn executes(&mut self, is_of_known_text: bool) {
        self.is_sure = false;
        self.is_suspect |= self.is_lent && !is_of_known_text;
    }

    fn executed<T>(&mut self, done: QueryResult<T>) -> QueryResult<T> {
        self.is_suspect |= self.is_lent && done.is_err();
        done
    }

    /// Executes a statement of the framework's.
    pub(super) fn send(&mut self, sql: &str) -> QueryResult<()> {
        self.is_sure = false;
        wait(self.inner.batch_execute(sql))
    }

    pub(super) fn set_lent(&mut self, is_lent: bool) {
        self.is_lent = is_lent;
    }

    pub(super) fn suspects(&mut self) -> bool {
        std::mem::take(&mut self.is_suspect)
    }

    pub(super) fn note_unknown_transaction(&mut self) {
        self.may_be_open = true;
    }

    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_suspect && !self.may_be_open
    }

    pub(super) fn note_sure(&mut self) {
        self.is_sure = true;
    }

    pub(super) fn is_sure(&self) -> bool {
        self.is_sure
    }

    /// A level of this depth was to end.
    pub(super) fn level_ended(&mut self, depth: u32, is_done: bool) {
        self.is_sure = false;
        if !is_done {
            self.is_suspect = true;
        } else if depth == 1 {
            self.is_suspect = false;
            self.may_be_open = false;
        }
    }
}

impl fmt::Debug for BlockingPgConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPgConnection")
            .finish_non_exhaustive()
    }
}

impl Deref for BlockingPgConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.inner
    }
}

impl DerefMut for BlockingPgConnection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        // What is executed on it, nobody sees.
        self.executes(false);
        &mut self.inner
    }
}

/// A pool must not hand out a connection on which a transaction may be open.
impl Drop for BlockingPgConnection {
    fn drop(&mut self) {
        if !self.is_at_rest() {
            Levels::transaction_manager_status_mut(self).set_in_error();
        }
    }
}

impl SimpleConnection for BlockingPgConnection {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.executes(false);
        let done = wait(self.inner.batch_execute(query));
        self.executed(done)
    }
}

impl ConnectionSealed for BlockingPgConnection {}

impl Connection for BlockingPgConnection {
    type Backend = Pg;
    type TransactionManager = Levels;

    fn establish(database_url: &str) -> ConnectionResult<Self> {
        let runtime =
            background().map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
        let url = database_url.to_owned();
        let connected = runtime.spawn(async move { AsyncPgConnection::establish(&url).await });
        match wait(connected) {
            Ok(connected) => connected
                .map(|connection| Self::over(Box::new(connection)))
                // What it says may hold the URL, and of this kind of error nobody would look for it.
                .map_err(|error| ConnectionError::BadConnection(error.to_string())),
            Err(error) => Err(ConnectionError::BadConnection(error.to_string())),
        }
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Pg> + QueryId,
    {
        self.executes(T::HAS_STATIC_QUERY_ID);
        let done = wait(self.inner().execute_returning_count(source));
        self.executed(done)
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        self.inner().transaction_state()
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.inner().instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.inner().set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.inner().set_prepared_statement_cache_size(size);
    }
}

impl LoadConnection for BlockingPgConnection {
    type Cursor<'conn, 'query> =
        std::vec::IntoIter<QueryResult<<Self as LoadConnection>::Row<'conn, 'query>>>;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<<Self as LoadConnection>::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: QueryMetadata<T::SqlType>,
    {
        self.executes(T::HAS_STATIC_QUERY_ID);
        // All rows at once, as libpq has them: what fails, fails here, and the thread is woken less often.
        let inner: &mut AsyncPgConnection = &mut self.inner;
        let loaded = wait(async move {
            let mut stream = AsyncConnectionCore::load(inner, source).await?;
            let mut rows = Vec::new();
            while let Some(row) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
                rows.push(Ok(row?));
            }
            Ok(rows.into_iter())
        });
        self.executed(loaded)
    }
}

impl diesel::r2d2::R2D2Connection for BlockingPgConnection {
    fn ping(&mut self) -> QueryResult<()> {
        self.send("SELECT 1")
    }

    fn is_broken(&mut self) -> bool {
        PoolableConnection::is_broken(self.inner())
    }
}

impl MigrationConnection for BlockingPgConnection {
    fn setup(&mut self) -> QueryResult<usize> {
        SimpleConnection::batch_execute(self, CREATE_MIGRATIONS_TABLE).map(|()| 0)
    }
}
