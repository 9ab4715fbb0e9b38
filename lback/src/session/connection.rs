//! What a session needs of a Diesel connection.

use std::borrow::Cow;

use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, LoadConnection};
use diesel::result::Error as DieselError;

use super::TransactionOptions;
use crate::error::Result;

mod sealed {
    /// Only the connections of this crate's backend modules.
    pub trait Sealed {}
}

pub(crate) use sealed::Sealed;

/// A native Diesel connection that a [`Session`](crate::Session) can own.
///
/// Implemented for `SqliteConnection`, `PgConnection` and `MysqlConnection`, each behind the
/// feature of its database.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection that lback knows",
    label = "not a connection of lback",
    note = "it may be `SqliteConnection`, `PgConnection` or `MysqlConnection`, each with the feature `sqlite`, `postgres` or `mysql` of lback"
)]
pub trait SessionConnection:
    diesel::Connection<
        TransactionManager = AnsiTransactionManager,
        Backend: Backend<QueryBuilder: Default> + Default + 'static,
    > + LoadConnection
    + Sealed
    + 'static
{
    /// Settings that every connection should have.
    #[doc(hidden)]
    fn prepare(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Whether each connection to this address has a database of its own.
    #[doc(hidden)]
    fn is_private(_url: &str) -> bool {
        false
    }

    /// The statement that begins an outermost transaction.
    #[doc(hidden)]
    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>>;

    /// Run before an outermost read-only transaction begins, where BEGIN cannot say it.
    #[doc(hidden)]
    fn enter_read_only(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Undoes [`enter_read_only`](Self::enter_read_only).
    #[doc(hidden)]
    fn leave_read_only(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// What a failed statement has done to the transaction around it.
    #[doc(hidden)]
    fn damage(error: &DieselError) -> Damage;

    /// As [`damage`](Self::damage), and asks the server where the error alone does not tell.
    #[doc(hidden)]
    fn examine(&mut self, error: &DieselError) -> Damage {
        Self::damage(error)
    }

    /// Whether an error only repeats that an earlier one has aborted the transaction.
    #[doc(hidden)]
    fn is_echo(_error: &DieselError) -> bool {
        false
    }

    /// Whether [`guard`](Self::guard) does anything.
    #[doc(hidden)]
    const GUARDS: bool = false;

    /// Marks the open transaction, before the connection is lent out, so that
    /// [`probe`](Self::probe) can tell whether it is still the same, and so that nothing commits by
    /// itself if it is not.
    #[doc(hidden)]
    fn guard(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Undoes what [`guard`](Self::guard) has set beyond the transaction, once that is over.
    #[doc(hidden)]
    fn unguard(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Fails if the transaction that is open cannot be committed, wherever the database would
    /// answer COMMIT with something else than an error.
    #[doc(hidden)]
    fn probe(&mut self, guarded: bool) -> diesel::QueryResult<()>;
}

/// What a failed statement has done to the transaction around it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Only the statement was undone.
    Statement,
    /// Nothing works any more until a rollback to a savepoint, or of the whole.
    Aborted,
    /// The server has rolled back the whole transaction.
    Ended,
    /// The transaction is not there any more, and whether it was committed or rolled back nobody
    /// knows.
    Vanished,
    /// The connection is gone.
    Lost,
}
