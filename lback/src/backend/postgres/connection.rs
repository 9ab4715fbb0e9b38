//! What a session needs of a connection to PostgreSQL.

use std::borrow::Cow;

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, CacheSize, SimpleConnection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{PgConnection, QueryResult};

use crate::error::{Error, Result};
use crate::session::{
    Lock, Marking, Sealed, SessionConnection, Standing, TransactionOptions, mark,
};

impl Sealed for PgConnection {}

impl SessionConnection for PgConnection {
    /// The texts of errors then are in the language that
    /// [`Error::is_retryable`](crate::Error::is_retryable) knows. Only some roles may set it; for
    /// others the server keeps its own.
    fn prepare(&mut self) -> QueryResult<()> {
        let _ = self.batch_execute("SET lc_messages = 'C'");
        Ok(())
    }

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.lock != Lock::default() {
            let what = "SQLite's kinds of BEGIN on PostgreSQL";
            return Err(Error::Unsupported { what: what.into() });
        }
        if *options == TransactionOptions::new() {
            return Ok(Cow::Borrowed("BEGIN"));
        }
        let mut sql = String::from("BEGIN");
        if let Some(level) = options.isolation {
            sql.push_str(" ISOLATION LEVEL ");
            sql.push_str(level.sql());
        }
        if options.read_only {
            sql.push_str(" READ ONLY");
        }
        if options.deferrable {
            sql.push_str(" DEFERRABLE");
        }
        Ok(Cow::Owned(sql))
    }

    /// Diesel asks libpq after every statement whether a transaction is open
    /// (`PQtransactionStatus`), and keeps the answer as its depth.
    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing {
        if self.is_lost(error) {
            return Standing::Lost;
        }
        // A prepared statement whose table was changed since fails for ever: they are all forgotten,
        // and prepared anew.
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

    /// Only the text says so; where the server speaks another language, the error stays what it is.
    fn is_echo(error: &DieselError) -> bool {
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message()
                == "current transaction is aborted, commands ignored until end of transaction block")
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

fn is_stale_plan(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message() == "cached plan must not change result type")
}
