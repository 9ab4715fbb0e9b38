//! What a session needs of a connection to SQLite.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Integer, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection};

use super::partial;
use crate::error::{Error, Result, is_transient};
use crate::session::{
    Guarding, Lock, Marking, Sealed, SessionConnection, Standing, TransactionOptions, mark,
};

impl Sealed for SqliteConnection {}

#[derive(QueryableByName)]
struct Mode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

#[derive(QueryableByName)]
struct Refusal {
    #[diesel(sql_type = Integer)]
    query_only: i32,
}

impl SessionConnection for SqliteConnection {
    fn prepare(&mut self) -> QueryResult<()> {
        let timeout = BUSY_TIMEOUT.as_millis();
        let settings = format!("PRAGMA busy_timeout = {timeout}; PRAGMA foreign_keys = ON;");
        self.batch_execute(&settings)?;
        use_wal(self)
    }

    fn reset(&mut self) -> QueryResult<()> {
        // It fails where nothing is open, which is what is wanted.
        let _ = self.batch_execute("ROLLBACK");
        Ok(())
    }

    fn is_private(url: &str) -> bool {
        url.is_empty() || url.contains(":memory:") || url.contains("mode=memory")
    }

    fn begin_with(&mut self, sql: &str) -> QueryResult<()> {
        AnsiTransactionManager::begin_transaction_sql(self, sql)
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

    fn keeps_journal(&mut self) -> QueryResult<bool> {
        let mode: Vec<Mode> = diesel::sql_query("PRAGMA journal_mode").load(self)?;
        Ok(!mode
            .iter()
            .any(|it| it.journal_mode.eq_ignore_ascii_case("off")))
    }

    fn refuses_writes(&mut self) -> QueryResult<bool> {
        let set: Vec<Refusal> = diesel::sql_query("PRAGMA query_only").load(self)?;
        Ok(set.iter().any(|it| it.query_only != 0))
    }

    fn enter_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = ON")
    }

    fn leave_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = OFF")
    }

    fn is_begun_already(error: &DieselError) -> bool {
        // At BEGIN no trigger runs, so these words are SQLite's own.
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message() == "cannot start a transaction within a transaction")
    }

    /// SQLite can roll back the whole transaction for a statement that fails: at errors of the disk, by
    /// `ON CONFLICT ROLLBACK` and by `RAISE(ROLLBACK)`
    /// (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction").
    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing {
        match error {
            DieselError::BrokenTransactionManager => Standing::Lost,
            DieselError::DatabaseError(..) | DieselError::NotInTransaction if is_inside => {
                if !self.is_inside() {
                    Standing::Gone
                } else if partial::may_stand(self) {
                    Standing::Partial
                } else {
                    Standing::Open
                }
            }
            _ => Standing::Open,
        }
    }

    /// BEGIN fails inside a transaction, and a call of `batch_execute` that fails outside of one makes
    /// Diesel ask SQLite (`sqlite3_get_autocommit`) and set its depth to nothing.
    fn is_inside(&mut self) -> bool {
        if self.batch_execute("BEGIN").is_ok() {
            let _ = self.batch_execute("ROLLBACK");
            return false;
        }
        let status = AnsiTransactionManager::transaction_manager_status_mut(self);
        matches!(status.transaction_depth(), Ok(Some(_)))
    }

    fn is_lost(&mut self, _error: &DieselError) -> bool {
        false
    }

    /// An error of the disk at COMMIT: what was written before it may be all there was to write. A log
    /// that could not be synced is read again after a crash, and a journal whose deletion was reported
    /// as failed may be gone. At COMMIT no trigger runs, so these words are SQLite's own.
    fn is_undecided(error: &DieselError) -> bool {
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message() == "disk I/O error")
    }

    /// A statement that writes and was never ended, such as the iterator of an `INSERT .. RETURNING` that was
    /// forgotten, is in the way of every COMMIT, also of one that has nothing to store.
    fn can_commit(&mut self) -> bool {
        self.batch_execute("BEGIN DEFERRED; COMMIT").is_ok()
    }

    const MARKING: Marking = Marking::BetweenAllWrites;

    /// Outside of a transaction SQLite takes a savepoint for the beginning of one, and its release for
    /// the commit (<https://sqlite.org/lang_savepoint.html>): so it is asked first.
    fn guard(&mut self, session: u64, how: Guarding) -> QueryResult<()> {
        let mark = mark(session);
        match how {
            Guarding::Move => {
                self.batch_execute(&format!("RELEASE SAVEPOINT {mark}; SAVEPOINT {mark}"))
            }
            Guarding::Set | Guarding::Again | Guarding::Look if !self.is_inside() => {
                Err(DieselError::NotInTransaction)
            }
            Guarding::None | Guarding::Look => Ok(()),
            Guarding::Set | Guarding::Again => self.batch_execute(&format!("SAVEPOINT {mark}")),
        }
    }

    /// SQLite answers COMMIT with an error whenever it does not commit, so it need only be the right
    /// transaction.
    fn probe(&mut self, was_lent: bool, session: Option<u64>) -> QueryResult<()> {
        match session {
            Some(session) => self.batch_execute(&format!("RELEASE SAVEPOINT {}", mark(session))),
            None if was_lent && !self.is_inside() => Err(DieselError::NotInTransaction),
            None => Ok(()),
        }
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
