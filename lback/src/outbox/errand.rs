//! The delivery of rows that were claimed.

use std::any::Any;
use std::error::Error as StdError;
use std::time::{Duration, Instant};

use super::delivered::{Delivered, Manner};
use super::route::Route;
use super::{Snooze, Undeliverable};
use crate::error::{Error, Result, Retryable, causes};
use crate::failure::FailureCause;
#[cfg(feature = "tokio")]
use crate::receiver::Task;
use crate::receiver::{BoxError, Deliver, Delivery, Incoming, Undecodable};
#[cfg(feature = "tokio")]
use crate::session::Origin;
use crate::session::{Claimed, Session, SessionConnection};

/// How often what failed by a deadlock or the like is repeated at once.
const REPEATS: u32 = 5;

/// Of an error's text, so much is kept.
const MOST_OF_AN_ERROR: usize = 4_000;

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

    /// Begins all on the runtime, waits for all, and then finishes those that were done.
    #[cfg(feature = "tokio")]
    fn in_flight<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        rows: &[Claimed],
        call: fn(&mut dyn Any, &mut Incoming) -> std::result::Result<Task, BoxError>,
    ) -> Result<()> {
        let receiver = self.route.receiver;
        let runtime = session.runtime().ok_or(Error::NoRuntime { receiver })?;
        let mut tasks = Vec::with_capacity(rows.len());
        for row in rows {
            if self.is_too_late() {
                self.release(session, row)?;
                continue;
            }
            let begun = self.check_attempts(row).and_then(|()| {
                let (delivery, generation) = (delivery_of(self.route, row), row.generation);
                let task = session.begin_delivery(receiver, delivery, generation, |session| {
                    call(session as &mut dyn Any, &mut self.read(row)?)
                });
                task.map_err(Trouble::Receiver)
            });
            match begun {
                Ok(task) => tasks.push((row, task)),
                Err(trouble) => self.failed(session, row, trouble)?,
            }
        }
        // Not by `block_on`, which is refused on a thread of a runtime.
        let (tell, told) = std::sync::mpsc::channel();
        let mut running = Vec::with_capacity(tasks.len());
        for (place, (row, task)) in tasks.into_iter().enumerate() {
            let (tell, generation) = (tell.clone(), row.generation);
            let origin = Origin {
                receiver,
                generation,
            };
            runtime.spawn(async move {
                let outcome = origin.perform(task).await;
                let _ = tell.send((place, outcome));
            });
            running.push((row, None));
        }
        drop(tell);
        for (place, outcome) in told {
            running[place].1 = Some(outcome);
        }
        let mut done = Vec::with_capacity(running.len());
        for (row, outcome) in running {
            let outcome = outcome.unwrap_or_else(|| {
                let why = "the runtime was shut down before it was done";
                Err(FailureCause::Error(why.into()))
            });
            session.observe_delivery(receiver, &outcome);
            match outcome {
                Ok(()) => done.push(row.seq),
                Err(cause) => self.failed(session, row, Trouble::Receiver(cause))?,
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
                    Err(_) => session.check_usable()?,
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

    fn failed<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        row: &Claimed,
        trouble: Trouble,
    ) -> Result<()> {
        // Where the connection is gone, nobody can say anything about the row: its lease will run out.
        if let Err(gone) = session.check_usable() {
            return match trouble {
                Trouble::Session(error) => Err(error),
                _ => Err(gone),
            };
        }
        let Some(cause) = trouble.into_cause() else {
            self.all.lost += 1;
            return Ok(());
        };
        let (seq, token) = (row.seq, self.token);
        if let Some(Snooze(after)) = found::<Snooze>(&cause) {
            let after = *after;
            let held = session.statement(|conn| conn.put_off(seq, token, after, None))?;
            self.count(held, |all| &mut all.snoozed);
            return Ok(());
        }
        let text = shortened(cause.to_string());
        let is_hopeless = found::<Undeliverable>(&cause).is_some();
        if is_hopeless || row.attempts >= self.route.durable.max_attempts {
            let held = session.statement(|conn| conn.bury(seq, token, &text))?;
            self.count(held, |all| &mut all.dead);
        } else {
            let after = if self.manner.is_hasty {
                Duration::ZERO
            } else {
                pause(row.attempts)
            };
            let held = session.statement(|conn| conn.put_off(seq, token, after, Some(&text)))?;
            self.count(held, |all| &mut all.failed);
        }
        session.report_delivery(self.route.receiver, cause);
        Ok(())
    }

    /// Something was done to the row, if it was still held.
    fn count(&mut self, held: usize, of: impl FnOnce(&mut Delivered) -> &mut u64) {
        let what = match held {
            0 => &mut self.all.lost,
            _ => of(&mut self.all),
        };
        *what += 1;
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

/// How long to wait after so many attempts: a second, doubled each time up to six hours; ten per cent more or
/// less, so that those which failed together do not come back together.
fn pause(attempts: u32) -> Duration {
    const MOST: u64 = 6 * 3_600;
    let seconds = (1_u64 << (attempts.max(1) - 1).min(20)).min(MOST);
    let mut random = [0_u8; 2];
    // Without random numbers they come back together.
    let _ = getrandom::fill(&mut random);
    let jitter = f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX);
    Duration::from_secs(seconds).mul_f64(0.9 + 0.2 * jitter)
}

fn shortened(mut text: String) -> String {
    if text.len() > MOST_OF_AN_ERROR {
        let end = (0..=MOST_OF_AN_ERROR)
            .rev()
            .find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or_default());
    }
    text
}

/// What a receiver has returned, wherever it stands among the causes.
fn found<T: StdError + 'static>(cause: &FailureCause) -> Option<&T> {
    match cause {
        FailureCause::Error(error) => causes(error.as_ref()).find_map(|error| error.downcast_ref()),
        FailureCause::Panic(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{pause, shortened};

    #[test]
    fn pauses_double_up_to_six_hours() {
        for (attempts, seconds) in [
            (1, 1.0),
            (2, 2.0),
            (5, 16.0),
            (20, 21_600.0),
            (99, 21_600.0),
        ] {
            let pause = pause(attempts).as_secs_f64();
            assert!(
                (seconds * 0.9..=seconds * 1.1).contains(&pause),
                "{attempts}: {pause}"
            );
        }
    }

    #[test]
    fn a_long_text_ends_at_a_letter() {
        let text = shortened("ä".repeat(3_000));
        assert_eq!(text.chars().count(), 2_000);
    }
}
