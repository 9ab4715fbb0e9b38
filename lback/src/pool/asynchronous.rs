//! For asynchronous applications: work on tokio's blocking pool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use diesel::r2d2::R2D2Connection;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::{Database, clock};
use crate::care::Quietly;
use crate::error::Error;
use crate::session::{Failures, Lane, LateFailures, Origin, Session, SessionConnection};

impl<C: SessionConnection + R2D2Connection> Database<C> {
    /// Runs a closure with a session, on tokio's pool for blocking work.
    ///
    /// Who waits for a connection holds no thread, and waits no longer than
    /// [told](super::DatabaseBuilder::wait), however many wait. A future that is dropped before the
    /// closure has begun does nothing; one that is dropped later lets it run to its end, to commit or
    /// roll back as ever.
    ///
    /// `async` receivers begin as soon as their transaction has committed, beside the closure, and hold
    /// no connection. The future is done when they are; dropping it stops none of them.
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
        let deadline = self.gate.deadline();
        let permit = self.gate.admit(deadline).await?;
        let database = self.clone();
        let failures = Arc::clone(self.settings.late_failures());
        let session = move || {
            let rest = deadline.saturating_duration_since(Instant::now());
            database.session_within(rest)
        };
        let mut run = Run::start(failures, permit, session, work);
        let done = match clock::before(deadline, &mut run.task).await {
            Some(done) => done,
            // The application's own work has all threads of the runtime.
            None if run.progress.leaves_the_queue() => return Err(self.gate.late().into()),
            None => (&mut run.task).await,
        };
        run.finish(done).await
    }

    /// Takes the failures of `async` receivers that no handler was given: the last 100, and how many there
    /// were. Those of others are the session's: see [`Session::take_failures`].
    pub fn take_failures(&self) -> Failures {
        self.settings.late_failures().take()
    }
}

/// Runs `work` with a session that is made on a thread which may block, and kept from nobody else.
#[cfg(feature = "diesel-async")]
pub(crate) async fn run_session<C: SessionConnection, T, E>(
    failures: Arc<LateFailures>,
    session: impl FnOnce() -> Result<Session<C>, Error> + Send + 'static,
    work: impl FnOnce(&mut Session<C>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let mut run = Run::start(failures, (), session, work);
    let done = (&mut run.task).await;
    run.finish(done).await
}

/// Work that was given to a thread. If it is dropped before that has begun, it does nothing.
struct Run<T> {
    task: JoinHandle<T>,
    progress: Arc<Progress>,
    lane: Arc<Lane>,
}

impl<T, E> Run<Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    /// `permit` is given back last, when the session is in its pool again.
    fn start<C: SessionConnection>(
        failures: Arc<LateFailures>,
        permit: impl Send + 'static,
        session: impl FnOnce() -> Result<Session<C>, Error> + Send + 'static,
        work: impl FnOnce(&mut Session<C>) -> Result<T, E> + Send + 'static,
    ) -> Self {
        let lane = Lane::on(Handle::current(), failures);
        let (effects, origin) = (Arc::clone(&lane), Origin::current());
        let progress = Arc::new(Progress::new());
        let seen = Arc::clone(&progress);
        let task = spawn_blocking(move || {
            // It wakes others, whose panic is none of this work.
            let _permit = Quietly::new(permit);
            if !seen.has_thread() {
                return Err(Error::SessionBroken.into());
            }
            let mut session = session()?;
            session.set_lane(effects);
            session.goes_on_from(origin);
            if !seen.begins() {
                return Err(Error::SessionBroken.into());
            }
            let done = work(&mut session);
            session.rest();
            done
        });
        Self {
            task,
            progress,
            lane,
        }
    }

    /// Once the work is done: waits for the effects that it has left behind.
    async fn finish(self, done: Result<Result<T, E>, JoinError>) -> Result<T, E> {
        self.lane.finished().await;
        done.unwrap_or_else(|error| Err(lost(error).into()))
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        self.progress.is_dropped();
        self.task.abort();
    }
}

/// Why there is no result: goes on with the closure's panic, if that is why.
fn lost(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(cancelled) => Error::Connection {
            what: "the runtime was shut down before the work began".into(),
            source: cancelled.into(),
        },
    }
}

/// How far a piece of work is. Its thread and its future decide on one lock whether it begins.
struct Progress(Mutex<Stage>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for a thread.
    Queued,
    /// Has a thread, and waits for a connection.
    HasThread,
    Begun,
    /// Nobody waits for it any more, and it never begins.
    GivenUp,
}

impl Progress {
    fn new() -> Self {
        Self(Mutex::new(Stage::Queued))
    }

    /// Goes on from one of these stages; says whether it was in one.
    fn advance(&self, from: &[Stage], to: Stage) -> bool {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = from.contains(&stage);
        if is_there {
            *stage = to;
        }
        is_there
    }

    fn has_thread(&self) -> bool {
        self.advance(&[Stage::Queued], Stage::HasThread)
    }

    fn begins(&self) -> bool {
        self.advance(&[Stage::HasThread], Stage::Begun)
    }

    fn leaves_the_queue(&self) -> bool {
        self.advance(&[Stage::Queued], Stage::GivenUp)
    }

    fn is_dropped(&self) {
        self.advance(&[Stage::Queued, Stage::HasThread], Stage::GivenUp);
    }
}
