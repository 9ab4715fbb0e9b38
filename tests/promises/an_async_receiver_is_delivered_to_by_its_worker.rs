//! An `async` durable receiver runs on the worker's runtime, and all that a thread has claimed is in flight at once. It
//! is at least once: failures and panics are tried again. Without a runtime nothing is claimed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::database::*;
use lback::outbox::Delivery;
use lback::{BoxError, Error};
use lback_tests::{Trace, count, new_user};
use tokio::runtime::{Builder, Runtime};

own_users!();

#[derive(Default)]
struct Flight {
    up: AtomicU32,
    most: AtomicU32,
}

#[receiver(user_post_create, durable, id = "async.publish")]
async fn publish(
    user: &User,
    #[state] flight: &Arc<Flight>,
    #[state] trace: &Trace,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let up = flight.up.fetch_add(1, Ordering::SeqCst) + 1;
    flight.most.fetch_max(up, Ordering::SeqCst);
    let is_slow = user.username.starts_with("slow");
    tokio::time::sleep(Duration::from_millis(if is_slow { 2_000 } else { 50 })).await;
    flight.up.fetch_sub(1, Ordering::SeqCst);
    match (&*user.username, delivery.attempt) {
        ("fails", 1) => Err("the broker is away".into()),
        ("panics", 1) => panic!("at first"),
        _ => {
            trace.note(&user.username);
            Ok(())
        }
    }
}

fn pool_of(database: &Database, trace: &Trace) -> lback::Result<lback::Database<Native>> {
    lback::Database::<Native>::builder()
        .with_state(Arc::<Flight>::default())
        .with_state(trace.clone())
        .with_registry(&lback::manual_registry![publish]?)
        .connect(&database.url())
}

fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not so");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The same on a thread that drives a runtime.
async fn until_there(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not so");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn is_delivered(database: &Database) -> bool {
    count("lback_outbox", &mut database.session()) == 0
}

/// Whether each row that is left was given to the runtime: what is claimed and not begun, a worker that is stopped
/// gives back.
fn is_in_flight(database: &Database, runtime: &Runtime) -> bool {
    let left = count("lback_outbox", &mut database.session());
    usize::try_from(left).unwrap() <= runtime.metrics().num_alive_tasks()
}

fn of_the_current_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().expect("it can be started")
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("it can be started")
}

#[test]
fn all_that_was_claimed_is_in_flight() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (flight, trace, runtime) = (Arc::<Flight>::default(), Trace::new(), runtime());
    let pool = lback::Database::<Native>::builder()
        .with_state(Arc::clone(&flight))
        .with_state(trace.clone())
        .with_failure_handler(|_| {})
        .with_registry(&lback::manual_registry![publish]?)
        .connect(&database.url())?;
    let mut session = database.session();
    session.transaction(|session| {
        let names = (0..20).map(|i| format!("user{i}"));
        names
            .chain(["fails".into(), "panics".into()])
            .try_for_each(|name| Users.create(session, new_user(&name)).map(drop))
    })?;

    let refused = pool.worker().start();
    assert!(
        matches!(refused, Err(Error::NoRuntime { .. })),
        "{refused:?}"
    );
    let worker = pool.worker().runtime(runtime.handle().clone());
    let worker = worker.poll(Duration::from_millis(20)).start()?;
    let start = Instant::now();
    while count("lback_outbox", &mut session) > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the outbox is not empty"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let delivered = worker.stop();
    assert_eq!((delivered.done, delivered.failed), (22, 2));
    assert_eq!(trace.take().len(), 22);
    assert!(flight.most.load(Ordering::SeqCst) > 10);
    Ok(())
}

#[test]
fn in_a_test_with_a_runtime() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (trace, runtime) = (Trace::new(), runtime());
    let mut session = database
        .session()
        .with_state(trace.clone())
        .with_state(Arc::<Flight>::default());
    Users.create(&mut session, new_user("ada"))?;
    let refused = session.deliver_all();
    assert!(
        matches!(refused, Err(Error::NoRuntime { .. })),
        "{refused:?}"
    );
    assert_eq!(count("lback_outbox WHERE attempts = 0", &mut session), 1);

    let mut session = session.with_runtime(runtime.handle().clone());
    let (delivered, recording) = session.record(Session::deliver_all);
    assert_eq!(delivered?.done, 1);
    recording.assert_ran(publish);
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

