//! What the connection can still be trusted with, and how that is found out.

use std::borrow::Cow;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;

use super::{Damage, Session, SessionConnection};
use crate::error::{Error, Result, classify};

/// Whether the session can be used.
pub(super) enum Health {
    Sound,
    /// Nothing works until the innermost savepoint, or else the whole, is rolled back.
    Aborted(&'static str),
    /// The server has rolled back the whole transaction: what follows would commit by itself.
    Ended(&'static str),
    Broken,
}

impl<C: SessionConnection> Session<C> {
    pub(crate) fn check_usable(&self) -> Result<()> {
        match self.health {
            Health::Sound => Ok(()),
            Health::Aborted(reason) | Health::Ended(reason) => Err(Error::TransactionAborted {
                reason: Cow::Borrowed(reason),
            }),
            Health::Broken => Err(Error::SessionBroken),
        }
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
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
        self.execute(statement)
            .map_err(|error| self.statement_failed(error))
    }

    fn execute<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> diesel::QueryResult<T> {
        if self.base > 0 && self.depth == 0 {
            return self.execute_alone_in_test(statement);
        }
        statement(self.raw())
    }

    /// Without the test transaction this statement would be a transaction by itself, so its
    /// failure must not abort that one.
    #[cold]
    fn execute_alone_in_test<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> diesel::QueryResult<T> {
        AnsiTransactionManager::begin_transaction(self.raw())?;
        let value = statement(self.raw()).inspect_err(|_| {
            if AnsiTransactionManager::rollback_transaction(self.raw()).is_err() {
                self.break_off();
            }
        })?;
        AnsiTransactionManager::commit_transaction(self.raw())?;
        Ok(value)
    }

    /// Runs a statement that writes and then reads what it wrote.
    pub(crate) fn write<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.execute(statement).map_err(|error| {
            if self.depth > 0 && matches!(error, DieselError::DeserializationError(_)) {
                self.health = Health::Aborted(
                    "a row was written, but could not be read back: its Rust type does not fit",
                );
            }
            self.statement_failed(error)
        })
    }

    /// Runs a query of the framework's own that writes nothing.
    pub(crate) fn look_up<T>(
        &mut self,
        query: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.check_usable()?;
        self.statement(query)
    }

    #[cold]
    pub(super) fn statement_failed(&mut self, error: DieselError) -> Error {
        let inside = self.depth > 0;
        match C::damage(&error) {
            Damage::Aborted if inside => {
                self.health = Health::Aborted(
                    "a statement in it failed, and this database then refuses all others; put \
                     what may fail into a nested `session.transaction(..)`, which is a savepoint",
                );
            }
            Damage::Ended if inside => {
                self.health = Health::Ended(
                    "the database has rolled it back as a whole; run the outermost transaction \
                     again",
                );
            }
            Damage::Lost => self.break_off(),
            Damage::Statement | Damage::Aborted | Damage::Ended => {}
        }
        self.suspicious = true;
        classify(error)
    }

    pub(super) fn probe(&mut self) -> Result<()> {
        let guarded = self.guard.is_some();
        let Err(error) = self.raw().probe(guarded) else {
            return Ok(());
        };
        match C::damage(&error) {
            Damage::Lost => self.break_off(),
            // Whether DDL committed it, or a deadlock rolled it back, nobody can tell.
            Damage::Ended => self.effects.outermost_unknown(),
            Damage::Statement | Damage::Aborted => {}
        }
        Err(passed_over(&error))
    }

    /// Fails if somebody began or ended a transaction through Diesel's transaction manager.
    pub(super) fn check_depth(&mut self) -> Result<()> {
        if self.depth_of_connection()? == self.base + self.depth {
            return Ok(());
        }
        Err(Error::TransactionAborted {
            reason: "a transaction was begun or ended inside it through the connection, and not \
                     by the session"
                .into(),
        })
    }

    /// Marks the transaction before the connection is lent out, once a level.
    pub(super) fn set_guard(&mut self) {
        if self.depth == 0 || self.guard.is_some() {
            return;
        }
        match self.raw().guard() {
            Ok(()) => self.guard = Some(self.depth),
            Err(error) => {
                self.statement_failed(error);
                if matches!(self.health, Health::Sound) {
                    self.health = Health::Ended("it could not be marked with a savepoint");
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

    /// Rolls back until Diesel's depth is `target`; says whether the last step worked.
    pub(super) fn unwind_to(&mut self, target: u32) -> bool {
        let mut worked = true;
        while let Ok(depth) = self.depth_of_connection() {
            if depth <= target {
                return worked;
            }
            let rolled_back = AnsiTransactionManager::rollback_transaction(self.raw());
            worked = rolled_back.is_ok();
            if rolled_back.is_err_and(|error| C::damage(&error) == Damage::Ended) {
                self.forget_transaction();
            }
            if !worked {
                self.health = Health::Ended(
                    "a savepoint could not be rolled back; run the outermost transaction again",
                );
            }
        }
        self.break_off();
        false
    }

    /// Tells Diesel that the transaction it believes in is over, and makes sure that it is.
    pub(super) fn forget_transaction(&mut self) {
        // Fails where nothing is open, which is what is wanted.
        let _ = self.raw().batch_execute("ROLLBACK");
        *AnsiTransactionManager::transaction_manager_status_mut(self.raw()) = <_>::default();
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
    }
}
