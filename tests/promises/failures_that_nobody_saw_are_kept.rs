//! The last hundred and how many there were, unless a handler takes them.

use std::sync::{Arc, Mutex};

use super::traced;
use crate::database::*;

fn fail(session: &mut Session, times: usize) {
    for number in 0..times {
        session.on_commit(move |_session| Err::<(), _>(format!("failure {number}")));
    }
}

#[test]
fn the_last_hundred_and_the_count() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };

    fail(&mut session, 150);

    let failures = session.take_failures();
    assert_eq!(failures.count, 150);
    assert_eq!(failures.latest.len(), 100);
    assert!(failures.latest[0].to_string().ends_with("failure 50"));
    assert!(failures.latest[99].to_string().ends_with("failure 149"));
    session.take_failures().assert_none();
}

#[test]
fn a_handler_gets_them_instead() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handler = Arc::clone(&seen);
    session = session.with_failure_handler(move |failure| {
        handler.lock().unwrap().push(failure.cause.to_string())
    });

    fail(&mut session, 2);

    assert_eq!(*seen.lock().unwrap(), ["failure 0", "failure 1"]);
    session.take_failures().assert_none();
}

#[test]
fn a_handler_that_panics_takes_no_effect_with_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session = session.with_failure_handler(|failure| panic!("no handler for: {failure}"));

    session.transaction(|session| {
        fail(session, 1);
        super::later(session, &trace, "behind");
        lback::Result::Ok(())
    })?;
    super::later(&mut session, &trace, "the next");

    assert_eq!(trace.take(), ["behind", "the next"]);
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    assert!(failures.latest[0].to_string().ends_with("failure 0"));
    Ok(())
}
