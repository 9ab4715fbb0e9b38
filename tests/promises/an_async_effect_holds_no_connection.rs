//! While an `async` receiver waits, its pool has all connections: for others, and for itself.

use std::sync::Arc;
use std::time::Duration;

use crate::database::*;
use crate::promises::{asynchronous, stored};
use lback_tests::{Trace, new_user, note, notes};
use tokio::sync::Notify;

own_users!();

#[receiver(user_post_create, after_commit)]
async fn created(user: &User, #[state] go_on: &Notify, #[state] trace: &Trace) {
    go_on.notified().await;
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_delete, after_commit)]
async fn deleted(user: &User, #[state] pool: &lback::Database<Native>) -> lback::Result<()> {
    let name = user.username.clone();
    pool.run(move |session| lback::Result::Ok(note(session.conn(), &name)?))
        .await
}

struct Case {
    database: Database,
    trace: Trace,
    go_on: Arc<Notify>,
    /// Of one connection.
    pool: lback::Database<Native>,
}

fn case() -> lback::Result<Option<Case>> {
    let Some(database) = Database::fresh() else {
        return Ok(None);
    };
    let (trace, go_on) = (Trace::new(), Arc::new(Notify::new()));
    let pool = lback::Database::builder()
        .max_size(1)
        .wait(Duration::from_secs(10))
        .with_state(trace.clone())
        .with_state(Arc::clone(&go_on))
        .connect(&database.url())?;
    Ok(Some(Case {
        database,
        trace,
        go_on,
        pool,
    }))
}

#[test]
fn others_work_while_it_waits() -> lback::Result<()> {
    let Some(case) = case()? else { return Ok(()) };
    let pool = &case.pool;
    asynchronous().block_on(async {
        let creating = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(|session| Users.create(session, new_user("ada")))
                    .await
            }
        });
        while pool
            .run(|session| lback::Result::Ok(stored(session)))
            .await?
            != ["ada"]
        {}
        assert!(!creating.is_finished(), "its effect waits");
        assert_eq!(case.trace.take(), [""; 0]);
        case.go_on.notify_one();
        creating.await.expect("no panic")?;
        assert_eq!(case.trace.take(), ["created ada"]);
        lback::Result::Ok(())
    })
}

#[test]
fn it_takes_the_only_one_itself() -> lback::Result<()> {
    let Some(case) = case()? else { return Ok(()) };
    case.go_on.notify_one();
    asynchronous().block_on(async {
        let ada = case
            .pool
            .run(|session| Users.create(session, new_user("ada")));
        let ada = ada.await?;
        case.pool
            .run(move |session| Users.delete(session, &ada))
            .await
    })?;
    assert_eq!(notes(&mut case.database.session()), ["ada"]);
    assert_eq!(case.pool.take_failures().count, 0);
    assert_eq!(case.pool.size(), (1, 1));
    Ok(())
}
