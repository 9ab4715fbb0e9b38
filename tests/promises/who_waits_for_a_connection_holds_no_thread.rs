//! Tasks that wait in `Database::run` hold no thread, so that others find one at once; each waits as
//! long as the pool was told, however many wait; and one that is dropped while it waits does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use crate::database::*;
use crate::promises::stored;
use lback::Error;
use lback_tests::new_user;
use tokio::runtime::{Builder, Runtime};

own_users!();

/// A pool of one connection.
fn pool(database: &Database, wait: Duration) -> lback::Database<Native> {
    lback::Database::builder()
        .max_size(1)
        .wait(wait)
        .connect(&database.url())
        .expect("the server answers")
}

/// A runtime, and how many threads it has begun.
fn runtime(blocking_threads: usize) -> (Runtime, Arc<AtomicUsize>) {
    let threads = Arc::new(AtomicUsize::new(0));
    let begun = Arc::clone(&threads);
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(blocking_threads)
        .enable_time()
        .on_thread_start(move || {
            begun.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .expect("threads can be made");
    (runtime, threads)
}

/// Work that holds the only connection until the sender is dropped.
fn hold(pool: &lback::Database<Native>, runtime: &Runtime) -> mpsc::Sender<()> {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let pool = pool.clone();
    runtime.spawn(async move {
        let work = pool.run(move |_session| {
            begun.send(()).expect("the test waits");
            let _dropped = may_go_on.recv();
            lback::Result::Ok(())
        });
        work.await
    });
    has_begun.recv().expect("it begins");
    go_on
}

#[test]
fn who_says_no_limit_waits_for_long() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = pool(&database, Duration::MAX);
    let held = pool.session()?;
    std::thread::scope(|threads| {
        let waits =
            threads.spawn(|| pool.transaction(|session| Users.create(session, new_user("ada"))));
        drop(held);
        waits.join().expect("no clock runs over").map(drop)
    })
}

#[test]
fn six_hundred_wait_and_blocking_work_begins_at_once() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool(&database, Duration::from_secs(60));
    let (runtime, threads) = runtime(512);
    let held = hold(&pool, &runtime);
    let waiting: Vec<_> = (0..600)
        .map(|_| {
            let pool = pool.clone();
            runtime.spawn(async move { pool.run(|session| Users.count(session)).await })
        })
        .collect();
    runtime.block_on(async {
        // On the one worker this comes after all of those.
        tokio::spawn(async {}).await.expect("it does nothing");
        let begun = Instant::now();
        let answer = tokio::task::spawn_blocking(Instant::now).await;
        let late = answer.expect("it does nothing") - begun;
        assert!(late < Duration::from_secs(1), "{late:?}");
        assert!(!waiting.iter().any(|task| task.is_finished()));
        // The worker, that of the work which holds the connection, and that of the answer.
        let threads = threads.load(Ordering::SeqCst);
        assert!(threads <= 3, "{threads} threads");
        drop(held);
        for task in waiting {
            let counted = task.await.expect("no panic").expect("its turn comes");
            assert_eq!(counted, 0);
        }
    });
}

