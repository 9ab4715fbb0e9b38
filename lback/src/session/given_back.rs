//! A session's end that leaves its connection.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::{Owner, Session, SessionConnection};

/// In the place of a connection that was given back. A session that has none ends at once, and its end
/// asks no connection.
struct Gone<C>(PhantomData<fn() -> C>);

impl<C> Deref for Gone<C> {
    type Target = C;

    fn deref(&self) -> &C {
        unreachable!("a session that gave its connection back has ended")
    }
}

impl<C> DerefMut for Gone<C> {
    fn deref_mut(&mut self) -> &mut C {
        unreachable!("a session that gave its connection back has ended")
    }
}

impl<C: SessionConnection> Session<C> {
    /// Ends the session, and gives its connection back; `None` if it is not its own but a pool's, to
    /// which it returns.
    ///
    /// What is in it is as it was left: that of a session [for a test](Self::for_test) is inside the
    /// test transaction. Effects that wait for the end of that are forgotten, as at every end of a
    /// session.
    ///
    /// ```
    /// use lback::sqlite::prelude::*;
    ///
    /// let session = lback::sqlite::connect(":memory:")?;
    /// let connection: Option<SqliteConnection> = session.into_connection();
    /// assert!(connection.is_some());
    /// # lback::Result::Ok(())
    /// ```
    pub fn into_connection(mut self) -> Option<C> {
        self.leave_nothing_open();
        match self.take_connection() {
            Owner::Own(connection) => Some(connection),
            Owner::Lent(_) => None,
        }
    }

    pub(super) fn take_connection(&mut self) -> Owner<C> {
        let gone = Owner::Lent(Box::new(Gone(PhantomData)));
        std::mem::replace(&mut self.connection, gone)
    }

    /// A session that is taken out of its own closure, by another that is put in its place, ends inside its
    /// transaction. Whoever has the connection next must not find that open.
    pub(super) fn leave_nothing_open(&mut self) {
        if self.ledger.is_in_transaction() {
            self.undo_all();
        }
    }
}
