//! How levels end: what is asked of the ledger, and what is done on the connection.

use diesel::connection::TransactionManager;
use diesel::result::Error as DieselError;

use super::ledger::{Guarding, Kind, Open, Swapped, give_up};
use super::{Session, SessionConnection};
use crate::care::{Panic, caught, message_of};
use crate::error::{Error, Result, classify};

/// What became of a level that came to `Ok`. A panic is one of Diesel's instrumentation, to go on once
/// everything is in order.
pub(super) type Closed = std::result::Result<Result<()>, Panic>;

impl<C: SessionConnection> Session<C> {
    /// Ends a level that came to `Ok`.
    #[inline]
    pub(super) fn close(&mut self, open: &Open) -> Closed {
        let closed = match self.ledger.closing(open) {
            Ok(Kind::Bare) => {
                self.ledger.bare_done();
                Ok(Ok(()))
            }
            Ok(Kind::Savepoint) => self.surely(open, Self::release),
            Ok(Kind::Outermost) if self.ledger.journal.is_waiting() => {
                self.surely(open, |session| session.tell_and_commit(open))
            }
            Ok(Kind::Outermost) => self.surely(open, Self::commit),
            Err(Swapped) => Ok(Err(swapped(open))),
        };
        self.settle();
        closed
    }

    /// Ends a level that failed or panicked.
    #[cold]
    pub(super) fn undo(&mut self, open: &Open) {
        match self.ledger.closing(open) {
            Ok(Kind::Bare) => self.ledger.bare_failed(),
            Ok(kind) => {
                let undone = self.surely(open, |session| {
                    match kind {
                        Kind::Outermost => session.undo_outermost(),
                        Kind::Savepoint | Kind::Bare => session.undo_savepoint(),
                    }
                    Ok(Ok(()))
                });
                if let Err(panic) = undone {
                    self.report_panic(panic);
                }
            }
            Err(Swapped) => {
                swapped(open);
            }
        }
        self.settle();
    }

    /// Ends a level, whatever panics meanwhile. What is asked of a connection may: Diesel's instrumentation
    /// is the user's. Where the level is still open afterwards, nobody knows what has become of it.
    fn surely(&mut self, open: &Open, end: impl FnOnce(&mut Self) -> Closed) -> Closed {
        let panic = match caught(|| end(&mut *self)) {
            Ok(closed) => return closed,
            Err(panic) => panic,
        };
        match self.ledger.closing(open) {
            Ok(Kind::Outermost) => {
                self.break_off();
                self.ledger.unknown();
            }
            Ok(Kind::Savepoint | Kind::Bare) => {
                self.break_off();
                self.ledger.undone(false);
            }
            Err(Swapped) => {}
        }
        Err(panic)
    }

    // Not a part of `close`: a level without a statement would pay for its frame.
    #[inline(never)]
    fn release(&mut self) -> Closed {
        let sure = self.check_usable().and_then(|()| self.check_depth());
        if let Err(error) = sure {
            self.undo_savepoint();
            return Ok(Err(error));
        }
        let failed = match caught(|| C::TransactionManager::commit_transaction(self.raw())) {
            Ok(Ok(())) => {
                self.ledger.released();
                return Ok(Ok(()));
            }
            Ok(Err(error)) => caught(|| self.check_failed(error)).map(Err),
            Err(panic) => Err(panic),
        };
        self.roll_back_savepoint();
        failed
    }

    /// What was written is told before anything is asked of the connection: whoever is told may write,
    /// and may refuse.
    #[cold]
    fn tell_and_commit(&mut self, open: &Open) -> Closed {
        let told = match self.check_usable().and_then(|()| self.check_depth()) {
            Ok(()) => self.tell_changes(),
            Err(error) => Ok(Err(error)),
        };
        match (self.ledger.closing(open), told) {
            (Ok(_), Ok(Ok(()))) => self.commit(),
            (Ok(_), refused) => {
                self.undo_outermost();
                refused
            }
            (Err(Swapped), told) => told.and(Ok(Err(swapped(open)))),
        }
    }

