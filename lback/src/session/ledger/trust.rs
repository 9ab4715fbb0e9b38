//! What the open transaction can still be trusted with, and why not.

use std::borrow::Cow;

use crate::error::{Error, Result};

/// Whether the transaction, and the session, can be used.
pub(super) enum Trust {
    /// Nothing speaks against it.
    Sound,
    /// Nothing works until the innermost savepoint, or else the whole, is rolled back.
    Aborted(Cause),
    /// The transaction is over. What its closures still do goes into another, which will be rolled
    /// back, for it would commit by itself otherwise.
    Ended(Cause),
    /// The connection is lost, or was left in a state that nobody knows.
    Broken,
}

/// Why the transaction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    reason: &'static str,
    is_retryable: bool,
}

impl Cause {
    pub(super) const FAILED: Self = Self::of(
        "a statement in it failed, and this database then refuses all others; put what may fail \
         into a nested `session.transaction(..)`, which is a savepoint",
    );
    pub(super) const HALF_DONE: Self = Self::of(
        "an operation in it failed after it had written, and could not be undone alone; put what may \
         fail into a nested `session.transaction(..)`, which is a savepoint",
    );
    pub(super) const ROLLED_BACK: Self =
        Self::of("the database has rolled it back as a whole; run the outermost transaction again");
    pub(super) const VANISHED: Self = Self::of(
        "it was ended inside, by a raw statement through the connection, by DDL that commits, or by \
         a deadlock that was passed over; what was written before that may be stored. Leave BEGIN, \
         COMMIT and ROLLBACK to `session.transaction(..)`, and keep DDL out of it",
    );
    pub(crate) const STUCK: Self =
        Self::of("a savepoint could not be rolled back; run the outermost transaction again");
    pub(crate) const UNMARKED: Self = Self::of("it could not be marked with a savepoint");
    pub(crate) const LEFT_OPEN: Self = Self::of(
        "a transaction was begun inside it through the connection, and not ended; leave BEGIN out, or \
         use a nested `session.transaction(..)`",
    );

    const fn of(reason: &'static str) -> Self {
        Self {
            reason,
            is_retryable: false,
        }
    }

    /// Whether it is the database that refuses all that follows, and not the session alone.
    fn is_of_database(self) -> bool {
        self.reason == Self::FAILED.reason
    }

    /// The same, by a failure that goes away by itself.
    pub(super) fn retryable(self, is_retryable: bool) -> Self {
        Self {
            is_retryable,
            ..self
        }
    }

    pub(crate) fn error(self) -> Error {
        Error::TransactionAborted {
            reason: Cow::Borrowed(self.reason),
            is_retryable: self.is_retryable,
        }
    }
}

/// Where the connection stands after a statement failed. Asked of the database itself; what the
/// error says decides nothing.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The same as before: the statement was undone, and nothing else.
    Open,
    /// The transaction is open, but what the statement did before it failed may be left in it.
    Partial,
    /// The transaction is open, and refuses all until a rollback to a savepoint, or of the whole.
    Aborted,
    /// No transaction is open.
    Gone,
    /// There is no connection.
    Lost,
}

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Then {
    /// Nothing.
    GoOn,
    /// It begins a transaction that will be rolled back, for what the closures still do.
    Sink,
    /// It gives the connection up.
    GiveUp,
}

impl Trust {
    #[inline]
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Sound => Ok(()),
            Self::Aborted(cause) | Self::Ended(cause) => Err(cause.error()),
            Self::Broken => Err(Error::SessionBroken),
        }
    }

    /// Whether the database still executes what is sent to it in this transaction.
    pub(super) fn takes_statements(&self) -> bool {
        match self {
            Self::Sound => true,
            Self::Aborted(cause) => !cause.is_of_database(),
            Self::Ended(_) | Self::Broken => false,
        }
    }

    /// Nothing works any more until a rollback. The first reason stays.
    pub(super) fn abort(&mut self, cause: Cause) {
        if matches!(self, Self::Sound) {
            *self = Self::Aborted(cause);
        }
    }

    /// A level was rolled back as a whole, and with it what had aborted it.
    pub(super) fn heal(&mut self) {
        if matches!(self, Self::Aborted(_)) {
            *self = Self::Sound;
        }
    }

    /// A level was rolled back in part, or not at all: whether the database still refuses what is sent to
    /// it, nobody knows.
    pub(super) fn doubt(&mut self) {
        if let Self::Aborted(cause) = self {
            *cause = Cause::STUCK.retryable(cause.is_retryable);
        }
    }

    /// The transaction is over, and the next one starts afresh; a connection that is lost stays so.
    pub(super) fn renew(&mut self) {
        if !matches!(self, Self::Broken) {
            *self = Self::Sound;
        }
    }
}
