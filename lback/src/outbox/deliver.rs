//! Claiming rows and delivering them.

use super::delivered::{Delivered, Manner};
use super::errand::Errand;
use super::route::{Route, routes};
use crate::error::{Error, Result};
use crate::session::{Claim, Session, SessionConnection};
use crate::value::uuid_v7;

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
    /// [`Error::NotOutermost`] inside a transaction, [`Error::NoOutbox`] before the table was made, and what
    /// the database says. A failure of a receiver is none: it is reported as that of an effect is, see
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
        let manner = Manner {
            claim: 100,
            is_hasty: true,
            is_stopping: &|| false,
        };
        let mut all = Delivered::default();
        loop {
            let some = self.deliver_some(&routes, &manner)?;
            if some.count() == 0 {
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

    /// One round: a claim for each receiver that has something due.
    pub(super) fn deliver_some(
        &mut self,
        routes: &[Route],
        manner: &Manner<'_>,
    ) -> Result<Delivered> {
        let mut all = Delivered::default();
        let known: Vec<_> = routes.iter().map(|it| (it.id, it.signal())).collect();
        for place in self.about_outbox(|conn| conn.due(&known))? {
            if let (Some(route), false) = (routes.get(place), (manner.is_stopping)()) {
                all += self.deliver_to(route, manner)?;
            }
        }
        Ok(all)
    }

    /// Claims rows of one receiver, and delivers them.
    fn deliver_to(&mut self, route: &Route, manner: &Manner<'_>) -> Result<Delivered> {
        #[cfg(feature = "tokio")]
        if route.receiver.is_async {
            self.check_runtime(route.receiver)?;
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
            Err(error) if error.is_retryable() => return Ok(Delivered::default()),
            rows => rows?,
        };
        rows.sort_by_key(|row| row.seq);
        Errand::new(route, &token, manner).run(self, &rows)
    }
}
