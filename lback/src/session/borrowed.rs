//! A session for the length of a closure, on a connection that somebody else owns.

use super::{Owner, Session, SessionConnection, base_of, require_journal};
use crate::care::caught;
use crate::error::Error;
use crate::registry::Registry;

impl<C: SessionConnection> Session<C> {
    /// Makes a session of a connection that is only lent, for the length of a closure: what a
    /// framework's pool or an existing function passes on as `&mut PgConnection`. So an application
    /// adopts repositories and receivers function by function.
    ///
    /// The closure has a session like any other: what it does outside of
    /// [`transaction`](Self::transaction) commits operation by operation, and effects have run when
    /// it returns. State for its receivers is given with [`with`](Self::with). Failures of effects
    /// that nobody [took](Self::take_failures) are told on standard error.
    ///
    /// A connection inside a transaction is refused: whether that one commits, and with it what
    /// receivers were told, no session could know. Call this around the transaction, and begin it
    /// with [`transaction`](Self::transaction). In a test, one that Diesel's `begin_test_transaction`
    /// began does not count, as in [`for_test`](Self::for_test).
    ///
    /// # Errors
    ///
    /// What the closure returned; [`Error::AlreadyInTransaction`]; [`Error::Registry`]; as [`new`](Self::new). After
    /// [`Error::SessionBroken`] the connection is not fit for use either, and Diesel's pools drop it.
    ///
    /// # Panics
    ///
    /// If the closure does, once the connection is back. The process ends if the closure puts a
    /// session of a pool in the place of this one (`std::mem::swap`): there is no connection then
    /// that could be given back.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// /// A handler as it was before: its framework lends it a connection.
    /// fn sign_up(conn: &mut SqliteConnection, name: &str) -> lback::Result<UserId> {
    ///     let email = format!("{name}@example.com");
    ///     let new = NewUser::new(name, email, "correct horse battery")?;
    ///     Session::borrowing(conn, |session| {
    ///         Ok(UserRepository::new().create(session, new)?.id)
    ///     })
    /// }
    ///
    /// let mut conn = SqliteConnection::establish(":memory:").expect("SQLite opens");
    /// Session::borrowing(&mut conn, lback::sqlite::migrate)?;
    /// sign_up(&mut conn, "ada")?;
    /// assert_eq!(users::table.count().get_result(&mut conn), Ok(1_i64));
    /// # lback::Result::Ok(())
    /// ```
    pub fn borrowing<T, E: From<Error>>(
        connection: &mut C,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        Registry::known().map_err(Error::from)?;
        let base = base_of(connection)?;
        require_journal(connection)?;
        // A session has no lifetime, so that receivers can write `&mut Session`: it must own.
        let outcome = replace_with::replace_with_or_abort_and_return(connection, |connection| {
            let mut session = Self::of(Owner::Own(connection));
            session.ledger.set_base(base);
            let outcome = caught(|| work(&mut session));
            let Some(connection) = session.into_connection() else {
                std::process::abort();
            };
            (outcome, connection)
        });
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
