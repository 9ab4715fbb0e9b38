//! What the connection can still be trusted with, and how that is found out.

use std::borrow::Cow;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;

use super::{Damage, Session, SessionConnection};
use crate::error::{Error, Result, classify, is_transient};

/// Whether the session can be used.
pub(super) enum Health {
    Sound,
    /// Nothing works until the innermost savepoint, or else the whole, is rolled back.
    Aborted(Cause),
    /// The transaction is over: what follows would commit by itself.
    Ended(Cause),
    Broken,
}

/// Why the transaction cannot go on.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    reason: &'static str,
    is_retryable: bool,
}

impl Cause {
    fn error(self) -> Error {
        Error::TransactionAborted {
            reason: Cow::Borrowed(self.reason),
            is_retryable: self.is_retryable,
        }
    }
}

const FAILED: &str = "a statement in it failed, and this database then refuses all others; put \
                      what may fail into a nested `session.transaction(..)`, which is a savepoint";
const UNREADABLE: &str = "a row was written, but could not be read back";
const ROLLED_BACK: &str =
    "the database has rolled it back as a whole; run the outermost transaction again";
const VANISHED: &str = "it was ended inside, by a raw statement through the connection, by DDL that \
                        commits, or by a deadlock that was passed over; what was written before \
                        that may be stored";
const STUCK: &str = "a savepoint could not be rolled back; run the outermost transaction again";
const UNMARKED: &str = "it could not be marked with a savepoint";

/// The row that an operation has written could not be read back.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) DieselError);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unreadable {}

impl<C: SessionConnection> Session<C> {
    #[inline]
    pub(crate) fn check_usable(&mut self) -> Result<()> {
        if self.suspicious {
            self.notice_raw_end();
        }
        match self.health {
            Health::Sound => Ok(()),
            Health::Aborted(cause) | Health::Ended(cause) => Err(cause.error()),
            Health::Broken => Err(Error::SessionBroken),
        }
    }

    pub(crate) fn check_writable(&mut self) -> Result<()> {
        self.check_usable()?;
        if self.read_only {
            Err(Error::ReadOnly)
        } else {
            Ok(())
        }
    }

