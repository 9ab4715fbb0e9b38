//! What has committed has its `async` receivers run: though nobody waits for `Database::run` any more, or
//! the closure panics afterwards.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::database::*;
use crate::promises::{asynchronous, stored};
use lback_tests::{Trace, new_user};

own_users!();

/// Told when an effect has begun.
type Begun = Arc<tokio::sync::Notify>;

#[receiver(user_post_create, after_commit)]
async fn created(
    user: &User,
    #[state] trace: &Trace,
    #[state] begun: &Begun,
    #[state] done: &mpsc::Sender<()>,
) {
    begun.notify_one();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    trace.note(format!("created {}", user.username));
    let _ = done.send(());
}

struct Case {
    database: Database,
    trace: Trace,
    pool: lback::Database<Native>,
    begun: Begun,
    done: mpsc::Receiver<()>,
}

fn case() -> lback::Result<Option<Case>> {
    let Some(database) = Database::fresh() else {
        return Ok(None);
    };
    let (trace, begun, (done, is_done)) = (Trace::new(), Begun::default(), mpsc::channel());
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_state(Arc::clone(&begun))
        .with_state(done)
        .connect(&database.url())?;
    Ok(Some(Case {
        database,
        trace,
        pool,
        begun,
        done: is_done,
    }))
}

#[test]
fn though_the_future_is_dropped() -> lback::Result<()> {
    let Some(case) = case()? else { return Ok(()) };
    let runtime = asynchronous();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    runtime.block_on(async {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let pool = case.pool.clone();
        let task = tokio::spawn(async move {
            let work = pool.run(move |session| {
                Users.create(session, new_user("ada"))?;
                begun.send(()).expect("the test waits");
                let _dropped = may_go_on.recv();
                Users.create(session, new_user("grace"))
            });
            work.await
        });
        has_begun.await.expect("it begins");
        task.abort();
        assert!(
            task.await
                .expect_err("it waits for the test")
                .is_cancelled()
        );
    });
    drop(go_on);
    for _ in 0..2 {
        let done = case.done.recv_timeout(Duration::from_secs(30));
        done.expect("the runtime goes on");
    }
    assert_eq!(case.trace.take(), ["created ada", "created grace"]);
    assert_eq!(stored(&mut case.database.session()), ["ada", "grace"]);
    Ok(())
}

#[test]
fn though_it_is_dropped_while_it_waits_for_them() -> lback::Result<()> {
    let Some(case) = case()? else { return Ok(()) };
    let runtime = asynchronous();
    runtime.block_on(async {
        let mut work = pin!(case.pool.run(|session| {
            let ada = Users.create(session, new_user("ada"));
            Users.create(session, new_user("grace"))?;
            ada
        }));
        let mut begun = pin!(case.begun.notified());
        poll_fn(|context| {
            let has_begun = begun.as_mut().poll(context);
            assert!(has_begun.is_ready() || work.as_mut().poll(context).is_pending());
            has_begun
        })
        .await;
    });
    for _ in 0..2 {
        let done = case.done.recv_timeout(Duration::from_secs(30));
        done.expect("the runtime goes on");
    }
    assert_eq!(case.trace.take(), ["created ada", "created grace"]);
    Ok(())
}

#[test]
fn though_the_closure_panics_later() -> lback::Result<()> {
    let Some(case) = case()? else { return Ok(()) };
    let pool = case.pool.clone();
    let panicked = asynchronous().block_on(async {
        let task = tokio::spawn(async move {
            pool.run(|session| -> lback::Result<()> {
                Users.create(session, new_user("ada"))?;
                panic!("inside")
            })
            .await
        });
        task.await
    });
    let panic = panicked.expect_err("it panics").into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
    // It was done before the panic came back.
    assert_eq!(case.trace.take(), ["created ada"]);
    assert_eq!(stored(&mut case.database.session()), ["ada"]);
    Ok(())
}
