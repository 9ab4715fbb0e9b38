//! Transactions and savepoints on a connection of diesel-async, as Diesel's own manager has them.

use std::panic::resume_unwind;

use diesel::QueryResult;
use diesel::connection::{TransactionManager, TransactionManagerStatus};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager as _};

use super::BlockingPgConnection;
use super::wait::wait;
use crate::care::caught;

/// Diesel's transaction manager for [`BlockingPgConnection`]. What it knows, diesel-async knows: it is kept in the
/// connection itself, where a pool looks whether that is fit for use.
#[derive(Debug)]
pub enum Levels {}

impl Levels {
    /// Begins a transaction by this statement.
    ///
    /// # Errors
    ///
    /// What the database says, and [`AlreadyInTransaction`](diesel::result::Error::AlreadyInTransaction).
    pub fn begin_transaction_sql(conn: &mut BlockingPgConnection, sql: &str) -> QueryResult<()> {
        guarded(conn, |inner| {
            wait(AnsiTransactionManager::begin_transaction_sql(inner, sql))
        })
    }

    fn depth(conn: &mut BlockingPgConnection) -> u32 {
        let status = Self::transaction_manager_status_mut(conn);
        let depth = status.transaction_depth().ok().flatten();
        depth.map_or(0, std::num::NonZero::get)
    }
}

impl TransactionManager<BlockingPgConnection> for Levels {
    type TransactionStateData = AnsiTransactionManager;

    fn begin_transaction(conn: &mut BlockingPgConnection) -> QueryResult<()> {
        guarded(conn, |inner| {
            wait(AnsiTransactionManager::begin_transaction(inner))
        })
    }

    fn rollback_transaction(conn: &mut BlockingPgConnection) -> QueryResult<()> {
        let depth = Self::depth(conn);
        let done = guarded(conn, |inner| {
            wait(AnsiTransactionManager::rollback_transaction(inner))
        });
        conn.level_ended(depth, done.is_ok());
        done
    }

    fn commit_transaction(conn: &mut BlockingPgConnection) -> QueryResult<()> {
        let depth = Self::depth(conn);
        if depth > 1 {
            // diesel-async forgets a savepoint that it cannot release, without a rollback to it, unless
            // the status says so. Over libpq it does, after every failure; here nobody was told.
            doubt(conn, true);
        }
        let done = guarded(conn, |inner| {
            wait(AnsiTransactionManager::commit_transaction(inner))
        });
        if depth > 1 && done.is_ok() {
            doubt(conn, false);
        }
        conn.level_ended(depth, done.is_ok());
        done
    }

    fn transaction_manager_status_mut(
        conn: &mut BlockingPgConnection,
    ) -> &mut TransactionManagerStatus {
        AnsiTransactionManager::transaction_manager_status_mut(conn.inner())
    }

    fn is_broken_transaction_manager(conn: &mut BlockingPgConnection) -> bool {
        AnsiTransactionManager::is_broken_transaction_manager(conn.inner())
    }
}

/// Whether a rollback to a savepoint may fail, because the server refuses what comes before one.
pub(super) fn doubt(conn: &mut BlockingPgConnection, is_in_doubt: bool) {
    Levels::transaction_manager_status_mut(conn)
        .set_requires_rollback_maybe_up_to_top_level(is_in_doubt);
}

/// diesel-async takes a statement that did not come to its end for one whose future was dropped, and gives
/// the connection up. Here that is a panic of the application's instrumentation, which the session sees to:
/// the depth stays as it was.
fn guarded<T>(
    conn: &mut BlockingPgConnection,
    work: impl FnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    let inner = conn.inner();
    match caught(|| work(&mut *inner)) {
        Ok(done) => done,
        Err(panic) => {
            let status = AnsiTransactionManager::transaction_manager_status_mut(inner);
            let status = std::mem::take(status);
            *diesel_async::AsyncConnection::transaction_state(inner) = <_>::default();
            *AnsiTransactionManager::transaction_manager_status_mut(inner) = status;
            resume_unwind(panic)
        }
    }
}
