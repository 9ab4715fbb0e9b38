//! Without a handler and without anybody who reads the log, the first failure of a session is printed,
//! with the way to turn that off; and a session that is dropped with more says how many.

use std::process::Command;

use super::each_receiver_is_a_span_for_tracing::Log;
use super::traced;
use crate::database::*;

fn fail(session: &mut Session, number: u32) {
    session.on_commit(move |_session| Err::<(), _>(format!("failure {number}")));
}

/// Run by the tests below, in a process of their own, whose standard error they read.
#[test]
#[ignore = "it only prints"]
fn failing() {
    let case = std::env::var("LBACK_TEST_CASE").unwrap_or_default();
    // Until the session is dropped.
    let _logged = (case == "logged").then(|| tracing::subscriber::set_default(Log::default()));
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    if case.starts_with("late") {
        return late::fail(&case);
    }
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
fn none_that_was_handled_logged_or_taken() {
    let Some(handled) = printed("handled") else {
        return;
    };
    assert!(!handled.contains("lback:"), "{handled}");
    let logged = printed("logged").unwrap();
    assert!(!logged.contains("lback:"), "{logged}");
    let taken = printed("taken").unwrap();
    assert!(!taken.contains("dropped"), "{taken}");
}

/// Failures of `async` receivers outlive their sessions: a pool tells of them.
mod late {
    use super::*;
    use crate::promises::asynchronous;
    use lback_tests::new_user;

    own_users!();

    #[receiver(user_post_create, after_commit, id = "late")]
    async fn late(user: &User) -> Result<(), String> {
        Err(format!("no letter for {}", user.username))
    }

    pub(super) fn fail(case: &str) {
        let database = Database::fresh().expect("there is a database");
        let pool = lback::Database::<Native>::builder();
        let pool = match case {
            "late handled" => pool.with_failure_handler(|_| {}),
            _ => pool,
        };
        let pool = pool.connect(&database.url()).expect("it is there");
        let names = if case == "late one" {
            &["ada"][..]
        } else {
            &["ada", "bob", "eve"]
        };
        let created = asynchronous().block_on(pool.run(|session| {
            names
                .iter()
                .try_for_each(|name| Users.create(session, new_user(name)).map(drop))
        }));
        created.expect("they are stored");
        if case == "late taken" {
            assert_eq!(pool.take_failures().count, 3);
        }
    }

    #[test]
    fn the_first_at_once_and_the_others_at_the_end() {
        let Some(printed) = printed("late three") else {
            return;
        };
        assert_eq!(printed.matches("no letter for ada").count(), 1, "{printed}");
        assert!(!printed.contains("no letter for bob"), "{printed}");
        assert!(
            printed.contains("3 failures of `async` receivers"),
            "{printed}"
        );
    }

    #[test]
    fn one_is_told_once() {
        let Some(printed) = printed("late one") else {
            return;
        };
        assert_eq!(printed.matches("no letter for ada").count(), 1, "{printed}");
        assert!(!printed.contains("taken by nobody"), "{printed}");
    }

    #[test]
    fn none_that_was_handled_or_taken() {
        let Some(handled) = printed("late handled") else {
            return;
        };
        assert!(!handled.contains("lback:"), "{handled}");
        let taken = printed("late taken").unwrap();
        assert!(!taken.contains("taken by nobody"), "{taken}");
    }
}
