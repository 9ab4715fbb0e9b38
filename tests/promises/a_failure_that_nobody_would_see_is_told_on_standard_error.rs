//! Without a handler and without anybody who reads the log, the first failure of a session is printed,
//! with the way to turn that off; and a session that is dropped with more says how many.

use std::process::Command;

use super::traced;
use crate::database::*;

fn fail(session: &mut Session, number: u32) {
    session.on_commit(move |_session| Err::<(), _>(format!("failure {number}")));
}

/// Run by the tests below, in a process of their own, whose standard error they read.
#[test]
#[ignore = "it only prints"]
fn failing() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    let case = std::env::var("LBACK_TEST_CASE").unwrap_or_default();
    if case == "handled" {
        session = session.with_failure_handler(|_| {});
    }
    let times = if case == "one" { 1 } else { 3 };
    (1..=times).for_each(|number| fail(&mut session, number));
    if case == "taken" {
        session.take_failures();
    }
}

/// What `failing` prints, if there is a database.
fn printed(case: &str) -> Option<String> {
    Database::empty()?;
    let name = concat!(module_path!(), "::failing");
    let (_, name) = name.split_once("::").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env("LBACK_TEST_CASE", case)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stderr).unwrap();
    Some(printed)
}

#[test]
fn the_first_at_once_and_the_others_at_the_end() {
    let Some(printed) = printed("three") else {
        return;
    };
    assert_eq!(printed.matches("failure 1").count(), 1, "{printed}");
    assert!(!printed.contains("failure 2"), "{printed}");
    assert!(printed.contains("with_failure_handler"), "{printed}");
    assert!(printed.contains("dropped with 3 failures"), "{printed}");
}

#[test]
fn one_is_told_once() {
    let Some(printed) = printed("one") else {
        return;
    };
    assert!(printed.contains("failure 1"), "{printed}");
    assert!(!printed.contains("dropped"), "{printed}");
}

#[test]
fn none_that_was_handled_or_taken() {
    let Some(handled) = printed("handled") else {
        return;
    };
    assert!(!handled.contains("lback:"), "{handled}");
    let taken = printed("taken").unwrap();
    assert!(!taken.contains("dropped"), "{taken}");
}
