//! For asynchronous applications: work on tokio's blocking pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::r2d2::R2D2Connection;
use tokio::task::{AbortHandle, spawn_blocking};

use super::Database;
use crate::error::Error;
use crate::session::{Session, SessionConnection};

impl<C: SessionConnection + R2D2Connection> Database<C> {
    /// Runs a closure with a session, on tokio's pool for blocking work.
    ///
    /// A future that is dropped before the closure has begun does nothing; one that is dropped
    /// later lets it run to its end, to commit or roll back as ever.
    ///
    /// # Errors
    ///
    /// What the closure returned, and those of [`session`](Self::session).
    ///
    /// # Panics
    ///
    /// If the closure panics, with its panic; outside of a tokio runtime.
    ///
    /// ```
    /// # async fn example(database: lback::sqlite::Database) -> lback::Result<()> {
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// let ada = database.run(move |session| UserRepository::new().create(session, new)).await?;
    /// # let _ = ada;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&mut Session<C>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let database = self.clone();
        let is_given_up = Arc::new(AtomicBool::new(false));
        let given_up = Arc::clone(&is_given_up);
        let task = spawn_blocking(move || {
            let mut session = database.session()?;
            if given_up.load(Ordering::Acquire) {
                // Nobody sees it: the future is gone.
                return Err(Error::SessionBroken.into());
            }
            work(&mut session)
        });
        let _on_drop = GiveUp {
            is_given_up,
            task: task.abort_handle(),
        };
        match task.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => Err(Error::Connection {
                    what: "the runtime was shut down before the work began".into(),
                    source: cancelled.into(),
                }
                .into()),
            },
        }
    }
}

/// Keeps work from beginning once nobody waits for it any more.
struct GiveUp {
    is_given_up: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.is_given_up.store(true, Ordering::Release);
        self.task.abort();
    }
}
