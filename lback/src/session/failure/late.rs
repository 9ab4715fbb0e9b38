//! Failures of what runs beside a session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Failure, FailureHandler, Failures, tell, tell_if_unlogged};
use crate::care::drop_quietly;

/// Failures of what runs beside a session, which may be gone by then.
#[derive(Default)]
pub(crate) struct LateFailures {
    kept: Mutex<Failures>,
    has_told: AtomicBool,
}

impl LateFailures {
    fn kept(&self) -> MutexGuard<'_, Failures> {
        let kept = self.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the handler, or keeps it. The handler may take what is kept.
    pub(in crate::session) fn report(&self, failure: Failure, handler: Option<FailureHandler>) {
        let mut has_told = self.has_told.load(Ordering::Relaxed);
        let untold = tell(failure, handler, &mut has_told);
        self.has_told.store(has_told, Ordering::Relaxed);
        if let Some(failure) = untold {
            self.kept().keep(failure);
        }
    }

    pub(crate) fn take(&self) -> Failures {
        std::mem::take(&mut *self.kept())
    }
}

impl Drop for LateFailures {
    fn drop(&mut self) {
        let kept = self.take();
        if kept.count > u64::from(*self.has_told.get_mut()) {
            tell_if_unlogged(|| {
                let count = kept.count;
                eprintln!("lback: {count} failures of `async` receivers were taken by nobody");
            });
        }
        for failure in kept.latest {
            drop_quietly(failure);
        }
    }
}
