/// How an outermost transaction begins: see
/// [`Session::transaction_with`](crate::Session::transaction_with).
///
/// ```
/// use lback::TransactionOptions;
/// use lback::transaction::Isolation;
///
/// let report = TransactionOptions::new().isolation(Isolation::Serializable).read_only().deferrable();
/// # let _ = report;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) read_only: bool,
    pub(crate) deferrable: bool,
    pub(crate) lock: Lock,
    pub(crate) outermost: bool,
}

impl TransactionOptions {
    /// The defaults of [`Session::transaction`](crate::Session::transaction).
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses to be nested: the transaction must be the outermost, so that what it did is really
    /// stored when it returns `Ok`, and its after-commit effects have run. For whoever hands out a
    /// receipt, or calls another system next. Inside another transaction it is
    /// [`Error::NotOutermost`](crate::Error::NotOutermost). (Django calls it `durable`.)
    ///
    /// The transaction of [`Session::for_test`](crate::Session::for_test) does not count.
    ///
    /// ```
    /// use lback::{Error, TransactionOptions};
    ///
    /// let mut session = lback::sqlite::connect(":memory:")?;
    /// let receipt = TransactionOptions::new().outermost();
    /// session.transaction_with(&receipt, |_| lback::Result::Ok(()))?;
    /// let nested = session.transaction(|session| {
    ///     session.transaction_with(&receipt, |_| lback::Result::Ok(()))
    /// });
    /// assert!(matches!(nested, Err(Error::NotOutermost)));
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn outermost(mut self) -> Self {
        self.outermost = true;
        self
    }

    /// Asks for an isolation level. SQLite always serializes, and so accepts every level.
    #[must_use]
    pub fn isolation(mut self, level: Isolation) -> Self {
        self.isolation = Some(level);
        self
    }

    /// Refuses writes. On SQLite it also means [`Lock::Deferred`]: no write lock is taken.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// PostgreSQL's DEFERRABLE: a serializable, read-only transaction waits at its beginning until
    /// it can run without the risk of a serialization failure. Other databases refuse it.
    #[must_use]
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }

    /// SQLite's kind of BEGIN. Other databases refuse any but the default.
    #[must_use]
    pub fn lock(mut self, lock: Lock) -> Self {
        self.lock = lock;
        self
    }
}

/// An isolation level of the SQL standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// READ UNCOMMITTED
    ReadUncommitted,
    /// READ COMMITTED
    ReadCommitted,
    /// REPEATABLE READ
    RepeatableRead,
    /// SERIALIZABLE
    Serializable,
}

impl Isolation {
    /// As SQL spells it.
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "diesel-async"))]
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// SQLite's kinds of BEGIN (<https://sqlite.org/lang_transaction.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// The write lock at once: a read followed by a write otherwise fails with "database is
    /// locked", without waiting, if another connection wrote in between.
    #[default]
    Immediate,
    /// No lock until the first statement needs one.
    Deferred,
    /// As [`Immediate`](Self::Immediate), and without WAL mode no readers either.
    Exclusive,
}
