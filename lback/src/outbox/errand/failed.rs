//! Deliveries that came to nothing: when each is tried again, and whether.

use std::error::Error as StdError;
use std::time::Duration;

use super::{Errand, Trouble};
use crate::care::drop_quietly;
use crate::error::{Result, causes};
use crate::failure::FailureCause;
use crate::outbox::delivered::{Delivered, Haste};
use crate::outbox::{Snooze, Undeliverable};
use crate::session::{Claimed, Session, SessionConnection};

/// Of an error's text, so much is kept.
const MOST_OF_AN_ERROR: usize = 4_000;

/// What was said of a row.
enum Said {
    /// Its receiver wants it later.
    PutOff,
    Failed,
}

impl Errand<'_> {
    /// Says of a row what its failure means: again later, or never.
    pub(super) fn failed<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        row: &Claimed,
        trouble: Trouble,
    ) -> Result<()> {
        // Where the connection is gone, nobody can say anything about the row: its lease will run out.
        if let Err(gone) = session.check_usable() {
            return match trouble {
                Trouble::Session(error) => Err(error),
                trouble => {
                    drop_quietly(trouble);
                    Err(gone)
                }
            };
        }
        let Some(cause) = trouble.into_cause() else {
            self.all.lost += 1;
            return Ok(());
        };
        let said = self.say(session, row, &cause);
        if let Ok(Said::Failed) = said {
            session.report_delivery(self.route.receiver, cause);
        } else {
            drop_quietly(cause);
        }
        said.map(drop)
    }

    fn say<C: SessionConnection>(
        &mut self,
        session: &mut Session<C>,
        row: &Claimed,
        cause: &FailureCause,
    ) -> Result<Said> {
        let (seq, token) = (row.seq, self.token);
        if let Some(Snooze(after)) = found::<Snooze>(cause) {
            let mut after = *after;
            if let Some(haste) = self.manner.haste {
                haste.put_off(row);
                after = after.max(Haste::LEAST);
            }
            let held = session.statement(|conn| conn.put_off(seq, token, after, None))?;
            self.count(held, |all| &mut all.snoozed);
            return Ok(Said::PutOff);
        }
        let text = shortened(cause.to_string());
        let is_hopeless = found::<Undeliverable>(cause).is_some();
        if is_hopeless || row.attempts >= self.route.durable.max_attempts {
            let held = session.statement(|conn| conn.bury(seq, token, &text))?;
            self.count(held, |all| &mut all.dead);
        } else {
            let after = if self.manner.haste.is_some() {
                Duration::ZERO
            } else {
                pause(row.attempts)
            };
            let held = session.statement(|conn| conn.put_off(seq, token, after, Some(&text)))?;
            self.count(held, |all| &mut all.failed);
        }
        Ok(Said::Failed)
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
