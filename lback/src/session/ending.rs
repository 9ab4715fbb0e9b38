//! How levels end, and what that does to effects.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;

use super::effect::Mark;
use super::health::Health;
use super::transaction::{Kind, Level};
use super::{Damage, Session, SessionConnection};
use crate::error::{Error, Result, classify};

impl<C: SessionConnection> Session<C> {
    /// Ends a level that worked.
    pub(super) fn commit(&mut self, level: Level) -> Result<()> {
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
    pub(super) fn roll_back(&mut self, level: Level) {
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
}
