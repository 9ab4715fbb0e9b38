//! The delivery of rows that were claimed.

mod failed;
#[cfg(feature = "tokio")]
mod in_flight;

use std::any::Any;
use std::time::{Duration, Instant};

use super::delivered::{Delivered, Manner};
use super::route::Route;
use crate::care::drop_quietly;
use crate::error::{Error, Result, Retryable};
use crate::failure::FailureCause;
use crate::receiver::{BoxError, Deliver, Delivery, Incoming, Undecodable};
use crate::session::{Claimed, Session, SessionConnection};

/// How often what failed by a deadlock or the like is repeated at once.
const REPEATS: u32 = 5;

/// Why a delivery came to nothing.
enum Trouble {
    /// Somebody else has the row by now.
    Lost,
    Receiver(FailureCause),
    Session(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl Trouble {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Receiver(FailureCause::Error(error)) => error.is_retryable(),
            Self::Session(error) => error.is_retryable(),
            Self::Receiver(FailureCause::Panic(_)) | Self::Lost => false,
        }
    }

    fn into_cause(self) -> Option<FailureCause> {
        match self {
            Self::Lost => None,
            Self::Receiver(cause) => Some(cause),
            Self::Session(error) => Some(FailureCause::Error(error.into())),
        }
    }
}

/// Rows of one receiver that were claimed together.
pub(super) struct Errand<'a> {
    route: &'a Route,
    token: &'a str,
    manner: &'a Manner<'a>,
    /// What has not begun by then might not end within its lease.
    late: Instant,
    all: Delivered,
}

impl<'a> Errand<'a> {
    pub(super) fn new(route: &'a Route, token: &'a str, manner: &'a Manner<'a>) -> Self {
        let lease = Duration::from_secs(route.durable.lease.into());
        Self {
            route,
            token,
            manner,
            late: Instant::now() + lease / 2,
            all: Delivered::default(),
        }
    }

    /// Calls the receiver for each, as its signature says.
    pub(super) fn run<C: SessionConnection>(
        mut self,
        session: &mut Session<C>,
        rows: &[Claimed],
    ) -> Result<Delivered> {
        #[cfg(feature = "tokio")]
        if let Deliver::Async(begin) = self.route.durable.deliver {
            self.in_flight(session, rows, begin)?;
            return self.done(session, rows);
        }
        if self.route.receiver.uses_session {
            self.exactly_once(session, rows)?;
        } else {
            self.at_least_once(session, rows)?;
        }
        self.done(session, rows)
    }

