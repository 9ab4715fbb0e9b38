//! Threads that deliver.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use diesel::r2d2::R2D2Connection;

use super::Delivered;
use super::deliver::Turns;
use super::delivered::Manner;
use super::route::{Route, routes};
use crate::error::{Error, Result};
use crate::pool::Database;
use crate::receiver::Delivery;
use crate::session::{Session, SessionConnection, WAKE};

/// How often rows are looked for whose turn nobody announced, because whoever should have has died.
const SWEEP: Duration = Duration::from_secs(2);

/// Threads that deliver what is stored for durable receivers, until it is stopped or dropped.
///
/// Made by [`Database::worker`]. Any number of workers, in any number of processes, may work on one database.
#[derive(Debug)]
pub struct Worker {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Delivered>>,
    listeners: Vec<JoinHandle<()>>,
}

/// Starts a [`Worker`].
#[must_use = "a worker works once it is started"]
pub struct WorkerBuilder<C: SessionConnection + R2D2Connection> {
    database: Database<C>,
    threads: usize,
    claim: u32,
    poll: Duration,
    listeners: Vec<Listener>,
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Handle>,
}

/// Hears of the commits of other processes until it is told to stop.
type Listener = Box<dyn FnOnce(&AtomicBool) + Send>;

impl<C: SessionConnection + R2D2Connection> std::fmt::Debug for WorkerBuilder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("threads", &self.threads)
            .field("claim", &self.claim)
            .field("poll", &self.poll)
            .finish_non_exhaustive()
    }
}

impl<C: SessionConnection + R2D2Connection> Database<C> {
    /// A worker that delivers to the durable receivers of this program, with the pool's state, failure handler
    /// and registry. The pool itself is a state of its receivers too: `#[state] database: &Database`.
    ///
    /// ```standalone_crate
    /// use std::time::Duration;
    ///
    /// use lback::sqlite::{Database, prelude::*, users::*};
    ///
    /// #[receiver(user_post_create, durable, id = "mail.welcome")]
    /// fn welcome(user: &User) {
    ///     println!("Welcome, {}!", user.username);
    /// }
    ///
    /// # let folder = std::env::temp_dir().join(format!("lback-worker-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).expect("a folder");
    /// # let url = folder.join("app.db").to_string_lossy().into_owned();
    /// let database = Database::connect(&url)?;
    /// lback::sqlite::migrate(&mut database.session()?)?;
    /// lback::sqlite::migrate_outbox(&mut database.session()?)?;
    /// let worker = database.worker().threads(2).start()?;
    ///
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// UserRepository::new().create(&mut database.session()?, new)?;
    /// while !database.session()?.outbox().depths()?.is_empty() {
    ///     std::thread::sleep(Duration::from_millis(1));
    /// }
    /// assert_eq!(worker.stop().done, 1);
    /// # std::fs::remove_dir_all(&folder).expect("it is there");
    /// # lback::Result::Ok(())
    /// ```
    pub fn worker(&self) -> WorkerBuilder<C> {
        WorkerBuilder {
            database: self.clone(),
            threads: 1,
            claim: 32,
            poll: Duration::from_secs(1),
            listeners: Vec::new(),
            #[cfg(feature = "tokio")]
            runtime: None,
        }
    }
}

impl<C: SessionConnection + R2D2Connection> WorkerBuilder<C> {
    /// Where `async` receivers run; that around [`start`](Self::start), unless told. All that a thread has
    /// claimed is in flight at once.
    #[cfg(feature = "tokio")]
    pub fn runtime(mut self, runtime: tokio::runtime::Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// How many deliver at the same time; 1 unless told. Each takes a connection of the pool while it has
    /// something to do.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How many rows a thread claims at once; 32 unless told. What it has claimed waits for it: less, where a
    /// delivery takes long.
    pub fn claim(mut self, rows: u32) -> Self {
        self.claim = rows.max(1);
        self
    }

    /// How often to look without having been woken up; a second unless told. In the process that stores rows
    /// its commits wake up; on `PostgreSQL` those of others do, with `listen`.
    pub fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`Error::StateMissing`] if a receiver names a state that the pool has not, `Error::NoRuntime` if one is an
    /// `async fn` and there is no runtime, [`Error::NoOutbox`] before
    /// the table was made, [`Error::Registry`], and [`Error::Connection`].
    pub fn start(self) -> Result<Worker> {
        let place = Place {
            database: self.database,
            #[cfg(feature = "tokio")]
            runtime: self
                .runtime
                .or_else(|| tokio::runtime::Handle::try_current().ok()),
        };
        let mut session = place.session()?;
        let routes = routes(&session)?;
        check_states(&mut session, &routes)?;
        #[cfg(feature = "tokio")]
        for route in routes.iter().filter(|route| route.receiver.is_async) {
            session.check_runtime(route.receiver)?;
        }
        for depth in session.outbox().depths()? {
            if !depth.is_known {
                warn(&format!(
                    "the outbox has rows of the receiver `{}` of `{}`, which this program has not: they \
                     are left alone (an earlier id is an `alias`)",
                    depth.receiver, depth.signal
                ));
            }
        }
        drop(session);
        let mut worker = Worker {
            stop: Arc::default(),
            threads: Vec::new(),
            listeners: Vec::new(),
        };
        let hand = Hand {
            place,
            routes: routes.into(),
            claim: self.claim,
            poll: self.poll,
            stop: Arc::clone(&worker.stop),
            swept: Arc::default(),
        };
        for number in 0..self.threads {
            let hand = hand.clone();
            // One that cannot be started stops those that were: they are dropped.
            let thread = named(format!("lback worker {number}"))
                .spawn(move || hand.work())
                .map_err(not_started)?;
            worker.threads.push(thread);
        }
        for listener in self.listeners {
            let stop = Arc::clone(&worker.stop);
            let thread = named("lback listener".to_owned())
                .spawn(move || listener(&stop))
                .map_err(not_started)?;
            worker.listeners.push(thread);
        }
        Ok(worker)
    }
}

