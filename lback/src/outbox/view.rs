//! What stands in the outbox, and what may be done about dead letters.

use std::time::{Duration, SystemTime};

use super::route::routes;
use crate::error::Result;
use crate::session::{DepthRow, LetterRow, OutboxTable, Session, SessionConnection, instant};

/// The outbox, seen through a session: [`Session::outbox`](crate::Session::outbox).
#[derive(Debug)]
pub struct Outbox<'s, C: SessionConnection> {
    session: &'s mut Session<C>,
}

/// How many rows a receiver has, by their state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// The receiver's id, as it stands in the rows.
    pub receiver: String,
    /// The signal's name.
    pub signal: String,
    /// Whether this program has that receiver. Rows of one that it has not are left alone.
    pub is_known: bool,
    /// Due, and nobody's; also those whose worker has not come back.
    pub ready: u64,
    /// Due later: after a failure, or a [`Snooze`](super::Snooze).
    pub scheduled: u64,
    /// A worker has them.
    pub running: u64,
    /// Waiting behind the first of their key.
    pub held: u64,
    /// Dead letters.
    pub dead: u64,
    /// How long the first that is ready has been due: what to be woken up for.
    pub lag: Duration,
}

/// A row that nobody tries to deliver any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The delivery's id.
    pub id: String,
    /// The receiver's id.
    pub receiver: String,
    /// The signal's name.
    pub signal: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was stored.
    pub queued_at: SystemTime,
    /// When it was given up.
    pub dead_at: SystemTime,
    /// What was wrong in the end.
    pub error: String,
    /// What was stored: a JSON object of the arguments, secrets masked.
    pub payload: String,
}

impl<C: SessionConnection> Session<C> {
    /// The outbox: how many rows wait for whom, and the dead letters.
    ///
    /// ```
    /// let mut session = lback::sqlite::connect(":memory:")?;
    /// lback::sqlite::migrate_outbox(&mut session)?;
    /// assert!(session.outbox().depths()?.is_empty());
    /// for letter in session.outbox().dead_letters(100)? {
    ///     println!("{} of {}: {}", letter.id, letter.receiver, letter.error);
    ///     session.outbox().replay(&letter.id)?;
    /// }
    /// # lback::Result::Ok(())
    /// ```
    pub fn outbox(&mut self) -> Outbox<'_, C> {
        Outbox { session: self }
    }
}

impl<C: SessionConnection> Outbox<'_, C> {
    /// How many rows there are, by receiver and signal. It reads the whole table: for once a minute.
    ///
    /// # Errors
    ///
    /// [`Error::NoOutbox`](crate::Error::NoOutbox) before the table was made.
    pub fn depths(&mut self) -> Result<Vec<Depth>> {
        let routes = routes(self.session)?;
        let rows = self.look(OutboxTable::depths)?;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let depth =
            |(receiver, signal, ready, scheduled, running, held, dead, lag): DepthRow| Depth {
                is_known: routes.iter().any(|route| route.is_of(&receiver, &signal)),
                receiver,
                signal,
                ready: count(ready),
                scheduled: count(scheduled),
                running: count(running),
                held: count(held),
                dead: count(dead),
                lag: Duration::from_micros(count(lag)),
            };
        Ok(rows.into_iter().map(depth).collect())
    }

    /// The dead letters, the oldest first, so many at most.
    ///
    /// # Errors
    ///
    /// As [`depths`](Self::depths).
    pub fn dead_letters(&mut self, most: u32) -> Result<Vec<DeadLetter>> {
        let rows = self.look(|conn| conn.letters(most))?;
        let letter =
            |(id, receiver, signal, attempts, queued_at, dead_at, error, payload): LetterRow| {
                DeadLetter {
                    id,
                    receiver,
                    signal,
                    attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                    queued_at: instant(queued_at),
                    dead_at: instant(dead_at),
                    error,
                    payload,
                }
            };
        Ok(rows.into_iter().map(letter).collect())
    }

    /// Makes a dead letter due again, under the same id and with all its attempts before it. False if there
    /// is no such dead letter.
    ///
    /// # Errors
    ///
    /// As [`depths`](Self::depths).
    pub fn replay(&mut self, id: &str) -> Result<bool> {
        self.change(id, OutboxTable::replay)
    }

    /// Forgets a dead letter. False if there is no such dead letter.
    ///
    /// # Errors
    ///
    /// As [`depths`](Self::depths).
    pub fn discard(&mut self, id: &str) -> Result<bool> {
        self.change(id, OutboxTable::discard)
    }

    fn look<T>(&mut self, query: impl FnOnce(&mut C) -> diesel::QueryResult<T>) -> Result<T> {
        let session = &mut *self.session;
        let found = session.statement(query);
        found.map_err(|error| session.without_outbox(error))
    }

    fn change(
        &mut self,
        id: &str,
        statement: impl FnOnce(&mut C, &str) -> diesel::QueryResult<usize>,
    ) -> Result<bool> {
        // What has not the form of an id is none, and PostgreSQL would call it an error.
        let has_form = id.len() == 36 && id.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit());
        if !has_form {
            return Ok(false);
        }
        let session = &mut *self.session;
        session.check_writable()?;
        let changed = session.write(|conn| statement(conn, id));
        let changed = changed.map_err(|error| session.without_outbox(error))?;
        Ok(changed > 0)
    }
}
