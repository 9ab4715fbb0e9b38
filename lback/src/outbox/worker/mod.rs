//! Threads that deliver.

mod hand;
#[cfg(feature = "postgres")]
mod listen;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use diesel::r2d2::R2D2Connection;

use self::hand::{Hand, Place, check_states};
use super::Delivered;
use super::route::routes;
use crate::error::{Error, Result};
use crate::pool::Database;
use crate::session::{SessionConnection, WAKE};
#[cfg(feature = "tokio")]
use crate::session::{has_no_other_thread, may_stand_still};

/// Threads that deliver what is stored for durable receivers, until it is stopped or dropped.
///
/// Made by [`Database::worker`]. Any number of workers, in any number of processes, may work on one database.
#[derive(Debug)]
pub struct Worker {
    stop: Arc<AtomicBool>,
    threads: Vec<AtWork>,
    listeners: Vec<JoinHandle<()>>,
    /// Where `async` receivers run, if there are any.
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Handle>,
}

#[derive(Debug)]
struct AtWork {
    thread: JoinHandle<Delivered>,
    /// Whether it waits for what a runtime has to do.
    #[cfg(feature = "tokio")]
    awaits: Arc<AtomicBool>,
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

    /// How often to look without having been woken up; a second unless told, and a day at most. In the process
    /// that stores rows its commits wake up; on `PostgreSQL` those of others do, with `listen`.
    pub fn poll(mut self, interval: Duration) -> Self {
        // Not every clock can name a moment that is much further away.
        const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.poll = interval.min(A_DAY);
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
        let mut runtime = None;
        #[cfg(feature = "tokio")]
        for route in routes.iter().filter(|route| route.receiver.is_async) {
            session.check_runtime(route.receiver)?;
            runtime = session.runtime();
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
            #[cfg(feature = "tokio")]
            runtime,
        };
        let hand = Hand {
            place,
            routes: routes.into(),
            claim: self.claim,
            poll: self.poll,
            stop: Arc::clone(&worker.stop),
            #[cfg(feature = "tokio")]
            awaits: Arc::default(),
            swept: Arc::default(),
        };
        for number in 0..self.threads {
            let hand = hand.another();
            #[cfg(feature = "tokio")]
            let awaits = Arc::clone(&hand.awaits);
            // One that cannot be started stops those that were: they are dropped.
            let thread = named(format!("lback worker {number}"))
                .spawn(move || hand.work())
                .map_err(not_started)?;
            worker.threads.push(AtWork {
                thread,
                #[cfg(feature = "tokio")]
                awaits,
            });
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

impl Worker {
    /// Claims no more, waits for the deliveries at work, gives back what was claimed and not begun, and says
    /// what became of all that this worker has claimed.
    ///
    /// It blocks; in an asynchronous program call it in `spawn_blocking`. It cannot wait for `async` receivers that
    /// need this very thread, or a runtime that nobody drives: on the only thread of their runtime, where all its
    /// threads are in such calls, and for a runtime of the current thread outside of its `block_on`. Those end by
    /// themselves, and are not counted. The same goes for a worker that is dropped.
    pub fn stop(mut self) -> Delivered {
        self.end()
    }

    /// Leaves those to themselves that wait for the runtime, if that waits for this thread, or nobody drives it.
    #[cfg(feature = "tokio")]
    fn let_go(&mut self) {
        let Some(runtime) = &self.runtime else {
            return;
        };
        let own = std::thread::current().id();
        let is_over = |it: &AtWork| it.thread.is_finished() || it.thread.thread().id() == own;
        let awaits = |it: &AtWork| is_over(it) || it.awaits.load(Ordering::Acquire);
        // To ask the runtime takes a thread.
        let mut ask_at = Instant::now();
        while !self.threads.iter().all(is_over) {
            if self.threads.iter().all(awaits) && ask_at <= Instant::now() {
                if has_no_other_thread(runtime) || may_stand_still(runtime) {
                    self.threads.retain(is_over);
                    return;
                }
                ask_at = Instant::now() + Duration::from_secs(1);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(&mut self) -> Delivered {
        self.stop.store(true, Ordering::Release);
        WAKE.up();
        #[cfg(feature = "tokio")]
        self.let_go();
        let mut all = Delivered::default();
        let own = std::thread::current().id();
        // A receiver may stop the worker that runs it, whose thread cannot wait for itself.
        let others = |it: &AtWork| it.thread.thread().id() != own;
        for it in self.threads.drain(..).filter(others) {
            if let Ok(some) = it.thread.join() {
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

/// What is no caller's to hear is logged, or else told on standard error.
fn warn(what: &str) {
    #[cfg(feature = "tracing")]
    if tracing::enabled!(target: "lback", tracing::Level::WARN) {
        tracing::warn!(target: "lback", "{what}");
        return;
    }
    eprintln!("lback: {what}");
}
