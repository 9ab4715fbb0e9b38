//! What a session needs of a Diesel connection.

use std::borrow::Cow;

use diesel::backend::Backend;
use diesel::connection::LoadConnection;
use diesel::result::Error as DieselError;

use super::TransactionOptions;
use super::outbox::OutboxTable;
use crate::error::Result;

mod sealed {
    /// Only the connections of this crate's backend modules.
    pub trait Sealed {}
}

pub(crate) use super::ledger::{Guarding, Marking, Standing};
pub(crate) use sealed::Sealed;

/// A Diesel connection that a [`Session`](crate::Session) can own.
///
/// Implemented for `SqliteConnection`, `PgConnection` and `MysqlConnection`, each behind the
/// feature of its database, and for that of `lback::diesel_async`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection that lback knows",
    label = "not a connection of lback",
    note = "it may be `SqliteConnection`, `PgConnection` or `MysqlConnection`, each with the feature `sqlite`, `postgres` or `mysql` of lback, or over diesel-async `BlockingPgConnection`, with the feature `diesel-async`"
)]
pub trait SessionConnection:
    diesel::Connection<Backend: Backend<QueryBuilder: Default> + Default + 'static>
    + LoadConnection
    + OutboxTable
    + Sealed
    + 'static
{
    /// Settings that every connection should have.
    #[doc(hidden)]
    fn prepare(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Undoes a transaction that nobody knows of, such as one that was begun by a raw statement; fails
    /// if the connection is lost.
    #[doc(hidden)]
    fn reset(&mut self) -> diesel::QueryResult<()> {
        self.batch_execute("ROLLBACK")
    }

    /// Whether each connection to this address has a database of its own.
    #[doc(hidden)]
    fn is_private(_url: &str) -> bool {
        false
    }

    /// The statement that begins an outermost transaction.
    #[doc(hidden)]
    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>>;

    /// Begins an outermost transaction with this statement.
    #[doc(hidden)]
    fn begin_with(&mut self, sql: &str) -> diesel::QueryResult<()>;

    /// Finds out how deep the connection is inside transactions, where Diesel is not told by the
    /// database; asked before that depth is believed. From here on the connection is the framework's.
    #[doc(hidden)]
    #[inline]
    fn observe(&mut self) {}

    /// The connection is about to be lent out.
    #[doc(hidden)]
    #[inline]
    fn lent(&mut self) {}

    /// The connection is about to go back to its pool: nothing may be open on it then.
    #[doc(hidden)]
    fn rest(&mut self) {}

    /// Blocks until the future is done; it may be called by what is waited for. Only those that
    /// [`Waits`](super::Waits) marks can: others have a method of this name, so that an `async` receiver
    /// of theirs is one error and not two.
    #[doc(hidden)]
    fn wait<F: Future>(_future: F) -> F::Output {
        unreachable!(
            "an `async` receiver in a transaction whose connection blocks does not compile"
        )
    }

    /// Whether the database keeps that by which it can undo what was written.
    #[doc(hidden)]
    fn keeps_journal(&mut self) -> diesel::QueryResult<bool> {
        Ok(true)
    }

    /// Whether nothing need be done that an outermost read-only transaction refuses writes.
    #[doc(hidden)]
    fn refuses_writes(&mut self) -> diesel::QueryResult<bool> {
        Ok(true)
    }

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

    /// Whether this error of BEGIN says that a transaction was open already.
    #[doc(hidden)]
    fn is_begun_already(_error: &DieselError) -> bool {
        false
    }

    /// Asks the database where the connection stands after a statement failed with `error`;
    /// `is_inside` says whether a transaction should be open. What the error says may save a question
    /// where nothing depends on the answer, and decides nothing else.
    #[doc(hidden)]
    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing;

    /// Whether a transaction is open. Nothing may be open afterwards that was not before.
    #[doc(hidden)]
    fn is_inside(&mut self) -> bool;

    /// Whether the connection was lost when COMMIT failed with `error`, so that nobody knows what
    /// became of it.
    #[doc(hidden)]
    fn is_lost(&mut self, error: &DieselError) -> bool;

    /// Whether COMMIT, which failed with `error`, may have stored everything all the same, though the
    /// connection is there.
    #[doc(hidden)]
    fn is_undecided(_error: &DieselError) -> bool {
        false
    }

    /// Asked after a COMMIT that failed, and was rolled back: whether another could succeed. Not if something
    /// is in its way that nobody will end.
    #[doc(hidden)]
    fn can_commit(&mut self) -> bool {
        true
    }

    /// Whether an error only repeats that an earlier one has aborted the transaction.
    #[doc(hidden)]
    fn is_echo(_error: &DieselError) -> bool {
        false
    }

    /// Whether an aborted transaction refuses every statement.
    #[doc(hidden)]
    const REFUSES_WHEN_ABORTED: bool = false;

    /// When a transaction is marked.
    #[doc(hidden)]
    const MARKING: Marking;

    /// Marks the open transaction of the session with this number by a savepoint, so that
    /// [`probe`](Self::probe) can tell whether it is still the same.
    #[doc(hidden)]
    fn guard(&mut self, session: u64, how: Guarding) -> diesel::QueryResult<()> {
        let mark = mark(session);
        self.batch_execute(&match how {
            Guarding::None | Guarding::Look => return Ok(()),
            Guarding::Set | Guarding::Again => format!("SAVEPOINT {mark}"),
            Guarding::Move => format!("RELEASE SAVEPOINT {mark}; SAVEPOINT {mark}"),
        })
    }

    /// Whether the mark is there, in a transaction that will be rolled back.
    #[doc(hidden)]
    fn is_marked(&mut self, session: u64) -> bool {
        let mark = mark(session);
        self.batch_execute(&format!("ROLLBACK TO SAVEPOINT {mark}"))
            .is_ok()
    }

    /// Undoes what [`guard`](Self::guard) has set beyond the transaction, once that is over.
    #[doc(hidden)]
    fn unguard(&mut self) -> diesel::QueryResult<()> {
        Ok(())
    }

    /// Fails if the transaction that is open is not the one that was begun, or cannot be committed,
    /// wherever COMMIT would not fail itself. `mark` is the number of the session, if it has marked
    /// the transaction; `was_lent` says whether anybody else had the connection.
    #[doc(hidden)]
    fn probe(&mut self, was_lent: bool, mark: Option<u64>) -> diesel::QueryResult<()>;
}

/// The savepoint that marks a transaction of the session with this number. The number tells it from
/// that of another session, whose connection may have been put in this one's place.
pub(crate) fn mark(session: u64) -> String {
    format!("lback_guard_{session}")
}
