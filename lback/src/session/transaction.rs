//! Transactions and savepoints: who begins, who ends, and what that does to effects.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::effect::Mark;
use super::{Link, Session, SessionConnection, TransactionOptions};
use crate::error::{Error, Result, classify};

/// An open level, to be closed by [`within`].
#[derive(Clone, Copy)]
pub(crate) struct Level {
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    pub(super) link: Link,
    pub(super) read_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
        if self.depth > 0 && *options != TransactionOptions::new() {
            let what = "options for a transaction inside a transaction: give them to the outermost";
            return Err(Error::Unsupported { what: what.into() }.into());
        }
        let level = self.begin(options)?;
        within(self, |session| session, level, work)
    }

    /// As [`transaction`](Self::transaction), and begins again, up to `attempts` times in all, as
    /// long as its error [is retryable](Error::is_retryable): a deadlock, a serialization that
    /// failed, a busy database. It waits in between, longer each time, from about 5 milliseconds
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
    pub fn transaction_with_retries<T>(
        &mut self,
        attempts: u32,
        mut work: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let attempts = if self.depth == 0 { attempts } else { 1 };
        let mut attempt = 1;
        loop {
            match self.transaction(&mut work) {
                Err(error) if attempt < attempts && error.is_retryable() => {
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
            .commit(level)
            .map(|()| value)
            .map_err(E::from),
        Ok(Err(error)) => {
            session(holder).roll_back(level);
            Err(error)
        }
        Err(panic) => {
            session(holder).roll_back(level);
            resume_unwind(panic)
        }
    }
}
