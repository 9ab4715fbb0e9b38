//! A future that is dropped before its closure has begun does nothing. One that is dropped later, at
//! whichever of its polls, lets the transaction end as ever: what is stored has its effects, what is not
//! stored has none, and no connection comes back into the pool inside a transaction.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use lback_tests::{Trace, new_user};

use super::{LONG, deadpool, is_inside, runtimes};
use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create)]
async fn take_time(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel_async::SimpleAsyncConnection::batch_execute(conn, "SELECT pg_sleep(0.002)").await?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

#[receiver(user_post_create, after_commit)]
async fn welcome(user: &User, #[state] trace: &Trace) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    trace.note(&user.username);
}

/// Polls it so often, and drops it; says whether it was done by then.
async fn poll_and_drop<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            // Nobody may ever wake it again.
            Poll::Pending if polled == polls => Poll::Ready(false),
            polled => polled.map(|_| true),
        }
    })
    .await
}

#[test]
fn at_whichever_poll() {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return;
        };
        let pool = deadpool(&database, 1);
        let trace = Trace::new();
        runtime.block_on(async {
            for polls in 0.. {
                assert!(polls < 100, "it is never done");
                let (state, pool) = (trace.clone(), pool.clone());
                let handler = async move {
                    let conn = pool.get().await.expect("the server answers");
                    let name = format!("user{polls}");
                    lback::diesel_async::run(conn, move |session| {
                        session.with(state, |session| {
                            session.transaction(|session| Users.create(session, new_user(&name)))
                        })
                    })
                    .await
                };
                let is_done = poll_and_drop(polls, handler).await;
                if is_done {
                    break;
                }
            }
            // The pool has one connection: it comes when the last transaction has ended.
            let mut conn = tokio::time::timeout(LONG, pool.get())
                .await
                .expect("it comes back")
                .expect("the server answers");
            assert!(!is_inside(&mut conn).await);
        });
        let stored = stored(&mut database.session());
        let mut welcomed = trace.take();
        let start = std::time::Instant::now();
        while welcomed.len() < stored.len() {
            assert!(start.elapsed() < LONG, "{welcomed:?} of {stored:?}");
            runtime.block_on(tokio::time::sleep(Duration::from_millis(1)));
            welcomed.extend(trace.take());
        }
        welcomed.sort();
        let mut stored = stored;
        stored.sort();
        assert_eq!(welcomed, stored);
    }
}

#[test]
fn before_it_has_begun() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("threads can be made");
    let pool = deadpool(&database, 1);
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let conn = pool.get().await.expect("the server answers");
        // Has the one thread there is.
        let busy = tokio::task::spawn_blocking(move || waits.recv());
        // Nothing else would be in the way of it.
        let run = lback::diesel_async::run(conn, |session| {
            session.with(Trace::new(), |session| {
                Users.create(session, new_user("ada"))
            })
        });
        assert!(!poll_and_drop(1, run).await);
        go_on.send(()).expect("it waits");
        busy.await.expect("no panic").expect("it was sent");
        let conn = tokio::time::timeout(LONG, pool.get()).await;
        drop(conn.expect("it comes back").expect("the server answers"));
    });
    assert_eq!(stored(&mut database.session()), [""; 0]);
}
