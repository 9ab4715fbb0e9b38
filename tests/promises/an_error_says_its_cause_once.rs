//! An error tells its cause in its text or as its source, and never in both: a report that prints
//! an error and its sources repeats nothing. A chain of sources that never ends is no danger.

use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::database::*;
use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

own_users!();

#[receiver(user_post_create)]
fn fail(user: &User, session: &mut Session) -> anyhow::Result<()> {
    match user.username.as_str() {
        "burning" => anyhow::bail!("the disk is on fire"),
        "flooded" => Err(anyhow::anyhow!("the cellar is under water").context("no wine")),
        "refused" => Err(anyhow::Error::new(Veto::new("not this one")).context("no guest")),
        "misspelt" => {
            session
                .conn()
                .batch_execute("SELECT nothing FROM nowhere")?;
            Ok(())
        }
        "in a circle" => Err(Circle.into()),
        "in a great circle" => Err(GreatCircle(0).into()),
        "without end" => Err(Endless(&MADE).into()),
        _ => Ok(()),
    }
}

#[receiver(user_post_create)]
fn invite(user: &User, session: &mut Session) -> anyhow::Result<()> {
    if user.username == "host" {
        Users.create(session, new_user("flooded"))?;
    }
    Ok(())
}

#[receiver(user_post_create, after_commit)]
fn forget(user: &User, session: &mut Session) -> lback::Result<()> {
    if user.username == "late" {
        Users.create(session, new_user("flooded"))?;
    }
    Ok(())
}

/// Its own cause.
#[derive(Debug)]
struct Circle;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round")
    }
}

impl StdError for Circle {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self)
    }
}

/// Each the cause of the next, and the last that of the first.
#[derive(Debug)]
struct GreatCircle(usize);

static ALL: [GreatCircle; 3] = [GreatCircle(0), GreatCircle(1), GreatCircle(2)];

impl fmt::Display for GreatCircle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "station {}", self.0)
    }
}

impl StdError for GreatCircle {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&ALL[(self.0 + 1) % ALL.len()])
    }
}

/// Makes up another cause each time.
#[derive(Debug)]
struct Endless(&'static AtomicUsize);

static MADE: AtomicUsize = AtomicUsize::new(0);

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("and on")
    }
}

impl StdError for Endless {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(Box::leak(Box::new(Endless(self.0))))
    }
}

fn texts(error: &(dyn StdError + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn assert_once(error: Error) {
    let texts = texts(&error);
    for (above, text) in texts.iter().enumerate() {
        for below in &texts[above + 1..] {
            assert!(!text.contains(below.as_str()), "twice: {texts:#?}");
        }
    }
    let report = texts.join(": ");
    assert_eq!(format!("{error:#}"), report);
    assert_eq!(format!("{error:?}"), texts.join("\n  caused by: "));
    assert_eq!(format!("{:#}", anyhow::Error::from(error)), report);
}

#[test]
fn of_every_kind_that_has_one() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, causes) in [
        ("burning", &["the disk is on fire"] as &[&str]),
        ("flooded", &["no wine", "the cellar is under water"]),
    ] {
        let failed = Users.create(&mut session, new_user(name)).expect_err(name);
        assert!(matches!(failed, Error::ReceiverFailed { .. }), "{failed:?}");
        assert!(texts(&failed)[0].ends_with(") failed"), "{failed}");
        assert_eq!(texts(&failed)[1..], *causes);
        assert_once(failed);
    }
    for name in ["host", "refused", "misspelt"] {
        assert_once(Users.create(&mut session, new_user(name)).expect_err(name));
    }

    Users.create(&mut session, new_user("ada")).expect("valid");
    let duplicate = Users.create(&mut session, new_user("ada"));
    let duplicate = duplicate.expect_err("it is there already");
    assert!(matches!(duplicate, Error::Duplicate { .. }));
    assert_once(duplicate);
    assert_once(NewUser::new("ada", "ada@example.com", "").expect_err("no password"));
    assert_once(session.state_missing());
    assert_once(
        Users
            .delete(&mut session, UserId::from(-1))
            .expect_err("gone"),
    );
    let query = diesel::sql_query("SELECT nothing FROM nowhere").execute(session.conn());
    let query = Error::from(query.expect_err("there is no such table"));
    assert!(matches!(query, Error::Database(_)));
    assert_once(query);
    for boxed in [
        DieselError::DeserializationError("three is no boolean".into()),
        DieselError::QueryBuilderError(Box::new(fmt::Error)),
    ] {
        assert_once(boxed.into());
    }
    let hash = lback::Password::from_hash("no hash").expect_err("it has no form");
    assert!(matches!(hash, Error::Password(_)), "{hash:?}");
    assert_once(hash);
    let connection = lback::sqlite::connect("/no such folder/app.db").err();
    let connection = connection.expect("there is no such folder");
    assert!(matches!(connection, Error::Connection { .. }));
    assert_once(connection);
}

trait StateMissing {
    fn state_missing(&mut self) -> Error;
}

impl StateMissing for Session {
    fn state_missing(&mut self) -> Error {
        Users
            .create(self, new_user("needs state"))
            .expect_err("there is none")
    }
}

#[receiver(user_pre_create, when = |data: &NewUser| data.username == "needs state")]
fn needs_state(#[state] _number: &u128) {}

/// It is often all that is logged, so its text has all causes.
#[test]
fn a_failure_that_no_caller_sees_tells_all_in_its_text() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    Users.create(&mut session, new_user("late")).expect("valid");
    assert_eq!(count("users", &mut session), 1);
    let failures = session.take_failures();
    let failure = &failures.latest[0];
    let text = failure.to_string();
    for part in [
        "::forget`",
        "after commit",
        "::fail`",
        "no wine",
        "the cellar is under water",
    ] {
        assert_eq!(text.matches(part).count(), 1, "{part}: {text}");
    }
    assert!(failure.source().is_none());
}

#[test]
fn and_a_chain_without_an_end_is_cut() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, most) in [
        ("in a circle", 10),
        ("in a great circle", 20),
        ("without end", 1_001),
    ] {
        let failed = Users.create(&mut session, new_user(name)).expect_err(name);
        assert!(!failed.is_retryable(), "{name}");
        for text in [
            format!("{failed:?}"),
            format!("{failed:#}").replace(": ", "\n"),
        ] {
            let lines = text.lines().count();
            assert!((2..=most).contains(&lines), "{name}: {lines} lines");
        }
        let nested: BoxError = failed.into();
        assert!(nested.to_string().contains("::fail`"), "{nested}");
    }
    assert_eq!(count("users", &mut session), 0);
}
