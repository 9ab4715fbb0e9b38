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
                    .map_err(|error| self.check_failed(error))
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
                self.break_off();
                self.end_outermost();
                return Error::CommitUnknown { source: error };
            }
            Damage::Vanished => {
                // Nobody can tell whether a raw COMMIT or a raw ROLLBACK ended it.
                self.check_failed(error)
            }
            Damage::Statement | Damage::Aborted | Damage::Ended => {
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
                if alone {
                    if matches!(self.health, Health::Broken) && self.base == 0 {
                        self.effects.outermost_unknown();
                    } else {
                        self.effects.outermost_rolled_back();
                    }
                    self.run_effects();
                } else {
                    self.effects.undo_to(mark);
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
        let was_guarded = std::mem::take(&mut self.is_guarded);
        let was_read_only = std::mem::take(&mut self.read_only);
        if matches!(self.health, Health::Broken) {
            return;
        }
        self.health = Health::Sound;
        // It would commit a test transaction.
        if was_guarded && self.base == 0 && self.raw().unguard().is_err() {
            self.break_off();
        }
        if was_read_only && self.raw().leave_read_only().is_err() {
            self.break_off();
        }
    }
}