    /// Runs a statement of the framework's own and notes what its failure does to the transaction.
    pub(crate) fn statement<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.check_usable()?;
        statement(self.raw()).map_err(|error| self.statement_failed(error))
    }

    /// Runs a query of the framework's own that writes nothing.
    pub(crate) fn look_up<T>(
        &mut self,
        query: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.statement(query)
    }

    /// Runs a statement that writes, and perhaps another that reads what it wrote.
    pub(crate) fn write<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.check_usable()?;
        statement(self.raw()).map_err(|error| self.write_failed(error))
    }

    #[cold]
    fn write_failed(&mut self, error: DieselError) -> Error {
        let error = match error {
            DieselError::DeserializationError(inner) => {
                if self.depth > 0 {
                    self.health = Health::Aborted(Cause {
                        reason: UNREADABLE,
                        is_retryable: false,
                    });
                }
                match inner.downcast::<Unreadable>() {
                    Ok(unreadable) => unreadable.0,
                    Err(inner) => DieselError::DeserializationError(inner),
                }
            }
            error => error,
        };
        // Outside of transactions the answer to the statement is the answer to its commit.
        if self.base + self.depth == 0 && C::damage(&error) == Damage::Lost {
            self.break_off();
            return Error::CommitUnknown { source: error };
        }
        self.statement_failed(error)
    }

    #[cold]
    pub(super) fn statement_failed(&mut self, error: DieselError) -> Error {
        self.suspicious = true;
        let damage = self.raw().examine(&error);
        self.suffer(damage, is_transient(&error));
        if self.depth > 0 && C::is_echo(&error) {
            passed_over(&error)
        } else {
            classify(error)
        }
    }

    /// Notes what a failure has done to the transaction.
    fn suffer(&mut self, damage: Damage, is_retryable: bool) {
        let cause = |reason| Cause {
            reason,
            is_retryable,
        };
        match damage {
            Damage::Statement => {}
            Damage::Lost => self.break_off(),
            _ if self.depth == 0 || !matches!(self.health, Health::Sound | Health::Aborted(_)) => {}
            Damage::Aborted => {
                if matches!(self.health, Health::Sound) {
                    self.health = Health::Aborted(cause(FAILED));
                }
            }
            Damage::Ended => self.end(cause(ROLLED_BACK)),
            Damage::Vanished => {
                self.effects.outermost_unknown();
                self.end(cause(VANISHED));
            }
        }
    }

    /// The transaction is over, but its closures still run. What they write through the connection
    /// must not commit by itself: it goes into a transaction that will be rolled back.
    fn end(&mut self, cause: Cause) {
        self.health = Health::Ended(cause);
        // Fails where nothing is open, which is what is wanted.
        let _ = self.raw().batch_execute("ROLLBACK");
        *AnsiTransactionManager::transaction_manager_status_mut(self.raw()) = <_>::default();
        if AnsiTransactionManager::begin_transaction(self.raw()).is_err() {
            self.break_off();
        }
    }

    /// Where Diesel sees a raw COMMIT or ROLLBACK, its depth has become less than ours.
    fn notice_raw_end(&mut self) {
        if self.depth == 0 || !matches!(self.health, Health::Sound | Health::Aborted(_)) {
            return;
        }
        match self.depth_of_connection() {
            Ok(depth) if depth < self.base + self.depth => self.suffer(Damage::Vanished, false),
            Ok(_) => {}
            Err(_) => self.break_off(),
        }
    }

    /// Before the connection is lent out inside a transaction.
    pub(super) fn lend(&mut self) {
        self.notice_raw_end();
        if C::GUARDS && self.guard.is_none() && matches!(self.health, Health::Sound) {
            self.set_guard();
        }
    }

    fn set_guard(&mut self) {
        self.is_guarded = true;
        match self.raw().guard() {
            Ok(()) => self.guard = Some(self.depth),
            Err(error) => {
                self.statement_failed(error);
                if matches!(self.health, Health::Sound) {
                    self.health = Health::Aborted(Cause {
                        reason: UNMARKED,
                        is_retryable: false,
                    });
                }
            }
        }
    }

    /// A guard set in a level that has been released, or rolled back to, is gone; that the level
    /// was still there has proved as much.
    pub(super) fn forget_guard(&mut self) {
        if self.guard.is_some_and(|depth| depth > self.depth) {
            self.guard = None;
        }
    }

    pub(super) fn probe(&mut self) -> Result<()> {
        let guarded = self.guard.is_some();
        let probed = self.raw().probe(guarded);
        probed.map_err(|error| self.check_failed(error))
    }

    /// A probe, or the release of a savepoint, has found out that something went wrong before.
    #[cold]
    pub(super) fn check_failed(&mut self, error: DieselError) -> Error {
        let found = passed_over(&error);
        match self.statement_failed(error) {
            error if matches!(self.health, Health::Broken) => error,
            _ => found,
        }
    }

    /// Fails if somebody began a transaction through Diesel's transaction manager and did not end
    /// it.
    pub(super) fn check_depth(&mut self) -> Result<()> {
        if self.depth_of_connection()? == self.base + self.depth {
            return Ok(());
        }
        Err(Error::TransactionAborted {
            reason: "a transaction was begun inside it through the connection, and not ended"
                .into(),
            is_retryable: false,
        })
    }

    /// Rolls back until Diesel's depth is `target`; says whether all of it worked.
    pub(super) fn unwind_to(&mut self, target: u32) -> bool {
        let mut worked = true;
        while let Ok(depth) = self.depth_of_connection() {
            if depth <= target {
                return worked;
            }
            if let Err(error) = self.roll_back_to(depth) {
                worked = false;
                let damage = self.raw().examine(&error);
                self.suffer(damage, is_transient(&error));
                if matches!(self.health, Health::Sound | Health::Aborted(_)) {
                    self.health = Health::Aborted(Cause {
                        reason: STUCK,
                        is_retryable: false,
                    });
                }
            }
        }
        self.break_off();
        false
    }

    /// Rolls back Diesel's innermost level.
    fn roll_back_to(&mut self, depth: u32) -> diesel::QueryResult<()> {
        AnsiTransactionManager::rollback_transaction(self.raw())?;
        // After a deadlock Diesel accepts that there is no savepoint any more. A guard that went
        // with it can no longer tell, so the savepoint itself must, which is still there after a
        // rollback to it.
        if self.guard.is_some_and(|guard| self.base + guard >= depth) && depth > 1 {
            let savepoint = depth - 1;
            let release = format!("RELEASE SAVEPOINT diesel_savepoint_{savepoint}");
            self.raw().batch_execute(&release)?;
        }
        Ok(())
    }

    /// Gives the connection up; a pool will not take it back.
    pub(super) fn break_off(&mut self) {
        self.health = Health::Broken;
        AnsiTransactionManager::transaction_manager_status_mut(self.raw()).set_in_error();
    }
}

#[cold]
fn passed_over(error: &DieselError) -> Error {
    let reason = format!(
        "something in it failed, or ended it, and was passed over, so the database would not have \
         stored what COMMIT stands for ({error}); put what may fail into a nested \
         `session.transaction(..)`"
    );
    Error::TransactionAborted {
        reason: reason.into(),
        is_retryable: false,
    }
}
