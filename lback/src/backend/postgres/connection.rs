//! What a session needs of a connection to PostgreSQL.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{PgConnection, QueryResult};

use crate::error::{Error, Result};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};

impl Sealed for PgConnection {}

impl SessionConnection for PgConnection {
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

    fn damage(error: &DieselError) -> Damage {
        match error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Damage::Lost,
            DieselError::DatabaseError(..) => Damage::Aborted,
            _ => Damage::Statement,
        }
    }

    /// Only the text says so; where the server speaks another language, the error stays what it is.
    fn is_echo(error: &DieselError) -> bool {
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message().starts_with("current transaction is aborted"))
    }

    /// PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and no error.
    fn probe(&mut self, _guarded: bool) -> QueryResult<()> {
        self.batch_execute("SELECT 1")
    }
}
