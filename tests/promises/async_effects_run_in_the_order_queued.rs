//! `async` receivers of a session run one at a time, in the order queued, whatever each waits for; plain
//! effects do not wait for them.

use std::time::Duration;

use crate::database::*;
use crate::promises::asynchronous;
use lback_tests::{Trace, new_user};

own_users!();

/// The first waits longest.
#[receiver(user_post_create, after_commit, order = 1)]
async fn slow(user: &User, #[state] trace: &Trace) {
    trace.note(format!("slow begins: {}", user.username));
    tokio::time::sleep(Duration::from_millis(30)).await;
    trace.note(format!("slow ends: {}", user.username));
}

#[receiver(user_post_create, after_commit, order = 2)]
async fn quick(user: &User, #[state] trace: &Trace) {
    trace.note(format!("quick: {}", user.username));
}

#[receiver(user_post_delete, after_commit, order = 1)]
async fn waits_for_the_plain_one(#[state] plain: &tokio::sync::Notify, #[state] trace: &Trace) {
    plain.notified().await;
    trace.note("async");
}

#[receiver(user_post_delete, after_commit, order = 2)]
fn plain(#[state] plain: &tokio::sync::Notify, #[state] trace: &Trace) {
    trace.note("plain");
    plain.notify_one();
}

fn ran_on(runtime: &tokio::runtime::Runtime) -> lback::Result<Option<Vec<String>>> {
    let Some(database) = Database::fresh() else {
        return Ok(None);
    };
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .connect(&database.url())?;
    runtime.block_on(pool.run(|session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Users.create(session, new_user("grace"))
        })?;
        Users.create(session, new_user("eve"))
    }))?;
    Ok(Some(trace.take()))
}

const IN_ORDER: [&str; 9] = [
    "slow begins: ada",
    "slow ends: ada",
    "quick: ada",
    "slow begins: grace",
    "slow ends: grace",
    "quick: grace",
    "slow begins: eve",
    "slow ends: eve",
    "quick: eve",
];

#[test]
fn on_several_threads() -> lback::Result<()> {
    if let Some(ran) = ran_on(&asynchronous())? {
        assert_eq!(ran, IN_ORDER);
    }
    Ok(())
}

#[test]
fn and_on_one() -> lback::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    if let Some(ran) = ran_on(&runtime)? {
        assert_eq!(ran, IN_ORDER);
    }
    Ok(())
}

#[test]
fn a_plain_one_does_not_wait_for_them() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_state(tokio::sync::Notify::new())
        .connect(&database.url())?;
    asynchronous().block_on(async {
        let ada = pool
            .run(|session| Users.create(session, new_user("ada")))
            .await?;
        trace.take();
        pool.run(move |session| Users.delete(session, &ada)).await
    })?;
    assert_eq!(trace.take(), ["plain", "async"]);
    Ok(())
}
