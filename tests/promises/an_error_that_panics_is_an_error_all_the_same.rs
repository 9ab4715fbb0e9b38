//! Whatever an error of the user's does when it is asked for its cause, printed or dropped: the caller gets
//! an error, nothing is stored, and the program goes on.

use std::fmt;

use lback::BoxError;
use lback_tests::{new_user, note, notes};

use super::stored;
use crate::database::*;

own_users!();

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in Drop");
    }
}

/// An error that panics at whatever it is asked, and when it is dropped.
#[derive(Debug)]
struct Sour(#[allow(dead_code)] Bomb);

impl fmt::Display for Sour {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display");
    }
}

impl std::error::Error for Sour {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("in source");
    }
}

/// A veto in an error that panics when it is dropped.
#[derive(Debug)]
struct Refusal(Veto, #[allow(dead_code)] Bomb);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// A failure that goes away by itself, in an error that panics when it is dropped.
#[derive(Debug)]
struct Busy(lback::Error, #[allow(dead_code)] Option<Bomb>);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<lback::Error> for Busy {
    fn from(error: lback::Error) -> Self {
        Self(error, None)
    }
}

#[receiver(user_pre_create)]
fn fail_as_told(data: &NewUser) -> Result<(), BoxError> {
    match data.username.as_str() {
        "sour" => Err(Box::new(Sour(Bomb))),
        "refused" => Err(Box::new(Refusal(Veto::new("not this one"), Bomb))),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, on_error = "isolate")]
fn fail_apart(_user: &User, _session: &mut Session) -> Result<(), BoxError> {
    Err(Box::new(Sour(Bomb)))
}

/// What an error prints, which must not panic; dropping it would, and is the caller's affair.
fn print(error: lback::Error) -> String {
    let text = format!("{error}");
    assert!(format!("{error:#}").starts_with(&text));
    assert!(format!("{error:?}").starts_with(&text));
    assert!(!error.is_retryable());
    std::mem::forget(error);
    text
}

/// Another panic while one goes on would end the program.
#[test]
fn an_error_that_panics_when_it_is_asked_and_when_it_is_dropped() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();

    let failed = Users.create(&mut session, new_user("sour")).unwrap_err();
    let text = print(failed);
    assert!(
        text.contains("fail_as_told") && text.ends_with("failed"),
        "{text}"
    );
    let (failed, recording) =
        session.record(|session| Users.create(session, new_user("sour")).unwrap_err());
    let text = print(failed);
    assert!(
        text.contains("fail_as_told") && text.ends_with("failed"),
        "{text}"
    );
    recording.assert_failed(fail_as_told);

    let refused = Users.create(&mut session, new_user("refused")).unwrap_err();
    assert!(matches!(refused, lback::Error::Vetoed { .. }));
    assert!(print(refused).ends_with(": not this one"));

    let at_commit = session.transaction(|session| {
        session.before_commit(|_| Err::<(), BoxError>(Box::new(Sour(Bomb))));
        note(session.conn(), "lost")?;
        lback::Result::Ok(())
    });
    print(at_commit.unwrap_err());
    let at_commit = session.transaction(|session| {
        session.before_commit(|_| {
            let refusal = Refusal(Veto::new("not now"), Bomb);
            Err::<(), BoxError>(Box::new(refusal))
        });
        note(session.conn(), "lost")?;
        lback::Result::Ok(())
    });
    assert!(print(at_commit.unwrap_err()).contains("not now"));
    assert!(!session.in_transaction());
    assert_eq!(notes(&mut session), [""; 0]);
    assert_eq!(stored(&mut session), [""; 0]);
    session.take_failures().assert_none();

    Users
        .create(&mut session, new_user("ada"))
        .expect("an isolated receiver fails alone");
    assert_eq!(stored(&mut database.session()), ["ada"]);
    // Those that are kept are dropped with the session.
    drop(session);
}

#[test]
fn an_error_that_is_dropped_before_another_attempt() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut attempts = 0;
    let done: Result<(), Busy> = session.transaction_with_retries(3, |session| {
        attempts += 1;
        note(session.conn(), "kept").map_err(lback::Error::from)?;
        if attempts < 3 {
            let kind = diesel::result::DatabaseErrorKind::SerializationFailure;
            let busy = diesel::result::Error::DatabaseError(kind, Box::new("busy".to_owned()));
            return Err(Busy(busy.into(), Some(Bomb)));
        }
        Ok(())
    });
    done.expect("the third attempt succeeds");
    let failures = session.take_failures().latest;
    let texts: Vec<_> = failures.iter().map(|it| it.cause.to_string()).collect();
    assert_eq!(texts, ["it panicked: in Drop", "it panicked: in Drop"]);
    assert_eq!(notes(&mut database.session()), ["kept"]);
}
