//! Transactions and savepoints: who begins, who ends, and what that does to effects.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;

use super::effect::Mark;
use super::{Damage, Link, Session, SessionConnection, TransactionOptions};
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

/// An open level, to be closed by [`within`].
pub(crate) struct Level {
    kind: Kind,
    mark: Mark,
    link: Link,
    read_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// BEGIN and COMMIT.
    Outermost,
    /// SAVEPOINT and RELEASE.
    Savepoint,
    /// Nothing: its one statement is atomic by itself, inside a transaction or outside.
    Statement { alone: bool },
}

impl<C: SessionConnection> Session<C> {
    /// Runs a closure in a transaction: all of it is stored, or nothing.
    ///
    /// The outermost call is a transaction (`BEGIN IMMEDIATE` on SQLite), one inside it a
    /// savepoint. `Ok` commits; `Err` rolls back exactly this level; a panic rolls back and goes
    /// on. After-commit effects run before the outermost call returns.
    ///
    /// # Errors
    ///
    /// What the closure returned, or, as the closure's error type: what the database said to
    /// BEGIN or COMMIT, [`Error::TransactionAborted`] if the transaction was ended inside,
    /// [`Error::CommitUnknown`] if the answer to COMMIT was lost.
    ///
    /// ```
    /// use lback::sqlite::prelude::*;
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let users = UserRepository::new();
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// let verified = UserChanges { is_email_verified: Some(true), ..Default::default() };
    /// session.transaction(|session| {
    ///     let ada = users.create(session, new)?;
    ///     users.update(session, &ada, verified)
    /// })?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn transaction<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.transaction_with(&TransactionOptions::new(), work)
    }

    /// As [`transaction`](Self::transaction), with an isolation level and other choices. They
    /// belong to the outermost level; inside a transaction only the defaults are accepted.
    ///
    /// # Errors
    ///
    /// Also [`Error::Unsupported`], if the database does not have what `options` ask for.
    pub fn transaction_with<T, E: From<Error>>(
        &mut self,
        options: &TransactionOptions,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.depth > 0 && *options != TransactionOptions::new() {
            let what = "options for a transaction inside a transaction: give them to the outermost";
            return Err(Error::Unsupported { what: what.into() }.into());
        }
        let level = self.begin(options)?;
        within(self, |session| session, level, work)
    }

    /// A transaction that only reads: it takes no write lock, and sees one state of the data
    /// where the isolation level gives one.
    ///
    /// Writes of repositories are refused with [`Error::ReadOnly`], other writes by the database,
    /// unless it stands inside a transaction that may write.
    ///
    /// # Errors
    ///
    /// As [`transaction`](Self::transaction).
    pub fn read<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let level = self.begin(&TransactionOptions::new().read_only())?;
        self.read_only = true;
        within(self, |session| session, level, work)
    }

    /// Opens a level for one operation: one that can be undone as a whole, or none where its one
    /// statement is atomic by itself.
    pub(crate) fn begin_operation(&mut self, can_be_undone: bool) -> Result<Level> {
        if can_be_undone {
            return self.begin(&TransactionOptions::new());
        }
        Ok(self.level(Kind::Statement {
            alone: self.depth == 0,
        }))
    }

    fn level(&self, kind: Kind) -> Level {
        Level {
            kind,
            mark: self.effects.mark(),
            link: self.chain.link(),
            read_only: self.read_only,
        }
    }

    pub(crate) fn begin(&mut self, options: &TransactionOptions) -> Result<Level> {
        self.check_usable()?;
        let outermost = self.depth == 0;
        let level = self.level(if outermost {
            Kind::Outermost
        } else {
            Kind::Savepoint
        });
        let begun = if outermost && self.base == 0 {
            let sql = C::begin_sql(options)?;
            if options.read_only {
                self.raw().enter_read_only().map_err(classify)?;
            }
            let begun = AnsiTransactionManager::begin_transaction_sql(self.raw(), &sql);
            if begun.is_err() && options.read_only {
                self.raw().leave_read_only().map_err(classify)?;
            }
            begun
        } else {
            AnsiTransactionManager::begin_transaction(self.raw())
        };
        if let Err(error) = begun {
            return Err(self.statement_failed(error));
        }
        self.depth += 1;
        if outermost {
            self.suspicious = false;
            self.read_only = options.read_only;
        }
        Ok(level)
    }

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
        statement(self.raw()).map_err(|error| self.statement_failed(error))
    }

    /// Runs a statement that writes and then reads what it wrote.
    pub(crate) fn write<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        statement(self.raw()).map_err(|error| {
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
    fn statement_failed(&mut self, error: DieselError) -> Error {
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

    /// Ends a level that worked.
    fn commit(&mut self, level: &Level) -> Result<()> {
        let mark = level.mark;
        self.chain.restore(level.link);
        match level.kind {
            Kind::Statement { alone: false } => Ok(()),
            Kind::Statement { alone: true } => {
                self.effects.outermost_committed();
                self.run_effects();
                Ok(())
            }
            Kind::Savepoint => {
                self.read_only = level.read_only;
                self.release(mark)
            }
            Kind::Outermost => {
                let committed = self.commit_outermost(mark);
                self.run_effects();
                committed
            }
        }
    }

    fn release(&mut self, mark: Mark) -> Result<()> {
        let released = self
            .check_usable()
            .and_then(|()| self.check_depth())
            .and_then(|()| {
                AnsiTransactionManager::commit_transaction(self.raw())
                    .map_err(|error| self.statement_failed(error))
            });
        match released {
            Ok(()) => {
                self.depth -= 1;
                self.forget_guard();
            }
            Err(_) => self.undo_savepoint(mark),
        }
        released
    }

    fn commit_outermost(&mut self, mark: Mark) -> Result<()> {
        let sure = self
            .check_usable()
            .and_then(|()| self.check_depth())
            .and_then(|()| {
                if self.suspicious || self.effects.is_waiting() {
                    self.probe()
                } else {
                    Ok(())
                }
            });
        if let Err(error) = sure {
            self.undo_outermost(mark);
            return Err(error);
        }
        match AnsiTransactionManager::commit_transaction(self.raw()) {
            Ok(()) => {
                self.effects.outermost_committed();
                self.end_outermost();
                Ok(())
            }
            Err(error) => Err(self.commit_failed(error)),
        }
    }

    fn probe(&mut self) -> Result<()> {
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
    fn forget_guard(&mut self) {
        if self.guard.is_some_and(|depth| depth > self.depth) {
            self.guard = None;
        }
    }

    #[cold]
    fn commit_failed(&mut self, error: DieselError) -> Error {
        let error = match error {
            DieselError::RollbackErrorOnCommit { commit_error, .. } => *commit_error,
            error => error,
        };
        let error = match C::damage(&error) {
            Damage::Lost => {
                self.effects.outermost_unknown();
                self.end_outermost();
                self.break_off();
                return Error::CommitUnknown { source: error };
            }
            Damage::Ended => {
                // Nobody can tell whether a raw COMMIT or a raw ROLLBACK ended it.
                self.effects.outermost_unknown();
                self.forget_transaction();
                Error::TransactionAborted {
                    reason: "a raw statement, or the database itself, ended it before its COMMIT; \
                             what was written before that may be stored"
                        .into(),
                }
            }
            Damage::Statement | Damage::Aborted => {
                self.effects.outermost_rolled_back();
                classify(error)
            }
        };
        self.unwind_to(self.base);
        self.end_outermost();
        error
    }

    /// Ends a level that failed.
    fn roll_back(&mut self, level: &Level) {
        let mark = level.mark;
        self.chain.restore(level.link);
        match level.kind {
            Kind::Statement { alone } => {
                self.effects.undo_to(mark);
                if alone {
                    self.effects.outermost_rolled_back();
                    self.run_effects();
                }
            }
            Kind::Savepoint => {
                self.read_only = level.read_only;
                self.undo_savepoint(mark);
            }
            Kind::Outermost => {
                self.undo_outermost(mark);
                self.run_effects();
            }
        }
    }

    fn undo_savepoint(&mut self, mark: Mark) {
        self.effects.undo_to(mark);
        self.depth -= 1;
        let healed = self.unwind_to(self.base + self.depth);
        self.forget_guard();
        if healed && matches!(self.health, Health::Aborted(_)) {
            self.health = Health::Sound;
        }
    }

    fn undo_outermost(&mut self, mark: Mark) {
        self.effects.undo_to(mark);
        self.effects.outermost_rolled_back();
        self.unwind_to(self.base);
        self.end_outermost();
    }

    /// Rolls back until Diesel's depth is `target`; says whether the last step worked.
    fn unwind_to(&mut self, target: u32) -> bool {
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
    fn forget_transaction(&mut self) {
        // Fails where nothing is open, which is what is wanted.
        let _ = self.raw().batch_execute("ROLLBACK");
        *AnsiTransactionManager::transaction_manager_status_mut(self.raw()) = Default::default();
    }

    /// Gives the connection up; a pool will not take it back.
    fn break_off(&mut self) {
        self.health = Health::Broken;
        AnsiTransactionManager::transaction_manager_status_mut(self.raw()).set_in_error();
    }

    fn end_outermost(&mut self) {
        self.depth = 0;
        self.suspicious = false;
        self.guard = None;
        if !matches!(self.health, Health::Broken) {
            self.health = Health::Sound;
        }
        if std::mem::take(&mut self.read_only) && self.raw().leave_read_only().is_err() {
            self.break_off();
        }
    }

    /// Fails if somebody began or ended a transaction through Diesel's transaction manager.
    fn check_depth(&mut self) -> Result<()> {
        if self.depth_of_connection()? == self.base + self.depth {
            return Ok(());
        }
        Err(Error::TransactionAborted {
            reason: "a transaction was begun or ended inside it through the connection, and not \
                     by the session"
                .into(),
        })
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

/// Runs `work` on something that holds a session, and closes `level`: the one place where levels
/// end.
pub(crate) fn within<A, C, T, E>(
    holder: &mut A,
    session: impl for<'s> Fn(&'s mut A) -> &'s mut Session<C>,
    level: Level,
    work: impl FnOnce(&mut A) -> std::result::Result<T, E>,
) -> std::result::Result<T, E>
where
    C: SessionConnection,
    E: From<Error>,
{
    match catch_unwind(AssertUnwindSafe(|| work(&mut *holder))) {
        Ok(Ok(value)) => session(holder)
            .commit(&level)
            .map(|()| value)
            .map_err(E::from),
        Ok(Err(error)) => {
            session(holder).roll_back(&level);
            Err(error)
        }
        Err(panic) => {
            session(holder).roll_back(&level);
            resume_unwind(panic)
        }
    }
}
