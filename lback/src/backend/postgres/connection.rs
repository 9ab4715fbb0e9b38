//! What a session needs of a connection to PostgreSQL over libpq.

use std::borrow::Cow;

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, CacheSize, SimpleConnection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{PgConnection, QueryResult};

use super::{Postgres, begin_sql, is_aborted, is_stale_plan, is_stale_type, speak_english};
use crate::error::Result;
use crate::session::{Marking, Sealed, SessionConnection, Standing, TransactionOptions, mark};

impl Postgres for PgConnection {}

impl Sealed for PgConnection {}

impl SessionConnection for PgConnection {
    fn prepare(&mut self) -> QueryResult<()> {
        speak_english(self);
        Ok(())
    }

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        begin_sql(options)
    }

    fn begin_with(&mut self, sql: &str) -> QueryResult<()> {
        AnsiTransactionManager::begin_transaction_sql(self, sql)
    }

    /// Diesel asks libpq after every statement whether a transaction is open
    /// (`PQtransactionStatus`), and keeps the answer as its depth.
    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing {
        if self.is_lost(error) || is_stale_type(error) {
            return Standing::Lost;
        }
        // They are all forgotten, and prepared anew.
        if is_stale_plan(error) {
            self.set_prepared_statement_cache_size(CacheSize::Disabled);
            self.set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
        match error {
            _ if is_inside && !self.is_inside() => Standing::Gone,
            DieselError::DatabaseError(..) => Standing::Aborted,
            _ => Standing::Open,
        }
    }

    fn is_inside(&mut self) -> bool {
        let status = AnsiTransactionManager::transaction_manager_status_mut(self);
        matches!(status.transaction_depth(), Ok(Some(_)))
    }

    fn is_lost(&mut self, error: &DieselError) -> bool {
        use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
        let status = AnsiTransactionManager::transaction_manager_status_mut(self);
        let is_unknown = status.transaction_depth().is_err();
        is_unknown
            || matches!(
                error,
                DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _)
                    | DieselError::BrokenTransactionManager
            )
    }

    fn is_echo(error: &DieselError) -> bool {
        is_aborted(error)
    }

    const REFUSES_WHEN_ABORTED: bool = true;

    const MARKING: Marking = Marking::BetweenWrites;

    /// PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and no error.
    fn probe(&mut self, _was_lent: bool, session: Option<u64>) -> QueryResult<()> {
        match session {
            Some(session) => self.batch_execute(&format!("RELEASE SAVEPOINT {}", mark(session))),
            None => self.batch_execute("SELECT 1"),
        }
    }
}
