//! What a session needs of a connection to MySQL.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::Bool;
use diesel::{MysqlConnection, QueryResult, RunQueryDsl};

use crate::error::{Error, Result};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};

impl Sealed for MysqlConnection {}

/// Set when the connection is lent out; gone once a transaction has ended, however it ended.
const GUARD: &str = "lback_guard";

impl SessionConnection for MysqlConnection {
    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.lock != Lock::default() {
            let what = "SQLite's kinds of BEGIN on MySQL";
            return Err(Error::Unsupported { what: what.into() });
        }
        if options.deferrable {
            return Err(Error::Unsupported {
                what: "DEFERRABLE on MySQL".into(),
            });
        }
        let begin = if options.read_only {
            "START TRANSACTION READ ONLY"
        } else {
            "BEGIN"
        };
        Ok(match options.isolation {
            None => Cow::Borrowed(begin),
            Some(level) => {
                format!("SET TRANSACTION ISOLATION LEVEL {}; {begin}", level.sql()).into()
            }
        })
    }

    /// Most errors reach Diesel as texts: those of MySQL 8 and of MariaDB, and of both client
    /// libraries. Only their beginnings count, because further on some quote what a user wrote.
    fn damage(error: &DieselError) -> Damage {
        const LOST: [&str; 14] = [
            "Server has gone away",
            "MySQL server has gone away",
            "Lost connection to",
            "Connection was killed",
            "Can't connect to",
            "The client was disconnected by the server",
            "Server shutdown in progress",
            "Normal shutdown",
            "Malformed",
            "Got packets out of order",
            "Got an error reading communication packets",
            "Got timeout reading communication packets",
            "TLS/SSL error",
            "SSL connection error",
        ];
        const ENDED: [&str; 3] = [DEADLOCK, CHANGED, "The total number of locks exceeds"];
        let (kind, info) = match error {
            DieselError::DatabaseError(kind, info) => (kind, info),
            DieselError::BrokenTransactionManager => return Damage::Lost,
            _ => return Damage::Statement,
        };
        let begins = |texts: &[&str]| texts.iter().any(|text| info.message().starts_with(text));
        match kind {
            // 1213: InnoDB has rolled back the whole transaction.
            DatabaseErrorKind::SerializationFailure => Damage::Ended,
            DatabaseErrorKind::ClosedConnection => Damage::Lost,
            DatabaseErrorKind::Unknown if begins(&LOST) => Damage::Lost,
            DatabaseErrorKind::Unknown if begins(&ENDED) => Damage::Ended,
            DatabaseErrorKind::Unknown if begins(&["SAVEPOINT "]) => Damage::Vanished,
            _ => Damage::Statement,
        }
    }

    /// A lock that was waited for too long undoes its statement, or, where the server is told so,
    /// the whole transaction.
    fn examine(&mut self, error: &DieselError) -> Damage {
        let is_timeout = matches!(error, DieselError::DatabaseError(_, info)
            if info.message().starts_with("Lock wait timeout exceeded"));
        if !is_timeout {
            return Self::damage(error);
        }
        let setting = sql::<Bool>("@@innodb_rollback_on_timeout");
        match diesel::select(setting).get_result(self) {
            Ok(false) => Damage::Statement,
            Err(error) if Self::damage(&error) == Damage::Lost => Damage::Lost,
            Ok(true) | Err(_) => Damage::Ended,
        }
    }

    const GUARDS: bool = true;

    /// A deadlock that somebody passed over, and DDL, end the transaction without a trace: only a
    /// savepoint that should still be there tells. And what comes after them must not commit by
    /// itself, statement by statement, until that is found out.
    fn guard(&mut self) -> QueryResult<()> {
        self.batch_execute(&format!("SET autocommit = 0; SAVEPOINT {GUARD}"))
    }

    fn unguard(&mut self) -> QueryResult<()> {
        AutocommitAgain.execute(self).map(drop)
    }

    fn probe(&mut self, guarded: bool) -> QueryResult<()> {
        if guarded {
            self.batch_execute(&format!("RELEASE SAVEPOINT {GUARD}"))
        } else {
            Ok(())
        }
    }
}

const DEADLOCK: &str = "Deadlock found when trying to get lock";
const CHANGED: &str = "Record has changed since last read";

/// `SET autocommit = 1`, kept prepared: Diesel's `batch_execute` takes three round trips on MySQL.
#[derive(QueryId)]
struct AutocommitAgain;

impl QueryFragment<Mysql> for AutocommitAgain {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("SET autocommit = 1");
        Ok(())
    }
}

impl RunQueryDsl<MysqlConnection> for AutocommitAgain {}