/// Nobody can wait there for what that thread may have to run.
#[test]
fn not_on_a_thread_of_its_runtime() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (done, is_done) = mpsc::channel();
    let work = std::thread::spawn(move || {
        let result = on_one_thread(&database);
        // Whoever waits for it has given up, if it has hung.
        let _ = done.send(());
        result
    });
    is_done
        .recv_timeout(Duration::from_secs(60))
        .expect("it does not wait for itself");
    work.join().expect("it does not panic")
}

fn on_one_thread(database: &Database) -> lback::Result<()> {
    let trace = Trace::new();
    let pool = pool_of(database, &trace)?;
    let runtime = of_the_current_thread();
    let create = |name| Users.create(&mut database.session(), new_user(name));

    create("ada")?;
    let several = Builder::new_multi_thread().enable_time().build();
    let several = several.expect("it can be started");
    for refused in [
        runtime.block_on(async { pool.session()?.deliver_all() }),
        several.block_on(async { pool.session()?.deliver_all() }),
        several.block_on(async {
            let pool = pool.clone();
            let task = tokio::spawn(async move { pool.session()?.deliver_all() });
            task.await.expect("it does not panic")
        }),
    ] {
        assert!(
            matches!(refused, Err(Error::Unsupported { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(trace.take(), [""; 0]);
    let delivered = runtime.block_on(pool.run(|session| session.deliver_all()))?;
    assert_eq!(delivered.done, 1);
    assert_eq!(trace.take(), ["ada"]);

    // A worker that has nothing in flight tells there what it has done.
    create("zoe")?;
    let stopped = runtime.block_on(async {
        let worker = pool.worker().start()?;
        until_there(|| is_delivered(database)).await;
        lback::Result::Ok(worker.stop())
    })?;
    assert_eq!(stopped.done, 1);
    assert_eq!(trace.take(), ["zoe"]);

    // A worker that is dropped there leaves what is in flight to itself.
    create("grace")?;
    runtime.block_on(async {
        let worker = pool.worker().start()?;
        until_there(|| is_in_flight(database, &runtime)).await;
        drop(worker);
        until_there(|| is_delivered(database)).await;
        lback::Result::Ok(())
    })?;
    assert_eq!(trace.take(), ["grace"]);
    Ok(())
}

/// Whoever waits for a runtime of the current thread that nobody drives would wait for ever.
#[test]
fn not_on_a_runtime_that_stands_still() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = pool_of(&database, &trace)?;
    let runtime = of_the_current_thread();

    Users.create(&mut database.session(), new_user("ada"))?;
    let worker = runtime.block_on(async { pool.worker().start() })?;
    until(|| is_in_flight(&database, &runtime));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(worker.stop()));
    let stopped = told.recv_timeout(Duration::from_secs(60));
    assert_eq!(stopped.expect("it does not wait for ever").done, 0);
    // Driven again, what was in flight ends by itself.
    runtime.block_on(async {
        until_there(|| is_delivered(&database)).await;
    });
    assert_eq!(trace.take(), ["ada"]);

    Users.create(&mut database.session(), new_user("zoe"))?;
    let mut session = pool.session()?.with_runtime(runtime.handle().clone());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(session.deliver_all()));
    let refused = told.recv_timeout(Duration::from_secs(60));
    let refused = refused.expect("it does not wait for ever");
    assert!(
        matches!(refused, Err(Error::Unsupported { .. })),
        "{refused:?}"
    );
    // What was not done is due again, where it can be.
    let delivered = runtime.block_on(pool.run(|session| session.deliver_all()))?;
    assert_eq!(delivered.done, 1);
    assert_eq!(trace.take(), ["zoe"]);
    Ok(())
}

/// Two that are stopped on both threads of their runtime at once wait for threads that wait for them.
#[test]
fn not_on_all_threads_of_the_runtime_at_once() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = pool_of(&database, &trace)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("it can be started");

    let new = ["slow.a", "slow.b"].map(new_user);
    Users.create_many(&mut database.session(), new)?;
    let worker = || runtime.block_on(async { pool.worker().claim(1).start() });
    let workers = [worker()?, worker()?];
    until(|| is_in_flight(&database, &runtime));
    let (tell, told) = mpsc::channel();
    for worker in workers {
        let tell = tell.clone();
        runtime.spawn(async move { tell.send(worker.stop()) });
    }
    for _ in 0..2 {
        let stopped = told.recv_timeout(Duration::from_secs(60));
        stopped.expect("it does not wait for ever");
    }
    until(|| is_delivered(&database));
    let mut told = trace.take();
    told.sort_unstable();
    assert_eq!(told, ["slow.a", "slow.b"]);
    Ok(())
}