fn named(name: String) -> Builder {
    Builder::new().name(name)
}

fn not_started(error: std::io::Error) -> Error {
    Error::Connection {
        what: "the worker's thread cannot be started".into(),
        source: error.into(),
    }
}

/// Where sessions come from, and where `async` receivers run.
struct Place<C: SessionConnection + R2D2Connection> {
    database: Database<C>,
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Handle>,
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
    fn session(&self) -> Result<Session<C>> {
        let session = self.database.session()?.with_state(self.database.clone());
        #[cfg(feature = "tokio")]
        if let Some(runtime) = &self.runtime {
            return Ok(session.with_runtime(runtime.clone()));
        }
        Ok(session)
    }
}

/// Fails if a receiver will ask for a state that is not there.
fn check_states<C: SessionConnection>(session: &mut Session<C>, routes: &[Route]) -> Result<()> {
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

/// What is no caller's to hear is logged, or else told on standard error.
fn warn(what: &str) {
    #[cfg(feature = "tracing")]
    if tracing::enabled!(target: "lback", tracing::Level::WARN) {
        tracing::warn!(target: "lback", "{what}");
        return;
    }
    eprintln!("lback: {what}");
}

/// What each thread has.
struct Hand<C: SessionConnection + R2D2Connection> {
    place: Place<C>,
    routes: Arc<[Route]>,
    claim: u32,
    poll: Duration,
    stop: Arc<AtomicBool>,
    /// When one of the threads last looked for rows whose turn nobody announced.
    swept: Arc<Mutex<Option<Instant>>>,
}

impl<C: SessionConnection + R2D2Connection> Clone for Hand<C> {
    fn clone(&self) -> Self {
        Self {
            place: self.place.clone(),
            routes: Arc::clone(&self.routes),
            claim: self.claim,
            poll: self.poll,
            stop: Arc::clone(&self.stop),
            swept: Arc::clone(&self.swept),
        }
    }
}

impl<C: SessionConnection + R2D2Connection> Hand<C> {
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

    fn work(self) -> Delivered {
        let mut all = Delivered::default();
        while !self.is_stopping() {
            let seen = WAKE.count();
            // What panics here is no receiver: a failure handler, or a connection's instrumentation.
            let round = catch_unwind(AssertUnwindSafe(|| self.deliver(&mut all)));
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn(&format!("the outbox cannot be delivered: {error:#}")),
                Err(panic) => {
                    // What it carries may panic when it is dropped.
                    std::mem::forget(panic);
                    warn("delivering the outbox panicked outside of any receiver");
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
            is_hasty: false,
            is_stopping: &|| self.is_stopping(),
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

impl Worker {
    /// Claims no more, waits for the deliveries at work, gives back what was claimed and not begun, and says
    /// what became of all that this worker has claimed.
    pub fn stop(mut self) -> Delivered {
        self.end()
    }

    fn end(&mut self) -> Delivered {
        self.stop.store(true, Ordering::Release);
        WAKE.up();
        let mut all = Delivered::default();
        for thread in self.threads.drain(..) {
            if let Ok(some) = thread.join() {
                all += some;
            }
        }
        for thread in self.listeners.drain(..) {
            let _ = thread.join();
        }
        all
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(feature = "postgres")]
mod listen {
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
}
