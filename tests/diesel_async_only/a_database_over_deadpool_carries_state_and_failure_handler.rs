//! A `Database` over the application's own pool gives every session its states and its failure handler, and
//! keeps what fails in `async` receivers where there is no handler. They write through it, also where the pool
//! has one connection, and those that cause each other through it come to an end.

use std::sync::{Arc, Mutex};

use lback_tests::{Trace, new_user};

use super::{deadpool, is_inside, process_of, runtimes};
use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_pre_create)]
fn see(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("before {}", data.username));
}

#[receiver(user_post_create, after_commit, id = "plain", order = 1)]
fn plain(user: &User) -> Result<(), String> {
    match &*user.username {
        "grace" => Err("no room".into()),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, after_commit, id = "awaits", order = 2)]
async fn awaits(
    user: &User,
    #[state] trace: &Trace,
    #[state] database: &lback::diesel_async::Database,
) -> lback::Result<()> {
    let count = database.run(|session| Users.count(session)).await?;
    trace.note(format!("{} is number {count}", user.username));
    if user.username == "grace" {
        return Err(lback::Invalid::new("letter", "is lost").into());
    }
    Ok(())
}

#[receiver(user_post_create, after_commit, id = "again", when = |user: &User| user.username.starts_with("echo"))]
async fn again(
    user: &User,
    #[state] database: &lback::diesel_async::Database,
) -> lback::Result<()> {
    let name = format!("{}+", user.username);
    let next = database.run(move |session| Users.create(session, new_user(&name)));
    next.await.map(drop)
}

#[test]
fn on_a_pool_of_one_connection() -> lback::Result<()> {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let (trace, told) = (Trace::new(), Arc::new(Mutex::new(Vec::new())));
        let tell = Arc::clone(&told);
        let shared = lback::diesel_async::Database::builder()
            .with_state(trace.clone())
            .with_failure_handler(move |failure| {
                let told = (failure.receiver.is_some(), failure.cause.to_string());
                tell.lock().expect("no panic").push(told);
            })
            .over(deadpool(&database, 1))?;
        runtime.block_on(async {
            for name in ["ada", "grace"] {
                let created = shared.run(move |session| Users.create(session, new_user(name)));
                created.await?;
            }
            lback::Result::Ok(())
        })?;
        assert_eq!(
            trace.take(),
            [
                "before ada",
                "ada is number 1",
                "before grace",
                "grace is number 2"
            ]
        );
        let mut told = told.lock().expect("no panic").clone();
        // They run beside each other.
        told.sort();
        let both = ["invalid letter: is lost", "no room"].map(|cause| (true, cause.to_owned()));
        assert_eq!(told, both);
        assert_eq!(shared.take_failures().count, 0);
    }
    Ok(())
}

#[test]
fn without_a_handler_the_failures_are_kept() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let [_, runtime] = runtimes();
    let shared = lback::diesel_async::Database::builder()
        .with_state(Trace::new())
        .over(deadpool(&database, 2))?;
    let plain = runtime.block_on(shared.run(|session| {
        Users.create(session, new_user("grace"))?;
        lback::Result::Ok(session.take_failures())
    }))?;
    let causes = |failures: lback::failure::Failures| -> Vec<_> {
        let causes = failures.latest.iter().map(|it| it.cause.to_string());
        causes.collect()
    };
    assert_eq!(causes(plain), ["no room"]);
    assert_eq!(causes(shared.take_failures()), ["invalid letter: is lost"]);
    assert_eq!(shared.take_failures().count, 0);
    Ok(())
}

#[test]
fn loops_through_it_are_bounded() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let [runtime, _] = runtimes();
    let shared = lback::diesel_async::Database::builder()
        .with_state(Trace::new())
        .over(deadpool(&database, 2))?;
    runtime.block_on(shared.run(|session| Users.create(session, new_user("echo"))))?;
    let failures = shared.take_failures().latest;
    let failures: Vec<_> = failures.iter().map(|it| it.cause.to_string()).collect();
    assert!(
        failures
            .iter()
            .any(|it| it.starts_with("effects caused effects for more than 16 generations")),
        "{failures:?}"
    );
    assert_eq!(stored(&mut database.session()).len(), 16);
    Ok(())
}

#[test]
fn and_a_panic_or_a_lost_connection_leaves_nothing_in_the_pool() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let [_, runtime] = runtimes();
    let shared = lback::diesel_async::Database::builder()
        .with_state(Trace::new())
        .over(deadpool(&database, 1))?;
    runtime.block_on(async {
        let process = async || {
            let mut conn = shared.pool().get().await.expect("the server answers");
            assert!(!is_inside(&mut conn).await);
            process_of(&mut conn).await.expect("the server answers")
        };
        let first = process().await;
        let panics = shared.clone();
        let panics = tokio::spawn(async move {
            let work = panics.run(|session| -> lback::Result<()> {
                session.transaction(|session| {
                    Users.create(session, new_user("lost"))?;
                    panic!("in a transaction")
                })
            });
            work.await
        });
        assert!(panics.await.expect_err("it panics").is_panic());
        assert_eq!(process().await, first, "its level was rolled back");
        let cut = shared.run(|session| {
            session.transaction(|session| {
                Users.create(session, new_user("gone"))?;
                diesel::sql_query("SELECT pg_terminate_backend(pg_backend_pid())")
                    .execute(session.conn())?;
                lback::Result::Ok(())
            })
        });
        cut.await.expect_err("it is cut");
        assert_ne!(process().await, first);
    });
    assert_eq!(stored(&mut database.session()), [""; 0]);
    Ok(())
}
