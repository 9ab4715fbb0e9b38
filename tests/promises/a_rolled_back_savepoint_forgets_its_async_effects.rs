//! A savepoint that is rolled back forgets its `async` after-commit receivers, and its after-rollback ones
//! run once the transaction has ended.

use crate::database::*;
use crate::promises::{asynchronous, refused};
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
async fn created(user: &User, #[state] trace: &Trace) {
    tokio::task::yield_now().await;
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
async fn undone(user: &User, #[state] trace: &Trace) {
    tokio::task::yield_now().await;
    trace.note(format!("undone {}", user.username));
}

#[test]
fn and_keeps_those_around_it() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .connect(&database.url())?;
    asynchronous().block_on(pool.run(|session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let inner = session.transaction(|session| {
                Users.create(session, new_user("eve"))?;
                Err::<(), _>(refused())
            });
            assert!(inner.is_err());
            Users.create(session, new_user("grace"))
        })
    }))?;
    assert_eq!(trace.take(), ["undone eve", "created ada", "created grace"]);
    Ok(())
}
