//! The error or the panic of an `async` receiver goes to the pool's handler, or else is kept for
//! `Database::take_failures`; the others run, and the caller sees nothing of it.

use std::sync::{Arc, Mutex};

use crate::database::*;
use crate::promises::asynchronous;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit, id = "fails", order = 1)]
async fn fails(user: &User) -> Result<(), String> {
    tokio::task::yield_now().await;
    match &*user.username {
        "ada" => Err("no letter for ada".into()),
        "grace" => panic!("no paper for {}", user.username),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, after_commit, order = 2)]
async fn goes_on(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[receiver(user_post_delete, after_commit, id = "endless")]
async fn endless(#[state] trace: &Trace) {
    trace.note("begun");
    std::future::pending().await
}

/// Panics when it is dropped.
#[derive(Clone)]
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("it breaks");
    }
}

#[receiver(user_post_update, after_commit, id = "brittle")]
async fn brittle(#[state] trace: &Trace) {
    let _brittle = Brittle;
    tokio::task::yield_now().await;
    trace.note("brittle");
}

const BOTH: [&str; 2] = [
    "receiver `fails` of `user_post_create` (*) failed after commit: no letter for ada",
    "receiver `fails` of `user_post_create` (*) failed after commit: it panicked: no paper for grace",
];

/// Without the place.
fn text(failure: &lback::failure::Failure) -> String {
    let text = failure.to_string();
    let (before, rest) = text.split_once('(').expect("a place");
    let (_, behind) = rest.split_once(')').expect("a place");
    format!("{before}(*){behind}")
}

fn create_three(pool: &lback::Database<Native>) -> lback::Result<()> {
    asynchronous().block_on(pool.run(|session| {
        session.transaction(|session| {
            for name in ["ada", "grace", "eve"] {
                Users.create(session, new_user(name))?;
            }
            lback::Result::Ok(())
        })
    }))
}

#[test]
fn to_the_handler_of_the_pool() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (trace, told) = (Trace::new(), Arc::new(Mutex::new(Vec::new())));
    let tell = Arc::clone(&told);
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .with_failure_handler(move |failure| tell.lock().unwrap().push(text(failure)))
        .connect(&database.url())?;
    create_three(&pool)?;
    assert_eq!(*told.lock().unwrap(), BOTH);
    assert_eq!(trace.take(), ["ada", "grace", "eve"]);
    assert_eq!(pool.take_failures().count, 0);
    Ok(())
}

#[test]
fn else_the_pool_keeps_them() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .connect(&database.url())?;
    create_three(&pool)?;
    let kept = pool.take_failures();
    assert_eq!(kept.count, 2);
    assert_eq!(kept.latest.iter().map(text).collect::<Vec<_>>(), BOTH);
    assert_eq!(pool.take_failures().count, 0);
    assert_eq!(trace.take(), ["ada", "grace", "eve"]);
    Ok(())
}

#[test]
fn also_where_the_handler_panics() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = lback::Database::builder()
        .with_state(Trace::new())
        .with_failure_handler(|failure| panic!("{failure}"))
        .connect(&database.url())?;
    create_three(&pool)?;
    assert_eq!(pool.take_failures().count, 2);
    Ok(())
}

#[test]
fn a_session_without_a_pool_keeps_its_own() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (runtime, trace) = (asynchronous(), Trace::new());
    let mut session = database
        .session()
        .with_runtime(runtime.handle().clone())
        .with_state(trace.clone());
    Users.create(&mut session, new_user("ada"))?;
    while trace.take() != ["ada"] {
        std::thread::yield_now();
    }
    let kept = session.take_failures();
    assert_eq!(kept.latest.iter().map(text).collect::<Vec<_>>(), BOTH[..1]);
    Ok(())
}

#[test]
fn a_runtime_that_is_shut_down_is_one_too() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (runtime, trace) = (asynchronous(), Trace::new());
    let mut session = database
        .session()
        .with_runtime(runtime.handle().clone())
        .with_state(trace.clone());
    let both = ["eve", "mary"].map(|name| Users.create(&mut session, new_user(name)));
    let mut created = 0;
    while created < both.len() {
        std::thread::yield_now();
        created += trace.take().len();
    }
    for user in both {
        Users.delete(&mut session, &user?)?;
    }
    while trace.take() != ["begun"] {
        std::thread::yield_now();
    }
    // One is at work, and one waits for it.
    drop(runtime);
    let kept = session.take_failures();
    let text = kept.latest.iter().map(text).collect::<Vec<_>>();
    let over = "receiver `endless` of `user_post_delete` (*) failed after commit: the runtime was \
                shut down before it was done";
    assert_eq!(text, [over, over]);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

#[test]
fn what_it_leaves_behind_may_panic_too() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .connect(&database.url())?;
    asynchronous().block_on(pool.run(|session| {
        let eve = Users.create(session, new_user("eve"))?;
        let changes = UserChanges {
            email: Some("eve@example.org".into()),
            ..UserChanges::default()
        };
        Users.update(session, &eve, changes)
    }))?;
    let kept = pool.take_failures();
    let text = kept.latest.iter().map(text).collect::<Vec<_>>();
    assert_eq!(
        text,
        [
            "receiver `brittle` of `user_post_update` (*) failed after commit: it panicked: it breaks"
        ]
    );
    assert_eq!(trace.take(), ["eve", "brittle"]);
    Ok(())
}
