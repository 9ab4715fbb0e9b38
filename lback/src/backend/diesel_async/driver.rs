//! What Diesel asks of the connection: it blocks until diesel-async has done it.

use std::future::poll_fn;

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

use super::connection::BlockingPgConnection;
use super::levels::Levels;
use super::wait::{background, wait};

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
