//! A future that is dropped before its work has begun does nothing; one that is dropped later lets
//! the work run to its end, to commit or roll back as ever. Errors and panics reach who awaits.

use std::sync::mpsc;
use std::time::Duration;

use crate::database::*;
use crate::promises::{refused, stored};
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

struct Case {
    database: Database,
    pool: lback::Database<Native>,
    trace: Trace,
    runtime: tokio::runtime::Runtime,
}

fn case() -> Option<Case> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .max_size(1)
        .wait(Duration::from_secs(10))
        .with_state(trace.clone())
        .connect(&database.url())
        .expect("the server answers");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_time()
        .build()
        .expect("threads can be made");
    Some(Case {
        database,
        pool,
        trace,
        runtime,
    })
}

impl Case {
    fn stored(&self) -> Vec<String> {
        stored(&mut self.database.session())
    }
}

#[test]
fn its_result_comes_back() -> lback::Result<()> {
    let Some(case) = case() else { return Ok(()) };
    let ada =
        case.runtime.block_on(case.pool.run(|session| {
            session.transaction(|session| Users.create(session, new_user("ada")))
        }))?;
    assert_eq!(ada.username, "ada");
    let failed = case.runtime.block_on(case.pool.run(|session| {
        session.transaction(|session| {
            Users.create(session, new_user("eve"))?;
            Err::<(), _>(refused())
        })
    }));
    assert!(matches!(failed, Err(Error::Invalid(_))), "{failed:?}");
    assert_eq!(case.stored(), ["ada"]);
    assert_eq!(case.trace.take(), ["created ada"]);
    Ok(())
}

#[test]
fn dropped_before_it_was_polled_it_does_nothing() {
    let Some(case) = case() else { return };
    drop(
        case.pool
            .run(|session| Users.create(session, new_user("ada"))),
    );
    drop(case.runtime);
    assert_eq!(stored(&mut case.database.session()), [""; 0]);
}

#[test]
fn dropped_while_it_waits_for_a_connection_it_does_nothing() {
    let Some(case) = case() else { return };
    let held = case.pool.session().expect("one is free");
    case.runtime.block_on(async {
        let work = case
            .pool
            .run(|session| Users.create(session, new_user("ada")));
        let late = tokio::time::timeout(Duration::from_millis(200), work).await;
        assert!(late.is_err(), "no connection is free");
    });
    drop(held);
    // Waits for the work, which has a connection now.
    drop(case.runtime);
    assert_eq!(stored(&mut case.database.session()), [""; 0]);
    assert_eq!(case.pool.size(), (1, 1));
}

#[test]
fn dropped_while_it_runs_it_goes_on_and_commits() {
    let Some(case) = case() else { return };
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    case.runtime.block_on(async {
        let work = case.pool.run(move |session| {
            session.transaction(|session| {
                Users.create(session, new_user("ada"))?;
                begun.send(()).expect("the test waits");
                may_go_on.recv().expect("the test tells");
                Users.create(session, new_user("grace"))
            })
        });
        let late = tokio::time::timeout(Duration::from_millis(500), work).await;
        assert!(late.is_err(), "it waits for the test");
    });
    has_begun.recv().expect("it has begun");
    go_on.send(()).expect("it waits");
    drop(case.runtime);
    assert_eq!(stored(&mut case.database.session()), ["ada", "grace"]);
    assert_eq!(case.trace.take(), ["created ada", "created grace"]);
    assert_eq!(case.pool.size(), (1, 1));
}

#[test]
fn a_panic_rolls_back_and_reaches_who_awaits() {
    let Some(case) = case() else { return };
    let pool = case.pool.clone();
    let task = case.runtime.spawn(async move {
        let work = pool.run(|session| {
            session.transaction(|session| -> lback::Result<()> {
                Users.create(session, new_user("ada"))?;
                panic!("inside")
            })
        });
        work.await
    });
    let panic = case.runtime.block_on(task).expect_err("it panics");
    let panic = panic.into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
    assert_eq!(case.stored(), [""; 0]);
    assert_eq!(case.trace.take(), [""; 0]);

    let grace = case.runtime.block_on(
        case.pool
            .run(|session| Users.create(session, new_user("grace"))),
    );
    grace.expect("the pool goes on");
    assert_eq!(case.stored(), ["grace"]);
}
