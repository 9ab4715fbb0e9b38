//! An `async` receiver begins as soon as its own transaction has committed, while the closure of
//! `Database::run` still goes on; and `run(..).await` is done when all of them are.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use crate::database::*;
use crate::promises::{asynchronous, refused};
use lback_tests::{Trace, new_user};

own_users!();

struct Begun(Mutex<mpsc::Sender<String>>);

#[receiver(user_post_create, after_commit)]
async fn created(user: &User, #[state] trace: &Trace, #[state] begun: &Begun) {
    trace.note(format!("begun: {}", user.username));
    let told = begun
        .0
        .lock()
        .expect("nobody panics")
        .send(user.username.clone());
    told.expect("the test listens");
    tokio::time::sleep(Duration::from_millis(50)).await;
    trace.note(format!("done: {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
async fn undone(user: User, #[state] trace: &Trace) {
    tokio::task::yield_now().await;
    trace.note(format!("undone: {}", user.username));
}

#[receiver(user_post_delete, after_commit)]
async fn deleted(user: &User, #[state] pool: &lback::Database<Native>, #[state] trace: &Trace) {
    let key = user.id;
    let left = pool.run(move |session| Users.find(session, key)).await;
    trace.note(format!("left: {:?}", left.map(|user| user.is_some())));
}

#[test]
fn while_the_closure_goes_on() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (trace, (begun, has_begun)) = (Trace::new(), mpsc::channel());
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_state(Begun(Mutex::new(begun)))
        .connect(&database.url())?;
    let seen = trace.clone();
    asynchronous().block_on(pool.run(move |session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let early = has_begun.recv_timeout(Duration::from_millis(100));
            assert!(early.is_err(), "its transaction is open: {early:?}");
            seen.note("about to commit");
            lback::Result::Ok(())
        })?;
        let ada = has_begun.recv_timeout(Duration::from_secs(30));
        assert_eq!(ada.as_deref(), Ok("ada"));
        seen.note("the closure goes on");
        Users.create(session, new_user("grace"))?;
        has_begun
            .recv_timeout(Duration::from_secs(30))
            .expect("it begins");
        lback::Result::Ok(())
    }))?;
    let ran = trace.take();
    assert_eq!(ran[..2], ["about to commit", "begun: ada"]);
    // Whether the closure or the effect is quicker then, nobody promises.
    let rest: Vec<_> = ran[2..]
        .iter()
        .filter(|note| *note != "the closure goes on")
        .collect();
    assert_eq!(rest, ["done: ada", "begun: grace", "done: grace"]);
    Ok(())
}

#[test]
fn and_an_after_rollback_one_when_it_is_rolled_back() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let (begun, _listening) = mpsc::channel();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_state(Begun(Mutex::new(begun)))
        .connect(&database.url())?;
    let refused = asynchronous().block_on(pool.run(|session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Err::<(), _>(refused())
        })
    }));
    assert!(refused.is_err());
    assert_eq!(trace.take(), ["undone: ada"]);
    Ok(())
}

#[test]
fn it_sees_what_was_stored_through_the_pool() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let (begun, _listening) = mpsc::channel();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_state(Begun(Mutex::new(begun)))
        .connect(&database.url())?;
    asynchronous().block_on(async {
        let ada = pool
            .run(|session| Users.create(session, new_user("ada")))
            .await?;
        trace.take();
        pool.run(move |session| Users.delete(session, &ada)).await
    })?;
    assert_eq!(trace.take(), ["left: Ok(false)"]);
    Ok(())
}
