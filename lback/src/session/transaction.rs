//! Transactions and savepoints: how they begin, and the one place where they end.

use std::panic::resume_unwind;
use std::time::Duration;

use diesel::connection::TransactionManager;

use super::ledger::{Cause, Kind};
use super::{Open, Session, SessionConnection, TransactionOptions};
use crate::care::{Quietly, caught, drop_quietly};
use crate::error::{Error, Result, Retryable, classify};

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
    /// use lback::sqlite::{prelude::*, users::*};
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
        if self.in_transaction() {
            if options.outermost {
                return Err(Error::NotOutermost.into());
            }
            if *options != TransactionOptions::new() {
                let what =
                    "options for a transaction inside a transaction: give them to the outermost";
                return Err(Error::Unsupported { what: what.into() }.into());
            }
        }
        let open = self.begin(options)?;
        within(self, |session| session, open, work)
    }

    /// As [`transaction`](Self::transaction), and begins again, up to `attempts` times in all, as
    /// long as its error [is retryable](Retryable): a deadlock, a serialization that failed, a busy
    /// database. The closure's error may be any type that can be asked, such as your own enum or
    /// `anyhow::Error`. It waits in between, longer each time, from about 5 milliseconds
    /// on.
    ///
    /// Inside a transaction there is one attempt, because only the outermost can begin again.
    ///
    /// # Errors
    ///
    /// Those of the last attempt.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// session.transaction_with_retries(5, |session| {
    ///     UserRepository::new().create(session, new.clone())
    /// })?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn transaction_with_retries<T, E: From<Error> + Retryable<Via>, Via>(
        &mut self,
        attempts: u32,
        work: impl FnMut(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut work = Quietly::new(work);
        let attempts = if self.in_transaction() { 1 } else { attempts };
        let mut attempt = 1;
        loop {
            match self.transaction(&mut *work) {
                Err(error) if attempt < attempts && error.is_retryable() => {
                    self.drop_for_user(error);
                    std::thread::sleep(pause(attempt));
                    attempt += 1;
                }
                result => return result,
            }
        }
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
        let open = self.begin(&TransactionOptions::new().read_only())?;
        within(self, |session| session, open, work)
    }

    /// Opens a level for one operation: one that can be undone as a whole, or none where whatever
    /// happens in it is one statement at most, which is atomic by itself.
    #[inline]
    pub(crate) fn begin_operation(&mut self, can_be_undone: bool) -> Result<Open> {
        if can_be_undone {
            return self.begin(&TransactionOptions::new());
        }
        Ok(self.ledger.opened(Kind::Bare, false))
    }

    /// Begins a transaction, or sets a savepoint inside one; then `options` can only say that the
    /// level refuses writes.
    pub(crate) fn begin(&mut self, options: &TransactionOptions) -> Result<Open> {
        self.check_usable()?;
        if self.ledger.is_doubtful() {
            self.check_depth()?;
            // Where the transaction is gone, SQLite would take a savepoint for the beginning of one.
            self.before_write()?;
        }
        let kind = self.ledger.opening()?;
        let is_transaction = kind == Kind::Outermost && self.ledger.base() == 0;
        let begun = if is_transaction {
            let sql = C::begin_sql(options)?;
            if options.read_only {
                self.enter_read_only()?;
            }
            let begun = caught(|| self.raw().begin_with(&sql));
            if options.read_only && !matches!(begun, Ok(Ok(()))) {
                self.leave_read_only();
            }
            begun
        } else {
            caught(|| C::TransactionManager::begin_transaction(self.raw()))
        };
        match begun {
            Ok(Ok(())) => Ok(self.ledger.opened(kind, options.read_only)),
            Ok(Err(error)) if is_transaction && C::is_begun_already(&error) => {
                Err(Error::AlreadyInTransaction)
            }
            Ok(Err(error)) => Err(self.statement_failed(error)),
            Err(panic) => {
                if is_transaction {
                    self.forget_begin();
                } else {
                    // A savepoint that nobody knows of may be set now, under a name that is used again.
                    self.ledger.abort(Cause::UNMARKED);
                }
                resume_unwind(panic)
            }
        }
    }

    /// Where the connection refuses writes already, it is left so.
    fn enter_read_only(&mut self) -> Result<()> {
        if self.raw().refuses_writes().map_err(classify)? {
            return Ok(());
        }
        // Whether it was executed nobody knows, if Diesel's instrumentation panics beside it.
        self.must_leave_read_only = true;
        match caught(|| self.raw().enter_read_only()) {
            Ok(entered) => entered.map_err(classify),
            Err(panic) => {
                self.leave_read_only();
                resume_unwind(panic)
            }
        }
    }

    /// Diesel's instrumentation panicked beside BEGIN. Whether it was executed nobody knows, so it is
    /// undone.
    #[cold]
    fn forget_begin(&mut self) {
        // It fails on SQLite if nothing was begun.
        let undone = caught(|| self.raw().batch_execute("ROLLBACK"));
        match undone {
            Ok(_) => {
                *C::TransactionManager::transaction_manager_status_mut(self.raw()) = <_>::default();
            }
            Err(panic) => {
                self.report_panic(panic);
                self.break_off();
            }
        }
    }
}

/// How long to wait after an attempt: between 2.5 and 5 milliseconds, doubled each time up to a
/// second or so. Two that met in a deadlock must not meet again.
fn pause(attempt: u32) -> Duration {
    let most = 5_000_u64 << (attempt - 1).min(8);
    let mut random = [0_u8; 2];
    let half = most / 2;
    let extra = match getrandom::fill(&mut random) {
        Ok(()) => half * u64::from(u16::from_ne_bytes(random)) / u64::from(u16::MAX),
        Err(_) => half,
    };
    Duration::from_micros(half + extra)
}

/// Runs `work` on something that holds a session, and closes the level: the one place where levels
/// end.
pub(crate) fn within<A: ?Sized, C, T, E>(
    holder: &mut A,
    session: impl for<'s> Fn(&'s mut A) -> &'s mut Session<C>,
    open: Open,
    work: impl FnOnce(&mut A) -> std::result::Result<T, E>,
) -> std::result::Result<T, E>
where
    C: SessionConnection,
    E: From<Error>,
{
    match caught(|| work(&mut *holder)) {
        Ok(Ok(value)) => match session(holder).close(&open) {
            Ok(Ok(())) => Ok(value),
            Ok(Err(error)) => {
                drop_quietly(value);
                Err(error.into())
            }
            Err(panic) => {
                drop_quietly(value);
                resume_unwind(panic)
            }
        },
        Ok(Err(error)) => {
            session(holder).undo(&open);
            Err(error)
        }
        Err(panic) => {
            session(holder).undo(&open);
            resume_unwind(panic)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_differ() {
        for attempt in 1..=40 {
            let most = Duration::from_millis(5) * 2_u32.pow((attempt - 1).min(8));
            let pauses: Vec<_> = (0..200).map(|_| pause(attempt)).collect();
            assert!(
                pauses.iter().all(|pause| (most / 2..=most).contains(pause)),
                "attempt {attempt}: {pauses:?}"
            );
            let (least, longest) = (pauses.iter().min(), pauses.iter().max());
            assert!(least < Some(&(most * 6 / 10)) && longest > Some(&(most * 9 / 10)));
        }
    }
}
