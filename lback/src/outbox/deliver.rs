//! Claiming rows and delivering them.

#[cfg(feature = "tokio")]
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::delivered::{Delivered, Haste, Manner};
use super::errand::Errand;
use super::route::{Route, routes};
use crate::error::{Error, Result};
#[cfg(feature = "tokio")]
use crate::session::must_not_wait;
use crate::session::{Claim, Session, SessionConnection};
use crate::value::uuid_v7;

/// How long only those are claimed for again who had more than one claim takes.
const LOOK: Duration = Duration::from_millis(20);

/// Whose turn it is to have rows claimed.
///
/// A question which receivers have something due costs as much as a claim. Whoever had as many rows as were
/// asked for has more of them, so most claims need no question. It is asked from time to time all the same, so
/// that nobody waits for another's long queue.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Places of routes that had as much as a claim takes.
    again: Vec<usize>,
    looked: Option<Instant>,
}

impl Turns {
    /// Those who certainly have more, unless it is time to look for others too.
    fn certain(&mut self) -> Option<Vec<usize>> {
        let again = std::mem::take(&mut self.again);
        let is_recent = self.looked.is_some_and(|looked| looked.elapsed() < LOOK);
        (is_recent && !again.is_empty()).then_some(again)
    }
}

impl<C: SessionConnection> Session<C> {
    /// Delivers all that is stored for durable receivers of this program, here and now: for tests and small
    /// programs. In a server, a worker does.
    ///
    /// What was put off, by a failure or by a [`Snooze`](super::Snooze), is delivered as if its time had come, and a
    /// failed attempt is followed by the next at once, up to the receiver's `max_attempts`. Rows that a
    /// receiver puts off meanwhile are left.
    ///
    /// # Errors
    ///
    /// [`Error::NotOutermost`] inside a transaction, [`Error::NoOutbox`] before the table was made,
    /// [`Error::Unsupported`] if a receiver is an `async fn` and this is a thread of a runtime, or its runtime is one
    /// of the current thread that runs nothing for some seconds (what was not done is due again then); and what the
    /// database says. A failure of a receiver is none: it is reported as that of an effect is, see
    /// [`take_failures`](Self::take_failures).
    ///
    /// ```standalone_crate
    /// use diesel::Connection as _;
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// #[receiver(user_post_create, durable, id = "mail.welcome")]
    /// fn welcome(user: &User) {
    ///     println!("Welcome, {}!", user.username);
    /// }
    ///
    /// let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
    /// let mut session = Session::for_test(connection)?;
    /// lback::sqlite::migrate(&mut session)?;
    /// lback::sqlite::migrate_outbox(&mut session)?;
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// UserRepository::new().create(&mut session, new)?;
    /// assert_eq!(session.deliver_all()?.done, 1);
    /// session.take_failures().assert_none();
    /// # lback::Result::Ok(())
    /// ```
    pub fn deliver_all(&mut self) -> Result<Delivered> {
        if self.in_transaction() {
            return Err(Error::NotOutermost);
        }
        self.check_writable()?;
        let routes = routes(self)?;
        for route in &routes {
            self.about_outbox(|conn| conn.hurry(route.id, route.signal()))?;
        }
        self.sweep_outbox(&routes)?;
        let haste = Haste::default();
        let manner = Manner {
            claim: 100,
            haste: Some(&haste),
            is_stopping: &|| false,
            #[cfg(feature = "tokio")]
            awaits: &AtomicBool::new(false),
        };
        let mut all = Delivered::default();
        let mut turns = Turns::default();
        loop {
            let some = self.deliver_some(&routes, &mut turns, &manner)?;
            if some.count() == 0 && turns.again.is_empty() {
                return Ok(all);
            }
            all += some;
        }
    }

    /// A statement of the outbox, outside of transactions.
    pub(super) fn about_outbox<T>(
        &mut self,
        statement: impl FnOnce(&mut C) -> diesel::QueryResult<T>,
    ) -> Result<T> {
        let result = self.statement(statement);
        result.map_err(|error| self.without_outbox(error))
    }

