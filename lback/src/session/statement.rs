//! Statements that run through the session, and what it learns from those that fail.

use diesel::connection::TransactionManager;
use diesel::result::Error as DieselError;

use super::ledger::{Cause, Guarding, Marking, Standing, Then};
use super::{Session, SessionConnection};
use crate::care::caught;
use crate::error::{Error, Result, classify, is_transient};

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
    /// The Diesel connection, for queries of your own.
    ///
    /// Raw transaction statements through it (`COMMIT`, `ROLLBACK`, DDL on MySQL) end the session's
    /// transaction behind its back: they are a mistake, reported where the database lets one see
    /// them. Diesel's own `conn.transaction` is a savepoint inside the session's.
    pub fn conn(&mut self) -> &mut C {
        self.look();
        match self.ledger.lending(C::MARKING) {
            Guarding::None => {}
            guarding => {
                // The transaction is aborted then, and says so at the next operation.
                let _ = self.mark(guarding, true);
            }
        }
        let connection = self.raw();
        connection.lent();
        connection
    }

    /// Fails if nothing may be done: the transaction is not what it was, or the connection is lost.
    #[inline]
    pub(crate) fn check_usable(&mut self) -> Result<()> {
        self.look();
        match self.ledger.check_usable() {
            Ok(()) => Ok(()),
            Err(error) => {
                if self.ledger.is_broken() {
                    self.break_off();
                }
                Err(error)
            }
        }
    }

    /// Fails if nothing may be written.
    pub(crate) fn check_writable(&mut self) -> Result<()> {
        self.check_usable()?;
        if self.ledger.is_doubtful() {
            self.check_depth()?;
        }
        self.ledger.check_writable()
    }

    /// To be called before the framework writes, or queues an effect: marks the transaction, if the
    /// connection was lent out before.
    #[inline]
    pub(crate) fn before_write(&mut self) -> Result<()> {
        match self.ledger.writing(C::MARKING) {
            Guarding::None => Ok(()),
            guarding => self.mark(guarding, false),
        }
    }

    /// Runs a statement of the framework's own that writes nothing of its own accord, and notes what
    /// its failure does to the transaction.
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
    ///
    /// Until it is known to have written nothing, the level counts as written: if the level then
    /// fails, and has no savepoint to be rolled back to, the level around it cannot commit.
    pub(crate) fn write<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        self.check_usable()?;
        self.before_write()?;
        self.ledger.note_write();
        statement(self.raw()).map_err(|error| self.write_failed(error))
    }

    /// Fails if a receiver has put another session in the place of the one whose operation this is.
    #[inline]
    pub(crate) fn check_level(&self) -> Result<()> {
        self.ledger.check_level()
    }

    /// How far this session has written: another number later says that what was read may be written since, through
    /// the session or through its connection.
    #[inline]
    pub(crate) fn writings(&self) -> u64 {
        self.ledger.writings()
    }

    /// The last statement given to [`write`](Self::write) has found nothing to write.
    pub(crate) fn wrote_nothing(&mut self) {
        self.ledger.note_no_write();
    }

    /// Whether what is written now is undone with the innermost level, whatever becomes of the one around it.
    pub(crate) fn is_undone_alone(&self) -> bool {
        !self.ledger.is_bare()
    }

    #[cold]
    fn write_failed(&mut self, error: DieselError) -> Error {
        match error {
            // The database undoes a statement that fails, or says otherwise when it is asked. What
            // Diesel could not even write was not sent.
            DieselError::DatabaseError(..)
            | DieselError::QueryBuilderError(_)
            | DieselError::SerializationError(_) => {
                let error = self.statement_failed(error);
                if self.ledger.is_sound() {
                    self.ledger.note_no_write();
                }
                error
            }
            DieselError::DeserializationError(inner) => match inner.downcast::<Unreadable>() {
                Ok(unreadable) => self.statement_failed(unreadable.0),
                Err(inner) => self.statement_failed(DieselError::DeserializationError(inner)),
            },
            error => self.statement_failed(error),
        }
    }

    /// A statement of the framework's own failed: asks the connection where it stands.
    #[cold]
    pub(super) fn statement_failed(&mut self, error: DieselError) -> Error {
        let may_be_echo = self.ledger.was_lent();
        self.ask(&error);
        if may_be_echo && C::is_echo(&error) {
            passed_over(&error)
        } else {
            classify(error)
        }
    }

    /// Asks the connection where it stands after `error`, and does what the ledger concludes.
    pub(super) fn ask(&mut self, error: &DieselError) {
        let is_inside = self.ledger.is_in_transaction() && self.ledger.is_alive();
        // Instrumentation may panic at the question too. Then nobody knows.
        let asked = caught(|| self.raw().standing(error, is_inside));
        let standing = *asked.as_ref().unwrap_or(&Standing::Lost);
        let then = self.ledger.failed(standing, is_transient(error));
        self.follow(then);
        if let Err(panic) = asked {
            std::panic::resume_unwind(panic);
        }
    }

    pub(super) fn follow(&mut self, then: Then) {
        match then {
            Then::GoOn => {}
            Then::Sink => self.open_sink(),
            Then::GiveUp => self.break_off(),
        }
    }

    /// The transaction is over, but its closures still run. What they write through the connection
    /// must not commit by itself: it goes into a transaction that will be rolled back.
    fn open_sink(&mut self) {
        let opened = caught(|| {
            // Fails where nothing is open, which is what is wanted.
            let _ = self.raw().batch_execute("ROLLBACK");
            *C::TransactionManager::transaction_manager_status_mut(self.raw()) = <_>::default();
            C::TransactionManager::begin_transaction(self.raw())
        });
        if !matches!(opened, Ok(Ok(()))) {
            self.break_off();
        }
        if let Err(panic) = opened {
            self.report_panic(panic);
        }
    }

    /// Where Diesel sees that the transaction was ended through the connection, its depth has become
    /// less than ours.
    #[inline]
    pub(super) fn look(&mut self) {
        if self.ledger.is_doubtful() && self.ledger.is_in_transaction() && self.ledger.is_alive() {
            self.look_at_depth();
        }
    }

    fn look_at_depth(&mut self) {
        match self.depth_of_connection() {
            Ok(depth) if depth < self.ledger.depth_of_connection() => {
                let then = self.ledger.vanished();
                self.follow(then);
            }
            Ok(_) => {}
            Err(_) => self.break_off(),
        }
    }

    /// Fails if somebody began a transaction through Diesel's transaction manager and did not end
    /// it.
    pub(super) fn check_depth(&mut self) -> Result<()> {
        if self.depth_of_connection()? == self.ledger.depth_of_connection() {
            Ok(())
        } else if self.ledger.is_in_transaction() {
            Err(Cause::LEFT_OPEN.error())
        } else {
            Err(Error::AlreadyInTransaction)
        }
    }

    /// Marks the transaction with a savepoint, so that its end does not go unseen.
    #[cold]
    fn mark(&mut self, guarding: Guarding, is_lent: bool) -> Result<()> {
        let identity = self.ledger.identity();
        let error = match caught(|| self.raw().guard(identity, guarding)) {
            Ok(Ok(())) => {
                match guarding {
                    Guarding::Look => self.ledger.looked(),
                    _ => self.ledger.marked(is_lent),
                }
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(panic) => {
                self.not_marked();
                std::panic::resume_unwind(panic);
            }
        };
        let error = self.statement_failed(error);
        if guarding == Guarding::Move && self.ledger.is_sound() {
            // A transaction is open, and the mark is gone: it is another one, or was rolled back to a
            // savepoint from before the mark.
            let then = self.ledger.missing();
            self.follow(then);
        }
        self.not_marked();
        self.ledger.check_usable()?;
        Err(error)
    }

    /// How much of the marking was executed, nobody knows. Where that sets more than a savepoint, the
    /// connection may not be what it was before.
    #[cold]
    fn not_marked(&mut self) {
        self.ledger.abort(Cause::UNMARKED);
        if C::MARKING == Marking::BeforeLending {
            self.break_off();
        }
    }

    /// Fails if the open transaction cannot be committed, wherever COMMIT itself would not.
    pub(super) fn probe(&mut self) -> Result<()> {
        let identity = self.ledger.identity();
        let is_marked = self.ledger.guarding() == Guarding::Set;
        let was_lent = self.ledger.was_lent();
        let probed = self.raw().probe(was_lent, is_marked.then_some(identity));
        let Err(error) = probed else {
            self.ledger.proved();
            return Ok(());
        };
        let found = self.check_failed(error);
        // A database that refuses all after a failure says nothing of the mark, but goes back to it.
        if is_marked && self.ledger.is_alive() && !self.raw().is_marked(identity) {
            let then = self.ledger.missing();
            self.follow(then);
        }
        Err(found)
    }

    /// A probe, or the release of a savepoint, has found out that something went wrong before.
    #[cold]
    pub(super) fn check_failed(&mut self, error: DieselError) -> Error {
        if !self.ledger.was_lent() {
            return self.statement_failed(error);
        }
        let found = passed_over(&error);
        let error = self.statement_failed(error);
        if self.ledger.is_broken() {
            return error;
        }
        if self.ledger.is_sound() {
            // A transaction is open, and the savepoint is missing: it is not the one that was begun.
            let then = self.ledger.missing();
            self.follow(then);
        }
        found
    }

    /// Gives the connection up; a pool will not take it back.
    #[cold]
    pub(super) fn break_off(&mut self) {
        self.ledger.break_off();
        C::TransactionManager::transaction_manager_status_mut(self.raw()).set_in_error();
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
