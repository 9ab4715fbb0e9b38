//! What each thread of a worker does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use diesel::r2d2::R2D2Connection;

use super::warn;
use crate::care::{caught, message_of};
use crate::error::Result;
use crate::outbox::Delivered;
use crate::outbox::deliver::Turns;
use crate::outbox::delivered::Manner;
use crate::outbox::route::Route;
use crate::pool::Database;
use crate::receiver::Delivery;
use crate::session::{Session, SessionConnection, WAKE};

/// How often rows are looked for whose turn nobody announced, because whoever should have has died.
const SWEEP: Duration = Duration::from_secs(2);

/// Where sessions come from, and where `async` receivers run.
pub(super) struct Place<C: SessionConnection + R2D2Connection> {
    pub(super) database: Database<C>,
    #[cfg(feature = "tokio")]
    pub(super) runtime: Option<tokio::runtime::Handle>,
}

impl<C: SessionConnection + R2D2Connection> Clone for Place<C> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            #[cfg(feature = "tokio")]
            runtime: self.runtime.clone(),
        }
    }
}

impl<C: SessionConnection + R2D2Connection> Place<C> {
    pub(super) fn session(&self) -> Result<Session<C>> {
        let session = self.database.session()?.with_state(self.database.clone());
        #[cfg(feature = "tokio")]
        if let Some(runtime) = &self.runtime {
            return Ok(session.with_runtime(runtime.clone()));
        }
        Ok(session)
    }
}

/// Fails if a receiver will ask for a state that is not there.
pub(super) fn check_states<C: SessionConnection>(
    session: &mut Session<C>,
    routes: &[Route],
) -> Result<()> {
    let delivery = Delivery {
        id: String::new(),
        receiver: "",
        signal: "",
        attempt: 1,
        queued_at: SystemTime::UNIX_EPOCH,
        seq: 0,
    };
    session.with(delivery, |session| {
        let mut needs = routes.iter().flat_map(|route| {
            route
                .receiver
                .states
                .iter()
                .map(|need| (route.receiver, need))
        });
        needs.try_for_each(|(receiver, need)| session.check_state(receiver, *need))
    })
}

/// What each thread has.
pub(super) struct Hand<C: SessionConnection + R2D2Connection> {
    pub(super) place: Place<C>,
    pub(super) routes: Arc<[Route]>,
    pub(super) claim: u32,
    pub(super) poll: Duration,
    pub(super) stop: Arc<AtomicBool>,
    /// Whether this thread waits for what a runtime has to do.
    #[cfg(feature = "tokio")]
    pub(super) awaits: Arc<AtomicBool>,
    /// When one of the threads last looked for rows whose turn nobody announced.
    pub(super) swept: Arc<Mutex<Option<Instant>>>,
}

impl<C: SessionConnection + R2D2Connection> Hand<C> {
    /// For one more thread.
    pub(super) fn another(&self) -> Self {
        Self {
            place: self.place.clone(),
            routes: Arc::clone(&self.routes),
            claim: self.claim,
            poll: self.poll,
            stop: Arc::clone(&self.stop),
            #[cfg(feature = "tokio")]
            awaits: Arc::default(),
            swept: Arc::clone(&self.swept),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn must_sweep(&self) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let must = swept.is_none_or(|at| at.elapsed() >= SWEEP);
        if must {
            *swept = Some(Instant::now());
        }
        must
    }

    pub(super) fn work(self) -> Delivered {
        let mut all = Delivered::default();
        while !self.is_stopping() {
            let seen = WAKE.count();
            // What panics here is no receiver: a failure handler, or a connection's instrumentation.
            let round = caught(|| self.deliver(&mut all));
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn(&format!("the outbox cannot be delivered: {error:#}")),
                Err(panic) => {
                    let message = message_of(panic);
                    warn(&format!(
                        "delivering the outbox panicked outside of any receiver: {message}"
                    ));
                }
            }
            if !self.is_stopping() {
                WAKE.wait(seen, jittered(self.poll));
            }
        }
        all
    }

    /// Delivers until nothing is due. The connection goes back to the pool then: others wait for it.
    fn deliver(&self, all: &mut Delivered) -> Result<()> {
        let mut session = self.place.session()?;
        let manner = Manner {
            claim: self.claim,
            haste: None,
            is_stopping: &|| self.is_stopping(),
            #[cfg(feature = "tokio")]
            awaits: &self.awaits,
        };
        let mut turns = Turns::default();
        while !self.is_stopping() {
            if self.must_sweep() {
                session.sweep_outbox(&self.routes)?;
            }
            let some = session.deliver_some(&self.routes, &mut turns, &manner)?;
            *all += some;
            if some.count() == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Ten per cent more or less, so that those who were started together do not ask together.
fn jittered(interval: Duration) -> Duration {
    let mut random = [0_u8; 2];
    // Without random numbers they ask together.
    let _ = getrandom::fill(&mut random);
    let part = f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX);
    interval.mul_f64(0.9 + 0.2 * part)
}