    #[inline(never)]
    fn commit(&mut self) -> Closed {
        let must_probe = self.ledger.must_probe();
        let sure = self.check_usable().and_then(|()| self.check_depth());
        let parcels = self.ledger.parcels.take();
        let sure = match sure {
            Ok(()) if !parcels.is_empty() => caught(|| self.store_parcels(&parcels, must_probe)),
            Ok(()) if must_probe => caught(|| self.probe()),
            sure => Ok(sure),
        };
        if !matches!(sure, Ok(Ok(()))) {
            self.undo_outermost();
            return match sure {
                Ok(Err(error)) if !parcels.is_empty() => Ok(Err(self.without_outbox(error))),
                sure => sure,
            };
        }
        let was_read_only = self.ledger.is_read_only();
        match caught(|| C::TransactionManager::commit_transaction(self.raw())) {
            Ok(Ok(())) => {
                let guarding = self.ledger.committed();
                self.leave(guarding, was_read_only);
                if !parcels.is_empty() {
                    if let Err(panic) = caught(|| self.parcels_stored(&parcels)) {
                        self.report_panic(panic);
                    }
                }
                Ok(Ok(()))
            }
            Ok(Err(error)) => Ok(Err(self.commit_failed(error))),
            Err(panic) => self.commit_panicked(panic),
        }
    }

    #[cold]
    fn commit_failed(&mut self, error: DieselError) -> Error {
        let error = match error {
            DieselError::RollbackErrorOnCommit { commit_error, .. } => *commit_error,
            error => error,
        };
        let is_lost = caught(|| self.raw().is_lost(&error)).unwrap_or_else(|panic| {
            self.report_panic(panic);
            true
        });
        if is_lost {
            self.break_off();
            self.ledger.unknown();
            return Error::CommitUnknown { source: error };
        }
        if C::is_undecided(&error) {
            let was_read_only = self.ledger.is_read_only();
            self.unwind_to(self.ledger.base());
            let guarding = self.ledger.unknown();
            self.leave(guarding, was_read_only);
            return Error::CommitUnknown { source: error };
        }
        // That the transaction was still the one that was begun is known, for it was looked at just
        // before; so a COMMIT that fails has stored nothing.
        self.roll_back_outermost();
        if self.ledger.base() == 0 {
            let can_commit = caught(|| self.raw().can_commit());
            if !matches!(can_commit, Ok(true)) {
                self.break_off();
            }
            if let Err(panic) = can_commit {
                self.report_panic(panic);
            }
        }
        classify(error)
    }

    /// Diesel's instrumentation panicked beside COMMIT, before it or after it.
    #[cold]
    fn commit_panicked(&mut self, panic: Panic) -> Closed {
        let is_open = caught(|| self.raw().is_inside());
        if matches!(is_open, Ok(true)) {
            self.roll_back_outermost();
            return Err(panic);
        }
        // It was executed, and what the database answered went with the panic.
        let was_read_only = self.ledger.is_read_only();
        let guarding = self.ledger.unknown();
        match is_open {
            Ok(_) => {
                *C::TransactionManager::transaction_manager_status_mut(self.raw()) = <_>::default();
                self.leave(guarding, was_read_only);
            }
            Err(again) => {
                message_of(again);
                self.break_off();
            }
        }
        let what = format!(
            "Diesel's instrumentation panicked beside COMMIT: {}",
            message_of(panic)
        );
        Ok(Err(Error::CommitUnknown {
            source: DieselError::QueryBuilderError(what.into()),
        }))
    }

    fn undo_savepoint(&mut self) {
        self.look();
        self.roll_back_savepoint();
    }

    fn roll_back_savepoint(&mut self) {
        let target = self.ledger.depth_of_connection() - 1;
        let is_whole = self.unwind_to(target);
        self.ledger.undone(is_whole);
    }

    fn undo_outermost(&mut self) {
        self.look();
        if self.ledger.must_look_back() {
            self.undo_left_open();
        }
        if self.ledger.must_look_back() {
            self.look_back();
        }
        self.roll_back_outermost();
    }

    /// Rolls back what Diesel has left open inside this level, as it does where a panic is caught: the look
    /// at the mark would take its savepoints away, and the missing of those is taken for a sign.
    #[cold]
    fn undo_left_open(&mut self) {
        let here = self.ledger.depth_of_connection();
        if matches!(self.depth_of_connection(), Ok(depth) if depth > here) {
            self.unwind_to(here);
        }
    }

    /// Rolls back all levels at once, which nobody will close.
    #[cold]
    pub(super) fn undo_all(&mut self) {
        if caught(|| self.roll_back_outermost()).is_err() {
            self.break_off();
        }
    }

    fn roll_back_outermost(&mut self) {
        let was_read_only = self.ledger.is_read_only();
        self.unwind_to(self.ledger.base());
        let guarding = self.ledger.rolled_back();
        self.leave(guarding, was_read_only);
    }