    /// Rows whose turn has come and whom nobody has told: whoever should have has died before.
    pub(super) fn sweep_outbox(&mut self, routes: &[Route]) -> Result<()> {
        for route in routes.iter().filter(|route| route.durable.is_ordered) {
            self.about_outbox(|conn| conn.sweep(route.id))?;
        }
        Ok(())
    }

    /// One round: a claim for each receiver that has something due. If no row comes of it, none was due, or
    /// others had them.
    pub(super) fn deliver_some(
        &mut self,
        routes: &[Route],
        turns: &mut Turns,
        manner: &Manner<'_>,
    ) -> Result<Delivered> {
        if let Some(again) = turns.certain() {
            let all = self.deliver_each(routes, &again, turns, manner)?;
            if all.count() > 0 {
                return Ok(all);
            }
        }
        let known: Vec<_> = routes.iter().map(|it| (it.id, it.signal())).collect();
        let due = self.about_outbox(|conn| conn.due(&known))?;
        turns.looked = Some(Instant::now());
        self.deliver_each(routes, &due, turns, manner)
    }

    fn deliver_each(
        &mut self,
        routes: &[Route],
        places: &[usize],
        turns: &mut Turns,
        manner: &Manner<'_>,
    ) -> Result<Delivered> {
        let mut all = Delivered::default();
        for &place in places {
            if let (Some(route), false) = (routes.get(place), (manner.is_stopping)()) {
                let (some, has_more) = self.deliver_to(route, manner)?;
                all += some;
                if has_more {
                    turns.again.push(place);
                }
            }
        }
        Ok(all)
    }

    /// Claims rows of one receiver, and delivers them: what came of it, and whether there were as many as a
    /// claim takes.
    fn deliver_to(&mut self, route: &Route, manner: &Manner<'_>) -> Result<(Delivered, bool)> {
        #[cfg(feature = "tokio")]
        if route.receiver.is_async {
            self.check_runtime(route.receiver)?;
            // A thread of a worker is none of a runtime.
            if manner.haste.is_some() && self.runtime().is_some_and(|it| must_not_wait(&it)) {
                let what = "waiting for an `async` receiver on a thread of the runtime, which may have to run it: \
                            call `deliver_all` in `database.run(..)`, or in `spawn_blocking`";
                return Err(Error::Unsupported { what: what.into() });
            }
        }
        let token = uuid_v7().ok_or_else(|| Error::Unsupported {
            what: "a lease: the operating system gives no random numbers".into(),
        })?;
        let claim = Claim {
            receiver: route.id,
            signal: route.signal(),
            version: route.durable.version,
            token: &token,
            lease: route.durable.lease,
            limit: manner.claim,
            is_ordered: route.durable.is_ordered,
        };
        let rows = self.about_outbox(|conn| conn.claim(&claim));
        let mut rows = match rows {
            // Others claim too, and one of two that wait for each other has to give way.
            Err(error) if error.is_retryable() => return Ok((Delivered::default(), false)),
            rows => rows?,
        };
        rows.sort_by_key(|row| row.seq);
        let has_more = rows.len() >= manner.claim as usize;
        if let Some(haste) = manner.haste {
            for row in haste.met_again(&mut rows) {
                self.about_outbox(|conn| conn.put_off(row.seq, &token, Haste::AGAIN, None))?;
            }
        }
        let delivered = Errand::new(route, &token, manner).run(self, &rows)?;
        Ok((delivered, has_more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_had_a_full_claim_is_claimed_for_again_without_a_question() {
        let mut turns = Turns::default();
        assert_eq!(turns.certain(), None);
        turns.looked = Some(Instant::now());
        assert_eq!(turns.certain(), None);
        turns.again = vec![2, 0];
        assert_eq!(turns.certain(), Some(vec![2, 0]));
        assert_eq!(turns.certain(), None);
    }

    #[test]
    fn but_not_for_long() {
        let mut turns = Turns {
            again: vec![1],
            looked: Instant::now().checked_sub(LOOK),
        };
        assert_eq!(turns.certain(), None);
        turns.looked = Some(Instant::now());
        assert_eq!(turns.certain(), None, "it is asked about them too");
    }
}
