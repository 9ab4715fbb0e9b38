//! What a session needs of the connection.
//!
//! As over libpq, but that tokio-postgres does not tell after a statement whether a transaction is open, and
//! whether it is aborted. So the server is asked, once something was executed that can have changed it and
//! before anybody believes what Diesel remembers; and that is put in order as libpq would have.

use std::borrow::Cow;

use diesel::QueryResult;
use diesel::connection::{CacheSize, Connection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::PoolableConnection;

use super::connection::BlockingPgConnection;
use super::levels::{Levels, doubt};
use super::wait::wait;
use crate::error::Result;
use crate::postgres::{
    Postgres, begin_sql, is_aborted, is_stale_plan, is_stale_type, speak_english,
};
use crate::session::{
    Guarding, Marking, Sealed, SessionConnection, Standing, TransactionOptions, Waits, mark,
};

impl Postgres for BlockingPgConnection {}

impl Sealed for BlockingPgConnection {}

impl Waits for BlockingPgConnection {}

impl BlockingPgConnection {
    /// A savepoint can be set in a transaction that is not aborted, and nowhere else.
    fn ask(&mut self) -> Standing {
        match self.send("SAVEPOINT lback_question; RELEASE SAVEPOINT lback_question") {
            Ok(()) => return Standing::Open,
            Err(error) if self.is_cut(&error) => return Standing::Lost,
            Err(_) => {}
        }
        // In an aborted transaction every statement fails.
        match self.send("SELECT 1") {
            Ok(()) => Standing::Gone,
            Err(error) if self.is_cut(&error) => Standing::Lost,
            Err(_) => Standing::Aborted,
        }
    }

    /// Whether the connection was lost, as far as the error and the client know.
    fn is_cut(&mut self, error: &DieselError) -> bool {
        use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
        matches!(
            error,
            DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _)
                | DieselError::BrokenTransactionManager
        ) || self.depth().is_none()
            || PoolableConnection::is_broken(self.inner()) && self.depth() == Some(0)
    }

    /// How many levels Diesel knows of; `None` if it has given the connection up.
    fn depth(&mut self) -> Option<u32> {
        let depth = Levels::transaction_manager_status_mut(self).transaction_depth();
        let depth = depth.ok()?;
        Some(depth.map_or(0, std::num::NonZero::get))
    }
}

impl SessionConnection for BlockingPgConnection {
    fn wait<F: Future>(future: F) -> F::Output {
        wait(future)
    }

    fn prepare(&mut self) -> QueryResult<()> {
        speak_english(self);
        self.suspects();
        Ok(())
    }

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        begin_sql(options)
    }

    fn begin_with(&mut self, sql: &str) -> QueryResult<()> {
        Levels::begin_transaction_sql(self, sql)
    }

    fn observe(&mut self) {
        self.set_lent(false);
        if !self.suspects() {
            return;
        }
        match self.depth() {
            None => {}
            // Over libpq Diesel would not know of one either, and BEGIN is harmless in it.
            Some(0) => self.note_unknown_transaction(),
            Some(_) => match self.ask() {
                Standing::Open | Standing::Partial => {
                    doubt(self, false);
                    self.note_sure();
                }
                Standing::Aborted => doubt(self, true),
                Standing::Gone => *Levels::transaction_manager_status_mut(self) = <_>::default(),
                Standing::Lost => Levels::transaction_manager_status_mut(self).set_in_error(),
            },
        }
    }

    fn lent(&mut self) {
        self.set_lent(true);
    }

    fn rest(&mut self) {
        self.set_lent(false);
        if self.suspects() {
            self.note_unknown_transaction();
        }
        // It is only a warning where none is open.
        if !self.is_at_rest() && self.depth() == Some(0) && self.send("ROLLBACK").is_ok() {
            self.level_ended(1, true);
        }
    }

    fn standing(&mut self, error: &DieselError, is_inside: bool) -> Standing {
        if self.is_cut(error) || is_stale_type(error) {
            return Standing::Lost;
        }
        // They are all forgotten, and prepared anew.
        if is_stale_plan(error) {
            self.set_prepared_statement_cache_size(CacheSize::Disabled);
            self.set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
        match error {
            DieselError::DatabaseError(..) if is_inside => {
                let standing = self.ask();
                doubt(self, standing == Standing::Aborted);
                match standing {
                    // Diesel has rolled back to the savepoint that could not be released. What was in
                    // it is gone.
                    Standing::Open => Standing::Aborted,
                    standing => standing,
                }
            }
            // Whether it was lost, the next statement will see.
            DieselError::DatabaseError(..) => Standing::Aborted,
            // It was not the server that failed.
            _ => Standing::Open,
        }
    }

    fn is_inside(&mut self) -> bool {
        matches!(self.ask(), Standing::Open | Standing::Aborted)
    }

    /// A server that shuts down says so in an error like any other, and is gone a moment later.
    fn is_lost(&mut self, error: &DieselError) -> bool {
        self.is_cut(error) || self.send("SELECT 1").is_err()
    }

    fn is_echo(error: &DieselError) -> bool {
        is_aborted(error)
    }

    const REFUSES_WHEN_ABORTED: bool = true;

    const MARKING: Marking = Marking::BetweenWrites;

    fn guard(&mut self, session: u64, how: Guarding) -> QueryResult<()> {
        let mark = mark(session);
        self.send(&match how {
            Guarding::None | Guarding::Look => return Ok(()),
            Guarding::Set | Guarding::Again => format!("SAVEPOINT {mark}"),
            Guarding::Move => format!("RELEASE SAVEPOINT {mark}; SAVEPOINT {mark}"),
        })
    }

    /// PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and no error.
    fn probe(&mut self, _was_lent: bool, session: Option<u64>) -> QueryResult<()> {
        match session {
            Some(session) => self.send(&format!("RELEASE SAVEPOINT {}", mark(session))),
            None if self.is_sure() => Ok(()),
            None => self.send("SELECT 1"),
        }
    }
}
