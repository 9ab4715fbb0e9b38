//! Waiting for what a runtime drives, on a thread that may block.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};

/// Blocks until the future is done.
///
/// Unlike the runtime's own `block_on` it may be nested: a receiver that waits may call a repository, which
/// waits too. Each waiting has a flag of its own, so that the inner one takes no waking from the outer one.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    // What is waited for may ask for the runtime, such as a timer; outside of one, it gets ours.
    let own = match Handle::try_current() {
        Ok(_) => None,
        Err(_) => background().ok(),
    };
    let _inside = own.as_ref().map(Handle::enter);
    let mut future = pin!(future);
    let bell = Arc::new(Bell {
        thread: thread::current(),
        has_rung: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        // A thread may be unparked by others, and for nothing.
        while !bell.has_rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

struct Bell {
    thread: Thread,
    has_rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A runtime on a thread of its own, made when it is first needed. It serves the connections that
/// [`connect`](super::connect) makes, so that whoever blocks on one never keeps it from being served.
pub(super) fn background() -> io::Result<Handle> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*runtime {
        return Ok(handle.clone());
    }
    let made = Builder::new_current_thread().enable_all().build()?;
    let handle = made.handle().clone();
    let thread = thread::Builder::new().name("lback-diesel-async".into());
    thread.spawn(move || made.block_on(std::future::pending::<()>()))?;
    *runtime = Some(handle.clone());
    Ok(handle)
}
