//! A function that an application has already becomes a receiver without a line changed in it: what
//! `execute` returns is an outcome, the connection may have any name, and a state may be known by its
//! trait alone, or lie in an `Arc`.

use std::sync::Arc;

use super::traced;
use crate::database::*;
use lback_tests::{Notes, Trace, new_user, notes};

own_users!();

/// Sends mail somehow.
trait Mailer: Send + Sync {
    fn send(&self, trace: &Trace, to: &str);
}

struct Paper;

impl Mailer for Paper {
    fn send(&self, trace: &Trace, to: &str) {
        trace.note(format!("a letter to {to}"));
    }
}

struct Config {
    greeting: &'static str,
}

#[receiver(user_post_create)]
fn log(user: &User, #[conn] db: &mut Native) -> QueryResult<usize> {
    db.write_note(&user.username)?;
    diesel::update(users::table.find(user.id))
        .set(users::is_email_verified.eq(true))
        .execute(db)
}

#[receiver(user_post_create, after_commit)]
fn welcome(
    user: &User,
    #[state] mailer: &dyn Mailer,
    #[state] config: &Config,
    #[state] trace: &Trace,
    #[conn] c: &mut Native,
) -> QueryResult<usize> {
    trace.note(config.greeting);
    mailer.send(trace, &user.username);
    users::table.count().get_result::<i64>(c).map(|_| 1)
}

#[test]
fn with_what_they_take_and_return() {
    let Some((_database, session, trace)) = traced() else {
        return;
    };
    let mailer: Arc<dyn Mailer> = Arc::new(Paper);
    let config = Arc::new(Config { greeting: "Hello" });
    let mut session = session
        .with_shared_state(mailer)
        .with_state(Arc::clone(&config));
    Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(trace.take(), ["Hello", "a letter to ada"]);
    assert_eq!(notes(&mut session), ["ada"]);
    session.take_failures().assert_none();

    // One that is not in an `Arc` is found first.
    session.with(Config { greeting: "Hi" }, |session| {
        assert_eq!(session.state::<Config>().map(|it| it.greeting), Some("Hi"));
        assert!(session.state::<Arc<Config>>().is_some());
    });
    assert!(session.state::<dyn Mailer>().is_some());
}

#[test]
fn an_arc_of_a_trait_that_was_put_in_as_a_value_is_found_too() {
    let Some((_database, session, trace)) = traced() else {
        return;
    };
    let mailer: Arc<dyn Mailer> = Arc::new(Paper);
    let session = session.with_state(mailer);
    session.state::<dyn Mailer>().unwrap().send(&trace, "eve");
    assert_eq!(trace.take(), ["a letter to eve"]);
    assert!(session.state::<Config>().is_none());
}

#[test]
fn what_is_missing_is_named_by_its_trait() {
    let Some((_database, session, _trace)) = traced() else {
        return;
    };
    let mut session = session.with_state(Config { greeting: "" });
    let error = Users.create(&mut session, new_user("ada")).unwrap_err();
    assert!(
        matches!(error, lback::Error::StateMissing { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("dyn "), "{error}");
    assert!(error.to_string().contains("Mailer"), "{error}");
}
