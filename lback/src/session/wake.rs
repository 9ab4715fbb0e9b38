//! Waking up those who deliver, in this process.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many transactions of this process have stored something for durable receivers, and who waits for one.
pub(crate) struct Wake {
    count: Mutex<u64>,
    more: Condvar,
    told: Mutex<Option<Instant>>,
}

/// Of all databases: who was woken up for another looks in vain once.
pub(crate) static WAKE: Wake = Wake {
    count: Mutex::new(0),
    more: Condvar::new(),
    told: Mutex::new(None),
};

/// How often other processes are told at most.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

impl Wake {
    /// There is something to deliver, or to notice.
    pub(crate) fn up(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        self.more.notify_all();
    }

    /// How often there was something.
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there was something after `seen`, or until `most` is over.
    pub(crate) fn wait(&self, seen: u64, most: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .more
            .wait_timeout_while(count, most, |count| *count == seen);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether other processes may be told again. Those who were look once more after the pause.
    pub(crate) fn may_tell(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let may = told.is_none_or(|at| at.elapsed() >= PAUSE);
        if may {
            *told = Some(Instant::now());
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn fresh() -> Wake {
        Wake {
            count: Mutex::new(0),
            more: Condvar::new(),
            told: Mutex::new(None),
        }
    }

    #[test]
    fn who_has_seen_all_waits_for_what_comes_or_as_long_as_is_said() {
        let wake = Arc::new(fresh());
        wake.up();
        let start = Instant::now();
        wake.wait(wake.count(), Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20));

        let seen = wake.count();
        let waiting = thread::spawn({
            let wake = Arc::clone(&wake);
            move || wake.wait(seen, LONG)
        });
        wake.up();
        waiting.join().expect("nobody panics");
        assert!(start.elapsed() < LONG / 2);
    }

    #[test]
    fn who_has_not_seen_the_last_does_not_wait() {
        let wake = fresh();
        let start = Instant::now();
        for _ in 0..3 {
            let seen = wake.count();
            wake.up();
            wake.wait(seen, LONG);
        }
        assert!(start.elapsed() < LONG / 2);
    }

    #[test]
    fn others_are_told_at_once_and_then_no_more_until_the_pause_is_over() {
        let wake = fresh();
        for _ in 0..2 {
            let start = Instant::now();
            assert!(wake.may_tell());
            // Unless the machine has slept in between.
            assert!(!wake.may_tell() || start.elapsed() >= PAUSE);
            thread::sleep(PAUSE);
        }
    }
}
