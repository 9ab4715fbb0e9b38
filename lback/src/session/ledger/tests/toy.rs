//! A database of a few lines: one connection, savepoints, and all the ways to fail.

use std::collections::BTreeSet;

use crate::session::ledger::{Guarding, Marking, Standing};

/// How a statement goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, and the database does what it always does then.
    Fails,
    /// It fails, and a part of it stands.
    Partly,
    /// It fails, and the database rolls back the whole transaction.
    Ends,
    /// The connection is lost before it was executed.
    Lost,
    /// The connection is lost after it was executed.
    LostAfter,
    /// Diesel's instrumentation panics before it.
    PanicsBefore,
    /// Diesel's instrumentation panics after it.
    PanicsAfter,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Error,
    Panic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Savepoint {
    Level(u32),
    Mark,
    Raw,
}

#[derive(Debug)]
struct Transaction {
    /// Rows, and how many savepoints were set when they were written.
    rows: Vec<(u32, usize)>,
    savepoints: Vec<Savepoint>,
    is_aborted: bool,
}

#[derive(Debug)]
pub(super) struct Toy {
    pub(super) marking: Marking,
    pub(super) stored: BTreeSet<u32>,
    open: Option<Transaction>,
    /// What Diesel believes.
    depth: u32,
    is_lost: bool,
    is_partial: bool,
    /// As MySQL with `autocommit = 0`: a statement outside of a transaction begins one.
    begins_by_itself: bool,
}

impl Toy {
    pub(super) fn new(marking: Marking) -> Self {
        Self {
            marking,
            stored: BTreeSet::new(),
            open: None,
            depth: 0,
            is_lost: false,
            is_partial: false,
            begins_by_itself: false,
        }
    }

    /// As PostgreSQL, which refuses all after a failure, and whose client knows whether a transaction
    /// is open.
    fn aborts(&self) -> bool {
        self.marking == Marking::BetweenWrites
    }

    pub(super) fn depth(&self) -> Option<u32> {
        (!self.is_lost).then_some(self.depth)
    }

