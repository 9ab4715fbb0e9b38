//! What a pool was given once reaches every session that it hands out.

use std::sync::{Arc, Mutex};

use crate::database::*;
use lback::failure::Failure;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create)]
fn seen(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[receiver(user_post_create, after_commit)]
fn fail(user: &User) -> Result<(), String> {
    Err(format!("no mail for {}", user.username))
}

#[test]
fn in_sessions_one_after_the_other_and_at_once() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&failures);
    let pool = lback::Database::<Native>::builder()
        .max_size(2)
        .with_state(trace.clone())
        .with_failure_handler(move |failure: &Failure| {
            kept.lock()
                .expect("nobody panics")
                .push(failure.to_string());
        })
        .connect(&database.url())?;

    let (mut one, mut two) = (pool.session()?, pool.session()?);
    Users.create(&mut one, new_user("ada"))?;
    Users.create(&mut two, new_user("grace"))?;
    drop((one, two));
    let again = pool.clone();
    again.transaction(|session| Users.create(session, new_user("eve")))?;

    assert_eq!(trace.take(), ["ada", "grace", "eve"]);
    let failures = failures.lock().expect("nobody panics");
    assert_eq!(failures.len(), 3, "{failures:?}");
    assert!(failures[2].contains("no mail for eve"), "{failures:?}");
    Ok(())
}

#[test]
fn and_what_one_session_was_given_stays_with_it() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = lback::Database::<Native>::builder()
        .max_size(1)
        .connect(&database.url())?;

    let session = pool.session()?.with_state(Trace::new());
    assert!(session.state::<Trace>().is_some());
    drop(session);
    let session = pool.session()?;
    assert!(session.state::<Trace>().is_none());
    assert_eq!(pool.size(), (1, 0));
    Ok(())
}
