//! The connection: one of diesel-async, and what is known of the transaction on it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::wait::wait;

/// A connection of diesel-async, which it dereferences to, for plain code: Diesel's calls block on it.
///
/// `#[repository(.., connection = BlockingPgConnection)]` names it. An `async` receiver takes what is inside:
/// `conn: &mut AsyncPgConnection`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts, none of which follows from the others"
)]
pub struct BlockingPgConnection {
    pub(super) inner: Box<dyn DerefMut<Target = AsyncPgConnection> + Send>,
    /// Whether somebody else than the framework may be at work on it.
    is_lent: bool,
    /// Whether the open transaction may have been ended, or aborted, since the server was asked.
    is_suspect: bool,
    /// Whether a transaction may have been begun that nobody knows of.
    may_be_open: bool,
    /// Whether the server was asked, and said that the transaction is in order, and nothing was executed
    /// since.
    is_sure: bool,
}

impl BlockingPgConnection {
    pub(super) fn over(
        connection: impl DerefMut<Target = AsyncPgConnection> + Send + 'static,
    ) -> Self {
        Self {
            inner: Box::new(connection),
            is_lent: true,
            is_suspect: false,
            may_be_open: false,
            is_sure: false,
        }
    }

    pub(super) fn inner(&mut self) -> &mut AsyncPgConnection {
        &mut self.inner
    }

    /// A statement is executed. Only one whose text is not known beforehand can end a transaction, or begin
    /// one.
    pub(super) fn executes(&mut self, is_of_known_text: bool) {
        self.is_sure = false;
        self.is_suspect |= self.is_lent && !is_of_known_text;
    }

    pub(super) fn executed<T>(&mut self, done: QueryResult<T>) -> QueryResult<T> {
        self.is_suspect |= self.is_lent && done.is_err();
        done
    }

    /// Executes a statement of the framework's.
    pub(super) fn send(&mut self, sql: &str) -> QueryResult<()> {
        self.is_sure = false;
        wait(self.inner.batch_execute(sql))
    }

    pub(super) fn set_lent(&mut self, is_lent: bool) {
        self.is_lent = is_lent;
    }

    pub(super) fn suspects(&mut self) -> bool {
        std::mem::take(&mut self.is_suspect)
    }

    pub(super) fn note_unknown_transaction(&mut self) {
        self.may_be_open = true;
    }

    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_suspect && !self.may_be_open
    }

    pub(super) fn note_sure(&mut self) {
        self.is_sure = true;
    }

    pub(super) fn is_sure(&self) -> bool {
        self.is_sure
    }

    /// A level of this depth was to end.
    pub(super) fn level_ended(&mut self, depth: u32, is_done: bool) {
        self.is_sure = false;
        if !is_done {
            self.is_suspect = true;
        } else if depth == 1 {
            self.is_suspect = false;
            self.may_be_open = false;
        }
    }
}

impl fmt::Debug for BlockingPgConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPgConnection")
            .finish_non_exhaustive()
    }
}

impl Deref for BlockingPgConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.inner
    }
}

impl DerefMut for BlockingPgConnection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        // What is executed on it, nobody sees.
        self.executes(false);
        &mut self.inner
    }
}
