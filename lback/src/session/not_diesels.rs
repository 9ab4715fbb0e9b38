//! What the compiler says when a session is given to Diesel where its connection is wanted.
//!
//! Diesel's traits are implemented for sessions here, on the condition of a trait that nothing implements:
//! so a session is still no connection, and what the compiler misses is [`IsConnection`], whose message is
//! ours. That of Diesel's own traits names neither a session nor what to do.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::connection::{
    CacheSize, Connection, Instrumentation, LoadConnection, TransactionManager,
};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult};

use super::{Session, SessionConnection};

/// Implemented by nothing.
// Not public API. In the messages of the compiler.
#[diagnostic::on_unimplemented(
    message = "a session is not itself a connection of Diesel's",
    label = "pass the connection that it holds: `session.conn()`"
)]
pub trait IsConnection:
    Connection<
        Backend = <Self as IsConnection>::Database,
        TransactionManager = <Self as IsConnection>::Manager,
    >
{
    /// The backend.
    type Database: Backend;
    /// What begins and ends transactions.
    type Manager: TransactionManager<Self>;

    /// What a function gives that nobody can call.
    fn nothing<T>(&mut self) -> T;

    /// The same, for what is lent.
    fn no_place<T: ?Sized>(&mut self) -> &mut T;
}

#[doc(hidden)]
impl<C: SessionConnection> Connection for Session<C>
where
    Self: IsConnection,
{
    type Backend = <Self as IsConnection>::Database;
    type TransactionManager = <Self as IsConnection>::Manager;

    fn establish(_: &str) -> ConnectionResult<Self> {
        Err(ConnectionError::BadConnection(String::new()))
    }

    fn execute_returning_count<T>(&mut self, _: &T) -> QueryResult<usize> {
        self.nothing()
    }

    fn transaction_state(
        &mut self,
    ) -> &mut <Self::TransactionManager as TransactionManager<Self>>::TransactionStateData {
        self.no_place()
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.no_place()
    }

    fn set_instrumentation(&mut self, _: impl Instrumentation) {}

    fn set_prepared_statement_cache_size(&mut self, _: CacheSize) {}
}

#[doc(hidden)]
impl<C: SessionConnection + LoadConnection<B>, B> LoadConnection<B> for Session<C>
where
    Self: IsConnection<Database = C::Backend>,
{
    type Cursor<'conn, 'query> = <C as LoadConnection<B>>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <C as LoadConnection<B>>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(&'conn mut self, _: T) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Self::Backend> + QueryId + 'query,
        Self::Backend: QueryMetadata<T::SqlType>,
    {
        self.nothing()
    }
}