    pub(super) fn is_inside(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn standing(&mut self) -> Standing {
        let is_partial = std::mem::take(&mut self.is_partial);
        match &self.open {
            _ if self.is_lost => Standing::Lost,
            None => Standing::Gone,
            Some(open) if open.is_aborted => Standing::Aborted,
            Some(_) if is_partial => Standing::Partial,
            Some(_) => Standing::Open,
        }
    }

    fn execute(
        &mut self,
        fault: Option<Fault>,
        work: impl FnOnce(&mut Self) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        if self.is_lost {
            return Err(Failed::Error);
        }
        let done = match fault {
            Some(Fault::PanicsBefore) => Err(Failed::Panic),
            Some(Fault::Lost) => {
                self.open = None;
                self.is_lost = true;
                Err(Failed::Error)
            }
            Some(Fault::Fails | Fault::Partly | Fault::Ends) => {
                self.fail(fault == Some(Fault::Ends));
                self.is_partial = fault == Some(Fault::Partly);
                Err(Failed::Error)
            }
            Some(Fault::PanicsAfter) => work(self).and(Err(Failed::Panic)),
            Some(Fault::LostAfter) => {
                let _ = work(self);
                self.open = None;
                self.is_lost = true;
                Err(Failed::Error)
            }
            None => work(self),
        };
        if self.aborts() && self.open.is_none() {
            self.depth = 0;
        }
        done
    }

    fn fail(&mut self, ends: bool) {
        if ends {
            self.open = None;
        } else if self.aborts() {
            if let Some(open) = &mut self.open {
                open.is_aborted = true;
            }
        }
    }

    pub(super) fn begin(&mut self, fault: Option<Fault>) -> Result<(), Failed> {
        self.execute(fault, |toy| {
            toy.open = Some(Transaction {
                rows: Vec::new(),
                savepoints: Vec::new(),
                is_aborted: false,
            });
            Ok(())
        })?;
        self.depth = 1;
        Ok(())
    }

    pub(super) fn savepoint(&mut self, fault: Option<Fault>) -> Result<(), Failed> {
        let level = self.depth;
        self.execute(fault, |toy| toy.set(Savepoint::Level(level)))?;
        self.depth += 1;
        Ok(())
    }

    fn set(&mut self, savepoint: Savepoint) -> Result<(), Failed> {
        match &mut self.open {
            Some(open) if !open.is_aborted => {
                open.savepoints.push(savepoint);
                Ok(())
            }
            _ => Err(Failed::Error),
        }
    }

    fn find(&mut self, savepoint: &Savepoint) -> Option<(&mut Transaction, usize)> {
        let open = self.open.as_mut()?;
        let at = open.savepoints.iter().rposition(|set| set == savepoint)?;
        Some((open, at))
    }

    fn release_savepoint(&mut self, savepoint: &Savepoint) -> Result<(), Failed> {
        let aborts = self.aborts();
        match self.find(savepoint) {
            Some((open, at)) if !open.is_aborted => {
                open.savepoints.truncate(at);
                for (_, savepoints) in &mut open.rows {
                    *savepoints = (*savepoints).min(at);
                }
                Ok(())
            }
            _ => {
                if aborts {
                    self.fail(false);
                }
                Err(Failed::Error)
            }
        }
    }

    pub(super) fn release(&mut self, fault: Option<Fault>) -> Result<(), Failed> {
        let level = Savepoint::Level(self.depth - 1);
        self.execute(fault, |toy| toy.release_savepoint(&level))?;
        self.depth -= 1;
        Ok(())
    }

    /// Rolls back Diesel's innermost level, as Diesel does: its depth becomes less, even if that fails.
    pub(super) fn roll_back(&mut self, fault: Option<Fault>) -> Result<(), Failed> {
        let level = Savepoint::Level(self.depth - 1);
        let is_outermost = self.depth == 1;
        let done = self.execute(fault, |toy| {
            if is_outermost {
                toy.open = None;
                return Ok(());
            }
            toy.roll_back_to(&level)?;
            toy.release_savepoint(&level)
        });
        match done {
            Err(Failed::Panic) => {}
            _ => self.depth = self.depth.saturating_sub(1),
        }
        done
    }

    fn roll_back_to(&mut self, savepoint: &Savepoint) -> Result<(), Failed> {
        let Some((open, at)) = self.find(savepoint) else {
            return Err(Failed::Error);
        };
        open.savepoints.truncate(at + 1);
        open.rows.retain(|(_, savepoints)| *savepoints <= at);
        open.is_aborted = false;
        Ok(())
    }

    pub(super) fn commit(&mut self, fault: Option<Fault>) -> Result<(), Failed> {
        let done = self.execute(fault, |toy| match toy.open.take() {
            Some(open) if open.is_aborted => Ok(()),
            Some(open) => {
                toy.stored.extend(open.rows.into_iter().map(|(row, _)| row));
                Ok(())
            }
            None => Err(Failed::Error),
        });
        match done {
            // Diesel rolls back what could not be committed.
            Err(Failed::Error) => {
                self.open = None;
                self.depth = 0;
            }
            Err(Failed::Panic) => {}
            Ok(()) => self.depth = 0,
        }
        done
    }

    pub(super) fn write(&mut self, row: u32, fault: Option<Fault>) -> Result<(), Failed> {
        let is_part = fault == Some(Fault::Partly);
        let done = self.execute(fault, |toy| toy.insert(row));
        if is_part {
            let _ = self.insert(row);
        }
        done
    }

    fn insert(&mut self, row: u32) -> Result<(), Failed> {
        match &mut self.open {
            Some(open) if open.is_aborted => Err(Failed::Error),
            Some(open) => {
                open.rows.push((row, open.savepoints.len()));
                Ok(())
            }
            None if self.begins_by_itself => {
                self.open = Some(Transaction {
                    rows: vec![(row, 0)],
                    savepoints: Vec::new(),
                    is_aborted: false,
                });
                Ok(())
            }
            // It commits by itself.
            None => {
                self.stored.insert(row);
                Ok(())
            }
        }
    }

    pub(super) fn set_mark(&mut self, how: Guarding) -> Result<(), Failed> {
        self.execute(None, |toy| {
            if how == Guarding::Move {
                toy.release_savepoint(&Savepoint::Mark)?;
            }
            if how == Guarding::Look {
                return toy.open.as_ref().map(drop).ok_or(Failed::Error);
            }
            toy.begins_by_itself = toy.marking == Marking::BeforeLending;
            toy.set(Savepoint::Mark)
        })
    }

    pub(super) fn probe(&mut self, was_lent: bool, is_marked: bool) -> Result<(), Failed> {
        self.execute(None, |toy| {
            let is_aborted = toy.open.as_ref().is_some_and(|open| open.is_aborted);
            match &toy.open {
                _ if is_marked => toy.release_savepoint(&Savepoint::Mark),
                None if was_lent => Err(Failed::Error),
                _ if is_aborted => Err(Failed::Error),
                _ => Ok(()),
            }
        })
    }

    pub(super) fn is_marked(&mut self) -> bool {
        self.find(&Savepoint::Mark).is_some()
    }

    /// What somebody else does with the connection.
    pub(super) fn raw(&mut self, what: Raw) {
        let _ = self.execute(None, |toy| {
            match what {
                Raw::Commit | Raw::CommitAndBegin => {
                    if let Some(open) = toy.open.take() {
                        if !open.is_aborted {
                            toy.stored.extend(open.rows.into_iter().map(|(row, _)| row));
                        }
                    }
                }
                Raw::Rollback | Raw::RollbackAndBegin | Raw::Deadlock => toy.open = None,
                Raw::Failure => toy.fail(false),
                Raw::Savepoint => {
                    let _ = toy.set(Savepoint::Raw);
                }
                Raw::RollbackToSavepoint => {
                    let _ = toy.roll_back_to(&Savepoint::Raw);
                }
            }
            if matches!(what, Raw::CommitAndBegin | Raw::RollbackAndBegin) {
                toy.open = Some(Transaction {
                    rows: Vec::new(),
                    savepoints: Vec::new(),
                    is_aborted: false,
                });
            }
            Ok(())
        });
    }

    /// The transaction is over for the ledger: one that will be rolled back takes its place.
    pub(super) fn open_sink(&mut self) {
        self.open = None;
        let _ = self.begin(None);
    }

    pub(super) fn forget(&mut self) {
        self.open = None;
        self.depth = 0;
    }

    /// What was set beside the transaction is as before.
    pub(super) fn unguard(&mut self) {
        self.begins_by_itself = false;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Commit,
    Rollback,
    CommitAndBegin,
    RollbackAndBegin,
    /// A deadlock that somebody passed over.
    Deadlock,
    /// A statement that fails, which somebody passed over.
    Failure,
    Savepoint,
    RollbackToSavepoint,
}
