//! Who may work on a connection. Tasks that wait here hold no thread, however many they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clock;
use crate::error::{Error, Result};

/// As many permits as the pool has connections. Whoever calls `session()` takes none, so that behind the
/// gate the pool may still have to be waited for: by so many threads at most.
#[derive(Clone)]
pub(super) struct Gate {
    permits: Arc<Semaphore>,
    wait: Duration,
}

/// Nobody gave a connection back in time.
#[derive(Debug)]
struct Late(Duration);

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "none became free within {:?}", self.0)
    }
}

impl std::error::Error for Late {}

impl Gate {
    pub(super) fn new(connections: u32, wait: Duration) -> Self {
        let permits = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            wait,
        }
    }

    /// When somebody who comes now has waited long enough.
    pub(super) fn deadline(&self) -> Instant {
        // A pool of the caller's own may have been told to wait for longer.
        Instant::now() + self.wait.min(super::A_YEAR)
    }

    /// Waits for one's turn: who came first goes first.
    pub(super) async fn admit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        match clock::before(deadline, turn).await {
            Some(Ok(permit)) => Ok(permit),
            // It is never closed; should it be, there is nothing to wait for.
            Some(Err(_)) | None => Err(self.late()),
        }
    }

    pub(super) fn late(&self) -> Error {
        Error::Connection {
            what: "the pool has no connection to give".into(),
            source: Late(self.wait).into(),
        }
    }
}
