//! Receivers that are `async fn`: all that was claimed is in flight at once.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Errand, Trouble, delivery_of};
use crate::error::{Error, Result};
use crate::failure::FailureCause;
use crate::receiver::{BoxError, Incoming, Task};
use crate::session::{Claimed, Origin, Session, SessionConnection, stands_still};

/// How long nothing may be told before it is asked whether the runtime stands still.
const PATIENCE: Duration = Duration::from_secs(1);

impl Errand<'_> {
    /// Begins all on the runtime, waits for all, and then finishes those that were done.
    pub(super) fn in_flight<C: SessionConnection>(
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
        let (tell, told) = mpsc::channel();
        let mut running = Vec::with_capacity(tasks.len());
        for (place, (row, task)) in tasks.into_iter().enumerate() {
            let (tell, generation) = (tell.clone(), row.generation);
            let origin = Origin {
                receiver,
                generation,
            };
            let task = runtime.spawn(async move {
                let outcome = origin.perform(task).await;
                let _ = tell.send((place, outcome));
            });
            running.push((row, task, None));
        }
        drop(tell);
        self.manner.awaits.store(true, Ordering::Release);
        let is_stuck = loop {
            match told.recv_timeout(PATIENCE) {
                Ok((place, outcome)) => running[place].2 = Some(outcome),
                Err(RecvTimeoutError::Disconnected) => break false,
                // A worker goes on when somebody drives it again, until it is stopped.
                Err(RecvTimeoutError::Timeout) if self.manner.haste.is_none() => {}
                Err(RecvTimeoutError::Timeout) if !stands_still(&runtime) => {}
                Err(RecvTimeoutError::Timeout) => break true,
            }
        };
        self.manner.awaits.store(false, Ordering::Release);
        if is_stuck {
            for (_, task, _) in &running {
                task.abort();
            }
            // What was done meanwhile is done.
            while let Ok((place, outcome)) = told.try_recv() {
                running[place].2 = Some(outcome);
            }
        }
        let mut done = Vec::with_capacity(running.len());
        let mut given_back = Vec::new();
        for (row, _, outcome) in running {
            if is_stuck && outcome.is_none() {
                given_back.push(row);
                continue;
            }
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
        self.finish(session, &done)?;
        for row in given_back {
            self.release(session, row)?;
        }
        if is_stuck {
            let what = "waiting for an `async` receiver on a runtime of the current thread that nobody drives: call \
                        `deliver_all` in `database.run(..)` inside its `block_on`, or give the session a runtime with \
                        threads of its own";
            return Err(Error::Unsupported { what: what.into() });
        }
        Ok(())
    }
}
