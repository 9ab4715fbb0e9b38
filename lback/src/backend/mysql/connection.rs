//! What a session needs of a connection to MySQL.

use std::borrow::Cow;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{MysqlConnection, QueryResult, RunQueryDsl};

use crate::error::{Error, Result};
use crate::session::{
    Guarding, Lock, Marking, Sealed, SessionConnection, Standing, TransactionOptions, mark,
};

impl Sealed for MysqlConnection {}

impl SessionConnection for MysqlConnection {
    /// The texts of errors then are in the language that
    /// [`Error::is_retryable`](crate::Error::is_retryable) knows. A server that does not let us set it
    /// keeps its own.
    ///
    /// And COMMIT ends a transaction without beginning another, which nobody would commit; and a SELECT has all its
    /// rows, whatever the server's default says, or a part of them would be changed (the manual names this number
    /// as no limit).
    fn prepare(&mut self) -> QueryResult<()> {
        let _ = self.batch_execute("SET lc_messages = 'en_US'");
        self.batch_execute(
            "SET completion_type = 'NO_CHAIN', sql_select_limit = 18446744073709551615",
        )
    }

    fn begin_with(&mut self, sql: &str) -> QueryResult<()> {
        AnsiTransactionManager::begin_transaction_sql(self, sql)
    }

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

    /// Neither the protocol as Diesel speaks it nor an error tells whether the transaction is still
    /// open. After a deadlock, and after a lock that was waited for too long where the server is told
    /// so, it is not; and the texts of errors are in the server's language.
    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing {
        match error {
            DieselError::BrokenTransactionManager => Standing::Lost,
            DieselError::DatabaseError(..) if is_inside => {
                if !self.is_inside() {
                    Standing::Gone
                } else if self.is_lost(error) {
                    Standing::Lost
                } else {
                    Standing::Open
                }
            }
            DieselError::DatabaseError(..) if self.is_lost(error) => Standing::Lost,
            _ => Standing::Open,
        }
    }

    /// The isolation level of the next transaction can be set where none is open, and nowhere else:
    /// <https://dev.mysql.com/doc/refman/8.4/en/set-transaction.html>,
    /// <https://mariadb.com/kb/en/set-transaction/>. It is used up at once.
    fn is_inside(&mut self) -> bool {
        if self
            .batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .is_err()
        {
            return true;
        }
        let _ = self.batch_execute("BEGIN; ROLLBACK");
        false
    }

    fn is_lost(&mut self, error: &DieselError) -> bool {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | DieselError::BrokenTransactionManager => true,
            _ => self.batch_execute("DO 0").is_err(),
        }
    }

    const MARKING: Marking = Marking::BeforeLending;

    /// A deadlock that somebody passed over, and DDL, end the transaction without a trace: only a
    /// savepoint that should still be there tells. And what comes after them must not commit by
    /// itself, statement by statement, until that is found out.
    fn guard(&mut self, session: u64, how: Guarding) -> QueryResult<()> {
        let mark = mark(session);
        self.batch_execute(&match how {
            Guarding::None | Guarding::Look => return Ok(()),
            Guarding::Set => format!(
                "SET @lback_autocommit = @@autocommit; SET autocommit = 0; SAVEPOINT {mark}"
            ),
            Guarding::Again => format!("SAVEPOINT {mark}"),
            Guarding::Move => format!("RELEASE SAVEPOINT {mark}; SAVEPOINT {mark}"),
        })
    }

    fn unguard(&mut self) -> QueryResult<()> {
        AutocommitAsBefore.execute(self).map(drop)
    }

    fn probe(&mut self, _was_lent: bool, session: Option<u64>) -> QueryResult<()> {
        match session {
            Some(session) => self.batch_execute(&format!("RELEASE SAVEPOINT {}", mark(session))),
            None => Ok(()),
        }
    }
}

/// As it was found, kept prepared: Diesel's `batch_execute` takes three round trips on MySQL.
#[derive(QueryId)]
struct AutocommitAsBefore;

impl QueryFragment<Mysql> for AutocommitAsBefore {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("SET autocommit = @lback_autocommit");
        Ok(())
    }
}

impl RunQueryDsl<MysqlConnection> for AutocommitAsBefore {}