    /// Calls all, outside of transactions, and then finishes those that were done.
    fn at_least_once<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        rows: &[Claimed],
    ) -> Result<()> {
        let mut done = Vec::with_capacity(rows.len());
        for row in rows {
            if self.is_too_late() {
                self.release(session, row)?;
                continue;
            }
            match self.call(session, row) {
                Ok(()) => done.push(row.seq),
                Err(trouble) => self.failed(session, row, trouble)?,
            }
        }
        self.finish(session, &done)
    }

    /// Marks rows as done after they were.
    fn finish<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        done: &[i64],
    ) -> Result<()> {
        if !done.is_empty() {
            let gone = session.statement(|conn| conn.finish(done, self.token))? as u64;
            self.all.done += gone;
            self.all.lost += done.len() as u64 - gone;
        }
        Ok(())
    }

    /// What came of it all. Of an ordered receiver, the next of each key have their turn.
    fn done<C: SessionConnection>(
        self,
        session: &mut Session<C>,
        rows: &[Claimed],
    ) -> Result<Delivered> {
        if self.route.durable.is_ordered && self.all.done > 0 {
            // After the commit of what was before them, so that they are seen by this, or see it gone.
            let keys: Vec<_> = rows.iter().filter_map(|row| row.key.as_deref()).collect();
            session.about_outbox(|conn| conn.promote(self.route.id, &keys))?;
        }
        Ok(self.all)
    }

    /// Calls each in one transaction with its finish; up to `batch` of them share one.
    fn exactly_once<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        rows: &[Claimed],
    ) -> Result<()> {
        let batch = (self.route.durable.batch as usize).max(1);
        for chunk in rows.chunks(batch) {
            if chunk.len() > 1 && !self.is_too_late() {
                match self.together(session, chunk) {
                    Ok(()) => {
                        self.all.done += chunk.len() as u64;
                        continue;
                    }
                    // Nothing of it is stored: each again by itself.
                    Err(trouble) => {
                        drop_quietly(trouble);
                        session.check_usable()?;
                    }
                }
            }
            for row in chunk {
                if self.is_too_late() {
                    self.release(session, row)?;
                    continue;
                }
                match self.repeatedly(session, row) {
                    Ok(()) => self.all.done += 1,
                    Err(trouble) => self.failed(session, row, trouble)?,
                }
            }
        }
        Ok(())
    }

    /// What failed by something that goes away by itself is repeated at once.
    fn repeatedly<C: SessionConnection>(
        &self,
        session: &mut Session<C>,
        row: &Claimed,
    ) -> std::result::Result<(), Trouble> {
        let mut repeats = 0;
        loop {
            match self.together(session, std::slice::from_ref(row)) {
                Err(trouble)
                    if repeats < REPEATS
                        && trouble.is_retryable()
                        && !self.is_too_late()
                        && session.check_usable().is_ok() =>
                {
                    drop_quietly(trouble);
                    repeats += 1;
                    std::thread::sleep(Duration::from_millis(5 << repeats));
                }
                outcome => return outcome,
            }
        }
    }

    fn together<C: SessionConnection>(
        &self,
        session: &mut Session<C>,
        rows: &[Claimed],
    ) -> std::result::Result<(), Trouble> {
        let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
        session.transaction(|session| {
            // First, so that whoever takes a row over meanwhile waits for what comes of this.
            let gone = session.write(|conn| conn.finish(&seqs, self.token))?;
            if gone != seqs.len() {
                return Err(Trouble::Lost);
            }
            rows.iter().try_for_each(|row| self.call(session, row))
        })
    }

    /// Calls the receiver.
    fn call<C: SessionConnection>(
        &self,
        session: &mut Session<C>,
        row: &Claimed,
    ) -> std::result::Result<(), Trouble> {
        self.check_attempts(row)?;
        let (receiver, deliver) = (self.route.receiver, self.route.durable.deliver);
        let delivery = delivery_of(self.route, row);
        let called = session.run_delivery(receiver, delivery, row.generation, |session| {
            let mut incoming = self.read(row)?;
            match deliver {
                Deliver::Sync(deliver) => deliver(session as &mut dyn Any, &mut incoming),
                #[cfg(feature = "tokio")]
                Deliver::Async(_) => Err(Error::NoRuntime { receiver }.into()),
            }
        });
        called.map_err(Trouble::Receiver)
    }

    /// One attempt more than allowed: those before have all ended with their process.
    fn check_attempts(&self, row: &Claimed) -> std::result::Result<(), Trouble> {
        let most = self.route.durable.max_attempts;
        if row.attempts > most {
            let why = format!("at none of {most} attempts did its worker come back");
            return Err(Trouble::Receiver(FailureCause::Error(why.into())));
        }
        Ok(())
    }

    /// What was stored, in its present form.
    fn read(&self, row: &Claimed) -> std::result::Result<Incoming, BoxError> {
        let payload = serde_json::from_str(&row.payload)
            .map_err(|error| Undecodable(format!("what is stored is no JSON: {error}")))?;
        let durable = self.route.durable;
        let payload = match durable.upcast {
            Some(upcast) if row.version < durable.version => upcast(row.version, payload)?,
            _ => payload,
        };
        Ok(Incoming::new(payload))
    }

    fn is_too_late(&self) -> bool {
        (self.manner.is_stopping)() || Instant::now() > self.late
    }

    /// Gives a row back, and its attempt.
    fn release<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        row: &Claimed,
    ) -> Result<()> {
        let held =
            session.statement(|conn| conn.put_off(row.seq, self.token, Duration::ZERO, None))?;
        self.all.released += held as u64;
        self.all.lost += 1 - (held as u64).min(1);
        Ok(())
    }
}

fn delivery_of(route: &Route, row: &Claimed) -> Delivery {
    Delivery {
        id: row.id.clone(),
        receiver: route.id,
        signal: route.signal(),
        attempt: row.attempts,
        queued_at: row.queued_at,
        seq: row.seq,
    }
}