#[test]
fn sixteen_hundred_wait_no_longer_than_the_pool_was_told() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let limit = Duration::from_millis(200);
    let pool = pool(&database, limit);
    // Of eight threads each would wait two hundred times, one time after the other: 40 seconds.
    let (runtime, _threads) = runtime(8);
    let held = hold(&pool, &runtime);
    let waiting: Vec<_> = (0..1600)
        .map(|_| {
            let pool = pool.clone();
            runtime.spawn(async move {
                let begun = Instant::now();
                let refused = pool.run(|session| Users.count(session)).await;
                (refused, begun.elapsed())
            })
        })
        .collect();
    runtime.block_on(async {
        for task in waiting {
            let (refused, waited) = task.await.expect("no panic");
            let Err(Error::Connection { what, source, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(what, "the pool has no connection to give");
            assert_eq!(source.to_string(), "none became free within 200ms");
            assert!(limit <= waited, "{waited:?}");
            assert!(waited < limit + Duration::from_secs(2), "{waited:?}");
        }
    });
    drop(held);
}

#[test]
fn the_limit_holds_behind_blocking_sessions_too() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool(&database, Duration::from_millis(300));
    let (runtime, _threads) = runtime(8);
    let session = pool.session().expect("one is free");
    let begun = Instant::now();
    let refused = runtime.block_on(pool.run(|session| Users.count(session)));
    assert!(
        matches!(refused, Err(Error::Connection { .. })),
        "{refused:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    drop(session);
    let counted = runtime.block_on(pool.run(|session| Users.count(session)));
    assert_eq!(counted.expect("it is free"), 0);
}

#[test]
fn the_limit_holds_where_all_threads_of_the_runtime_have_other_work() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool(&database, Duration::from_millis(200));
    let (runtime, _threads) = runtime(1);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let other = runtime.spawn_blocking(move || may_go_on.recv());
    let begun = Instant::now();
    let refused = runtime.block_on(pool.run(|session| Users.create(session, new_user("ada"))));
    assert!(
        matches!(refused, Err(Error::Connection { .. })),
        "{refused:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    drop(go_on);
    runtime
        .block_on(other)
        .expect("no panic")
        .expect_err("it was told");

    // What was refused does not begin later.
    let counted = runtime.block_on(pool.run(|session| Users.count(session)));
    assert_eq!(counted.expect("a thread is free"), 0);
}

#[test]
fn one_that_is_dropped_while_it_waits_does_nothing_and_keeps_no_place() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool(&database, Duration::from_secs(60));
    let (runtime, _threads) = runtime(8);
    let held = hold(&pool, &runtime);
    runtime.block_on(async {
        for _ in 0..20 {
            let work = pool.run(|session| Users.create(session, new_user("ada")));
            let late = tokio::time::timeout(Duration::from_millis(5), work).await;
            assert!(late.is_err(), "the connection is held");
        }
        drop(held);
        let grace = pool.run(|session| Users.create(session, new_user("grace")));
        grace.await.expect("its turn comes");
    });
    drop(runtime);
    assert_eq!(stored(&mut database.session()), ["grace"]);
    assert_eq!(pool.size(), (1, 1));
}

#[test]
fn a_runtime_without_a_clock_is_no_hindrance() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool = pool(&database, Duration::from_millis(100));
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let counted = runtime.block_on(pool.run(|session| Users.count(session)));
    assert_eq!(counted.expect("it is free"), 0);
    let _held = pool.session().expect("one is free");
    let refused = runtime.block_on(async {
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|session| Users.count(session)).await }
        });
        let second = pool.run(|session| Users.count(session)).await;
        [first.await.expect("no panic"), second]
    });
    for refused in refused {
        assert!(
            matches!(refused, Err(Error::Connection { .. })),
            "{refused:?}"
        );
    }
}

struct Touchy;

impl Wake for Touchy {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

#[test]
fn one_whose_waker_panics_fails_no_other() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = pool(&database, Duration::from_secs(10));
    let (runtime, _threads) = runtime(4);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let first = runtime.spawn({
        let pool = pool.clone();
        async move {
            let work = pool.run(move |session| {
                begun.send(()).expect("the test waits");
                let _dropped = may_go_on.recv();
                Users.create(session, new_user("ada"))
            });
            work.await
        }
    });
    has_begun.recv().expect("it begins");

    let _inside = runtime.enter();
    let mut waiting = Box::pin(pool.run(|session| Users.create(session, new_user("grace"))));
    let waker = Waker::from(Arc::new(Touchy));
    let polled = waiting.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(go_on);

    let created = runtime.block_on(first).expect("it does not panic");
    assert_eq!(created?.username, "ada");
    drop(waiting);
    assert_eq!(stored(&mut database.session()), ["ada"]);
    let later = runtime.block_on(pool.run(|session| Users.create(session, new_user("zoe"))));
    assert_eq!(later?.username, "zoe");
    Ok(())
}
