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
