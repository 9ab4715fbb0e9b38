//! Tasks that wait in `Database::run` for a connection of the application's pool hold no thread, so that others
//! find one at once. Each waits as long as the pool was told, and a future that is dropped meanwhile does
//! nothing and keeps no place.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use lback::Error;
use lback_tests::new_user;

use super::{LONG, deadpool, runtimes};
use crate::database::*;
use crate::promises::stored;

own_users!();

/// Work that holds the only connection until the sender is dropped.
async fn hold(shared: &lback::diesel_async::Database) -> mpsc::Sender<()> {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let shared = shared.clone();
    tokio::spawn(async move {
        let work = shared.run(move |_session| {
            begun.send(()).expect("the test waits");
            let _dropped = may_go_on.recv();
            lback::Result::Ok(())
        });
        work.await
    });
    has_begun.await.expect("it begins");
    go_on
}

#[test]
fn six_hundred_wait_and_blocking_work_begins_at_once() -> lback::Result<()> {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let shared = lback::diesel_async::Database::over(deadpool(&database, 1))?;
        runtime.block_on(async {
            let held = hold(&shared).await;
            let waiting: Vec<_> = (0..600)
                .map(|_| {
                    let shared = shared.clone();
                    tokio::spawn(async move { shared.run(|session| Users.count(session)).await })
                })
                .collect();
            while shared.pool().status().waiting < 600 {
                tokio::task::yield_now().await;
            }
            let begun = Instant::now();
            let answer = tokio::task::spawn_blocking(Instant::now).await;
            let late = answer.expect("it does nothing") - begun;
            assert!(late < Duration::from_secs(1), "{late:?}");
            drop(held);
            for task in waiting {
                assert_eq!(task.await.expect("no panic").expect("its turn comes"), 0);
            }
        });
    }
    Ok(())
}

#[test]
fn the_limit_is_the_pools() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let limit = Duration::from_millis(200);
    let manager = AsyncDieselConnectionManager::new(database.url());
    let pool = Pool::builder(manager).max_size(1).wait_timeout(Some(limit));
    let pool = pool.runtime(::deadpool::Runtime::Tokio1).build();
    let shared = lback::diesel_async::Database::over(pool.expect("it has a clock"))?;
    let [_, runtime] = runtimes();
    runtime.block_on(async {
        let held = hold(&shared).await;
        let waiting: Vec<_> = (0..400)
            .map(|_| {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let begun = Instant::now();
                    let refused = shared.run(|session| Users.count(session)).await;
                    (refused, begun.elapsed())
                })
            })
            .collect();
        for task in waiting {
            let (refused, waited) = task.await.expect("no panic");
            let Err(Error::Connection { what, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(what, "the pool has no connection to give");
            assert!(limit <= waited, "{waited:?}");
            assert!(waited < limit + Duration::from_secs(2), "{waited:?}");
        }
        drop(held);
        let counted = tokio::time::timeout(LONG, shared.run(|session| Users.count(session)));
        assert_eq!(counted.await.expect("it is free")?, 0);
        shared.pool().close();
        let refused = shared.run(|session| Users.count(session)).await;
        assert!(
            matches!(refused, Err(Error::Connection { .. })),
            "{refused:?}"
        );
        Ok(())
    })
}

#[test]
fn one_that_is_dropped_while_it_waits_does_nothing_and_keeps_no_place() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let shared = lback::diesel_async::Database::over(deadpool(&database, 1))?;
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let held = hold(&shared).await;
        for _ in 0..20 {
            let work = shared.run(|session| Users.create(session, new_user("ada")));
            let late = tokio::time::timeout(Duration::from_millis(5), work).await;
            assert!(late.is_err(), "the connection is held");
        }
        drop(held);
        let grace = shared.run(|session| Users.create(session, new_user("grace")));
        grace.await.map(drop)
    })?;
    drop(runtime);
    assert_eq!(stored(&mut database.session()), ["grace"]);
    Ok(())
}

#[test]
fn and_a_server_that_does_not_answer_is_no_secret_but_its_password_is() -> lback::Result<()> {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = closed.local_addr().expect("it is bound");
    drop(closed);
    let url = format!("postgres://lback:sesame@{address}/lback");
    let pool = Pool::builder(AsyncDieselConnectionManager::new(url)).build();
    let shared = lback::diesel_async::Database::over(pool.expect("no time is limited"))?;
    let [runtime, _] = runtimes();
    let refused = runtime.block_on(shared.run(|session| Users.count(session)));
    let Err(Error::Connection { .. }) = &refused else {
        panic!("{refused:?}");
    };
    let error = refused.expect_err("nobody listens");
    let told = format!("{error:#} {error:?} {shared:?}");
    assert!(!told.contains("sesame"), "{told}");
    Ok(())
}
