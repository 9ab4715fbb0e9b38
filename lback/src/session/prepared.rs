//! Which statements stay prepared on the connection.

use diesel::connection::CacheSize;

use super::{Session, SessionConnection};

/// How many shapes of an update stay prepared, for each repository.
#[derive(Clone, Copy, Debug)]
pub(super) enum Prepared {
    Kept { updates: u32 },
    Nothing,
}

impl Default for Prepared {
    fn default() -> Self {
        Self::Kept { updates: u32::MAX }
    }
}

impl<C: SessionConnection> Session<C> {
    /// How many shapes of an update stay prepared on the connection, for each repository; the
    /// first 16 that the program has used, unless told.
    ///
    /// The text of an update depends on which columns it sets. One of another shape is prepared
    /// anew each time, and given back. MySQL holds no more than 16,382 statements
    /// (`max_prepared_stmt_count`) for all its connections together.
    ///
    /// ```
    /// let session = lback::sqlite::connect(":memory:")?.with_prepared_updates(4);
    /// # let _ = session;
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_prepared_updates(mut self, most: u32) -> Self {
        if let Prepared::Kept { updates } = &mut self.prepared {
            *updates = most;
        }
        self
    }

    /// No statement stays prepared, neither the repositories' nor those of your own queries:
    /// each is prepared, executed once and given back.
    ///
    /// For poolers that hand out another connection of the server for each transaction, such as
    /// `PgBouncer` in transaction mode: what was prepared on one is not there on the next, or is
    /// another statement of the same name.
    ///
    /// ```no_run
    /// let session = lback::sqlite::connect("app.db")?.without_prepared_statements();
    /// # let _ = session;
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn without_prepared_statements(mut self) -> Self {
        self.prepared = Prepared::Nothing;
        self.raw()
            .set_prepared_statement_cache_size(CacheSize::Disabled);
        self
    }

    pub(crate) fn kept_updates(&self) -> usize {
        match self.prepared {
            Prepared::Kept { updates } => updates as usize,
            Prepared::Nothing => 0,
        }
    }
}
