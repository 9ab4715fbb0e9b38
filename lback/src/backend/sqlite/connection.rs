//! What a session needs of a connection to SQLite.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{QueryResult, SqliteConnection};

use crate::error::{Error, Result, is_transient};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};

impl Sealed for SqliteConnection {}

impl SessionConnection for SqliteConnection {
    fn prepare(&mut self) -> QueryResult<()> {
        let timeout = BUSY_TIMEOUT.as_millis();
        let settings = format!("PRAGMA busy_timeout = {timeout}; PRAGMA foreign_keys = ON;");
        self.batch_execute(&settings)?;
        use_wal(self)
    }

    fn is_private(url: &str) -> bool {
        url.is_empty() || url.contains(":memory:") || url.contains("mode=memory")
    }

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.deferrable {
            return Err(Error::Unsupported {
                what: "DEFERRABLE on SQLite".into(),
            });
        }
        Ok(Cow::Borrowed(match options.lock {
            _ if options.read_only => "BEGIN DEFERRED",
            Lock::Deferred => "BEGIN DEFERRED",
            Lock::Immediate => "BEGIN IMMEDIATE",
            Lock::Exclusive => "BEGIN EXCLUSIVE",
        }))
    }

    fn enter_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = ON")
    }

    fn leave_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = OFF")
    }

    /// Some errors make SQLite roll the whole transaction back by itself
    /// (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction").
    fn damage(error: &DieselError) -> Damage {
        const ENDED: [&str; 4] = [
            "database or disk is full",
            "disk I/O error",
            "out of memory",
            "interrupted",
        ];
        const VANISHED: [&str; 2] = ["no transaction is active", "no such savepoint"];
        let DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) = error else {
            return Damage::Statement;
        };
        let says = |texts: &[&str]| texts.iter().any(|text| info.message().contains(text));
        if says(&VANISHED) {
            Damage::Vanished
        } else if says(&ENDED) {
            Damage::Ended
        } else {
            Damage::Statement
        }
    }

    /// SQLite answers COMMIT with an error whenever it does not commit.
    fn probe(&mut self, _guarded: bool) -> QueryResult<()> {
        Ok(())
    }
}

/// Whoever switches a new database at the same moment as another is told at once that it is locked,
/// whatever the timeout says: one of two that wait for each other has to give way.
fn use_wal(connection: &mut SqliteConnection) -> QueryResult<()> {
    let start = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Err(DieselError::DatabaseError(_, info)) if info.message().contains("readonly") => {
                return Ok(());
            }
            Err(error) if is_transient(&error) && start.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
