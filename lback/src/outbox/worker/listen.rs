//! Hearing of the commits of other processes, on `PostgreSQL`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use super::{WorkerBuilder, warn};
use crate::error::{Result, not_connected};
use crate::session::{WAKE, WAKE_PAUSE};

/// How often to look what was heard: libpq has no way to wait that can be stopped.
const LOOK: Duration = Duration::from_millis(10);

impl WorkerBuilder<PgConnection> {
    /// Wakes up at the commits of other processes too, by LISTEN on a connection of its own. A pooler
    /// that hands out another connection for each transaction cannot do that: give the server's address.
    ///
    /// Where the connection is lost, it is made anew; meanwhile the worker looks by itself.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`](crate::Error::Connection).
    pub fn listen(mut self, url: &str) -> Result<Self> {
        let first = connect(url)?;
        let url = url.to_owned();
        self.listeners
            .push(Box::new(move |stop| listen(first, &url, stop)));
        Ok(self)
    }
}

fn connect(url: &str) -> Result<PgConnection> {
    let mut connection = PgConnection::establish(url)
        .map_err(|error| not_connected("PostgreSQL does not let us in", url, error))?;
    connection.batch_execute("LISTEN lback_outbox")?;
    Ok(connection)
}

fn listen(first: PgConnection, url: &str, stop: &AtomicBool) {
    let mut connection = Some(first);
    while !stop.load(Ordering::Acquire) {
        let heard = connection.as_mut().map(|connection| {
            let mut heard = 0_usize;
            for notification in connection.notifications_iter() {
                notification?;
                heard += 1;
            }
            diesel::QueryResult::Ok(heard)
        });
        match heard {
            Some(Ok(0)) => std::thread::sleep(LOOK),
            Some(Ok(_)) => {
                WAKE.up();
                // Whoever has told says nothing of what it commits in the next moment.
                std::thread::sleep(WAKE_PAUSE);
                WAKE.up();
            }
            Some(Err(error)) => {
                warn(&format!("the connection that listens is lost: {error}"));
                connection = None;
            }
            None => {
                std::thread::sleep(Duration::from_millis(500));
                connection = connect(url).ok();
                WAKE.up();
            }
        }
    }
}
