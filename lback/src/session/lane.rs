//! Where `async` receivers run: one after the other, in the order queued, on a runtime.

use std::collections::VecDeque;
use std::future::{poll_fn, ready};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;

use super::failure::{FailureHandler, LateFailures};
use super::{Failure, FailureCause};
use crate::care::{caught, drop_quietly, message_of, unless_it_panics};
use crate::receiver::{Registration, Task};
use crate::trace;

/// Who is at work in this task of the runtime. A session that is begun there goes on from it, so that
/// effects that cause effects are bounded.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) receiver: &'static Registration,
    pub(crate) generation: u32,
}

tokio::task_local! {
    static ORIGIN: Origin;
}

impl Origin {
    /// That of the task around this call, if it is an effect's.
    pub(crate) fn current() -> Option<Self> {
        ORIGIN.try_with(|origin| *origin).ok()
    }

    /// Drives an effect to its end. Neither its panic, nor that of what it leaves behind, goes further.
    pub(crate) async fn perform(self, task: Task) -> Result<(), FailureCause> {
        let mut task = trace::follow(self.receiver, task);
        let outcome = ORIGIN.scope(
            self,
            poll_fn(|context| match caught(|| task.as_mut().poll(context)) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
                Err(panic) => Poll::Ready(Err(panic)),
            }),
        );
        let outcome = outcome.await;
        let left_behind = drop_quietly(task);
        match (outcome, left_behind) {
            (Ok(Ok(())), None) => Ok(()),
            (Ok(Ok(())), Some(message)) => Err(FailureCause::Panic(message)),
            (Ok(Err(error)), _) => Err(FailureCause::of_error(error)),
            (Err(panic), _) => Err(FailureCause::Panic(message_of(panic))),
        }
    }
}

/// Whether whoever waits on this thread for what runs on `runtime` may keep it from running. tokio itself refuses
/// to wait on a thread of a runtime, by a panic.
pub(crate) fn must_not_wait(runtime: &Handle) -> bool {
    unless_it_panics(|| runtime.block_on(ready(()))).is_none()
}

/// The same of what was given to it elsewhere, so that any other of its threads may run it, if it has any.
pub(crate) fn has_no_other_thread(runtime: &Handle) -> bool {
    let has_others = runtime.runtime_flavor() != RuntimeFlavor::CurrentThread
        && runtime.metrics().num_workers() > 1;
    !has_others && must_not_wait(runtime)
}

/// Whether this is a runtime of the current thread that nobody drives: it stands still whenever nobody is in its
/// `block_on`, and does not tell.
pub(crate) fn stands_still(runtime: &Handle) -> bool {
    runtime.runtime_flavor() == RuntimeFlavor::CurrentThread && !answers(runtime)
}

/// The same, or whether all of the runtime's threads may wait for it, this one among them.
pub(crate) fn may_stand_still(runtime: &Handle) -> bool {
    let waits_from_outside =
        runtime.runtime_flavor() != RuntimeFlavor::CurrentThread && Handle::try_current().is_err();
    !waits_from_outside && !answers(runtime)
}

/// Whether the runtime runs a task that does nothing. A runtime that was shut down drops the task, and those that
/// somebody waits for with it, so that is an answer too.
fn answers(runtime: &Handle) -> bool {
    const PATIENCE: Duration = Duration::from_secs(3);
    let (tell, told) = mpsc::channel::<()>();
    let runtime = runtime.clone();
    // What a thread of the runtime spawns may be kept for that thread alone.
    let ask = move || drop(runtime.spawn(async move { drop(tell) }));
    let Ok(asked) = thread::Builder::new().spawn(ask) else {
        // Who cannot ask knows nothing.
        return true;
    };
    let is_asked = asked.join().is_ok();
    is_asked && !matches!(told.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout))
}

/// An effect that needs no session any more.
pub(super) struct Departed {
    pub(super) origin: Origin,
    pub(super) task: Task,
    pub(super) handler: Option<FailureHandler>,
}

/// The `async` effects of a session, in a row. They run whatever becomes of the session, and of whoever
/// waits for it.
pub(crate) struct Lane {
    runtime: Handle,
    queue: Mutex<Queue>,
    /// Told when the last one is done.
    idle: Notify,
    pub(super) failures: Arc<LateFailures>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Departed>,
    /// Whether a task of the runtime is at them.
    is_driven: bool,
}

impl Lane {
    pub(crate) fn on(runtime: Handle, failures: Arc<LateFailures>) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            queue: Mutex::default(),
            idle: Notify::new(),
            failures,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins when those before it are done, and at once if there are none.
    pub(super) fn add(self: &Arc<Self>, effect: Departed) {
        let mut queue = self.queue();
        queue.waiting.push_back(effect);
        if !std::mem::replace(&mut queue.is_driven, true) {
            drop(queue);
            let driver = Driver {
                lane: Arc::clone(self),
                at_work: None,
                is_done: false,
            };
            self.runtime.spawn(driver.drive());
        }
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The next one; without one, nobody drives any more.
    fn next(&self) -> Option<Departed> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        queue.is_driven = next.is_some();
        next
    }

    /// Waits until all are done.
    pub(crate) async fn finished(&self) {
        loop {
            let told = self.idle.notified();
            if !self.queue().is_driven {
                return;
            }
            told.await;
        }
    }

    fn report(
        &self,
        receiver: &'static Registration,
        cause: FailureCause,
        to: Option<FailureHandler>,
    ) {
        let failure = Failure {
            receiver: Some(receiver),
            phase: receiver.phase,
            cause,
        };
        self.failures.report(failure, to);
    }
}

/// The task that runs what is in a lane.
struct Driver {
    lane: Arc<Lane>,
    at_work: Option<(&'static Registration, Option<FailureHandler>)>,
    /// Then what is in the lane is another driver's.
    is_done: bool,
}

impl Driver {
    async fn drive(mut self) {
        while let Some(effect) = self.lane.next() {
            let Departed {
                origin,
                task,
                handler,
            } = effect;
            self.at_work = Some((origin.receiver, handler));
            let done = origin.perform(task).await;
            let at_work = self.at_work.take();
            if let (Err(cause), Some((receiver, handler))) = (done, at_work) {
                self.lane.report(receiver, cause, handler);
            }
        }
        self.is_done = true;
    }
}

/// Where a runtime is shut down it drops its tasks, wherever they are: what did not run to its end is
/// not lost in silence.
impl Drop for Driver {
    fn drop(&mut self) {
        if !self.is_done {
            let is_over =
                || FailureCause::Error("the runtime was shut down before it was done".into());
            if let Some((receiver, handler)) = self.at_work.take() {
                self.lane.report(receiver, is_over(), handler);
            }
            while let Some(effect) = self.lane.next() {
                drop_quietly(effect.task);
                self.lane
                    .report(effect.origin.receiver, is_over(), effect.handler);
            }
        }
        unless_it_panics(|| self.lane.idle.notify_waiters());
    }
}