    /// Before the whole is rolled back: is it still the transaction that was begun? If not, what was
    /// written may be stored, and no effect may say that it is not.
    #[cold]
    fn look_back(&mut self) {
        let identity = self.ledger.identity();
        match caught(|| self.raw().is_marked(identity)) {
            Ok(true) => {}
            Ok(false) => {
                let then = self.ledger.missing();
                self.follow(then);
            }
            Err(panic) => {
                self.report_panic(panic);
                let then = self.ledger.missing();
                self.follow(then);
            }
        }
    }

    /// The outermost level is over: takes back what was set on the connection for its sake.
    #[inline]
    fn leave(&mut self, guarding: Guarding, was_read_only: bool) {
        if guarding == Guarding::None && !was_read_only || self.ledger.is_broken() {
            return;
        }
        // Not in a test transaction: it would be committed.
        if guarding != Guarding::None && self.ledger.base() == 0 {
            let left = caught(|| self.raw().unguard());
            self.has_left(left);
        }
        if was_read_only {
            self.leave_read_only();
        }
    }

    /// Lets the connection write again, if it was this session that kept it from that.
    pub(super) fn leave_read_only(&mut self) {
        if std::mem::take(&mut self.must_leave_read_only) {
            let left = caught(|| self.raw().leave_read_only());
            self.has_left(left);
        }
    }

    fn has_left(&mut self, left: std::result::Result<diesel::QueryResult<()>, Panic>) {
        if !matches!(left, Ok(Ok(()))) {
            self.break_off();
        }
        if let Err(panic) = left {
            self.report_panic(panic);
        }
    }

    /// Rolls back until Diesel's depth is `target`; says whether all of it worked.
    fn unwind_to(&mut self, target: u32) -> bool {
        let mut is_whole = true;
        let mut has_panicked = false;
        // Where a failure had aborted the transaction, Diesel rolls back by itself when it cannot
        // release a savepoint, and leaves the savepoint.
        if target > 0
            && self.ledger.is_alive()
            && matches!(self.depth_of_connection(), Ok(depth) if depth == target)
        {
            let released = caught(|| self.release_savepoint(target));
            return self.is_unwound(released) == Some(true);
        }
        loop {
            let depth = match self.depth_of_connection() {
                Ok(depth) if depth <= target => return is_whole,
                Ok(depth) => depth,
                Err(_) => {
                    self.break_off();
                    return false;
                }
            };
            let rolled_back = caught(|| self.roll_back_to(depth));
            match self.is_unwound(rolled_back) {
                Some(worked) => is_whole &= worked,
                // A rollback that is sent again does no harm, whether the first was executed or not.
                None if std::mem::replace(&mut has_panicked, true) => {
                    self.break_off();
                    return false;
                }
                None => {}
            }
        }
    }

    /// Whether a step of unwinding worked; `None` if it panicked.
    fn is_unwound(
        &mut self,
        step: std::result::Result<diesel::QueryResult<()>, Panic>,
    ) -> Option<bool> {
        match step {
            Ok(Ok(())) => Some(true),
            Ok(Err(error)) => {
                self.ask_after_rollback(&error);
                let then = self.ledger.missing();
                self.follow(then);
                Some(false)
            }
            Err(panic) => {
                self.report_panic(panic);
                None
            }
        }
    }

    fn ask_after_rollback(&mut self, error: &DieselError) {
        if let Err(panic) = caught(|| self.ask(error)) {
            self.report_panic(panic);
        }
    }

    /// Rolls back Diesel's innermost level.
    fn roll_back_to(&mut self, depth: u32) -> diesel::QueryResult<()> {
        C::TransactionManager::rollback_transaction(self.raw())?;
        if depth == 1 {
            return Ok(());
        }
        self.release_savepoint(depth - 1)
    }

    /// Takes a savepoint away that was rolled back to.
    ///
    /// ROLLBACK TO keeps it. Were it left, a loop of failures would pile them up, and a later level's
    /// savepoint of the same name, once lost, would be taken for it. And RELEASE fails if the
    /// transaction is another one: after a deadlock Diesel takes "no such savepoint" for success.
    fn release_savepoint(&mut self, number: u32) -> diesel::QueryResult<()> {
        let release = format!("RELEASE SAVEPOINT diesel_savepoint_{number}");
        self.raw().batch_execute(&release)
    }
}

/// The session in this place is not the one in which the level was opened. That one, wherever it is, has
/// a transaction open that nobody will end.
#[cold]
fn swapped(open: &Open) -> Error {
    give_up(open.ledger());
    Error::SessionSwapped
}
