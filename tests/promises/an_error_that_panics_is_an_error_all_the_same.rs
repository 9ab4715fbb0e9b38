//! Whatever an error of the user's does when it is asked for its cause, printed or dropped: the caller gets
//! an error, nothing is stored, and the program goes on.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::{SimpleConnection as _, TransactionManager};
use diesel::result::Error as DieselError;
use lback::BoxError;
use lback::outbox::Snooze;
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

/// An error of ours, in one that prints as it does and panics when it is dropped.
#[derive(Debug)]
struct Around(lback::Error, #[allow(dead_code)] Bomb);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Around {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// A veto, in an error that says more and panics when it is asked for its cause.
#[derive(Debug)]
struct Remark(Veto);

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at the gate: {}", self.0)
    }
}

impl std::error::Error for Remark {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("in source");
    }
}

/// A veto below an error that cannot be printed.
#[derive(Debug)]
struct Above(Veto);

impl fmt::Display for Above {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display");
    }
}

impl std::error::Error for Above {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[receiver(user_pre_create)]
fn fail_as_told(data: &NewUser) -> Result<(), BoxError> {
    match data.username.as_str() {
        "sour" => Err(Box::new(Sour(Bomb))),
        "refused" => Err(Box::new(Refusal(Veto::new("not this one"), Bomb))),
        "remark" => Err(Box::new(Remark(Veto::new("not this one")))),
        "above" => Err(Box::new(Above(Veto::new("not this one")))),
        "unwritten" => {
            let error = DieselError::QueryBuilderError(Box::new(Sour(Bomb)));
            Err(lback::Error::from(error).into())
        }
        _ => Ok(()),
    }
}

struct Missing;

#[signal]
struct Asked<'a> {
    session: &'a mut Session,
}

#[receiver(asked)]
fn ask_for_what_is_missing(#[state] _missing: &Missing) {}

#[receiver(user_pre_create)]
fn call_further(data: &NewUser, session: &mut Session) -> Result<(), BoxError> {
    let called = match data.username.as_str() {
        "stateless" => Asked { session }.send(),
        "endless" => Users.create(session, new_user("endless")).map(drop),
        _ => return Ok(()),
    };
    called.map_err(|error| Around(error, Bomb).into())
}

/// It ends the transaction, which its own savepoint cannot undo.
#[receiver(user_post_update, on_error = "isolate")]
fn end_all(_user: &User, session: &mut Session) -> Result<(), BoxError> {
    session.conn().batch_execute("ROLLBACK")?;
    Err(Box::new(Sour(Bomb)))
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
fn an_error_that_holds_one_of_ours() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut fail = |name: &str| Users.create(&mut session, new_user(name)).unwrap_err();
    let stateless = fail("stateless");
    assert!(matches!(stateless, lback::Error::StateMissing { .. }));
    print(stateless);
    let endless = fail("endless");
    assert!(matches!(endless, lback::Error::Recursion { .. }));
    print(endless);
    let remark = fail("remark");
    assert!(std::error::Error::source(&remark).is_none());
    let text = print(remark);
    assert!(text.ends_with(": at the gate: not this one"), "{text}");
    let text = print(fail("above"));
    assert!(
        text.ends_with(": (its text panicked: in Display): not this one"),
        "{text}"
    );
    let text = print(fail("unwritten"));
    assert!(
        text.contains("fail_as_told") && text.ends_with("failed"),
        "{text}"
    );
    assert_eq!(stored(&mut session), [""; 0]);
}

#[test]
fn an_error_of_a_value_that_cannot_be_read() {
    let error = DieselError::DeserializationError(Box::new(Sour(Bomb)));
    let text = print(error.into());
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn an_isolated_receiver_that_ended_the_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_failure_handler(|_| {});
    let user = Users.create(&mut session, new_user("ada")).unwrap();
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    let done = session.transaction(|session| Users.update(session, &user, changes));
    assert!(
        matches!(done, Err(lback::Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert!(!session.in_transaction());
}

mod delivered {
    use super::*;

    own_users!();

    /// Later, in an error that panics when it is dropped.
    #[derive(Debug)]
    struct Later(Snooze, #[allow(dead_code)] Bomb);

    impl fmt::Display for Later {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("later")
        }
    }

    impl std::error::Error for Later {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[receiver(user_post_create, durable, id = "sour.tell", max_attempts = 2)]
    fn tell(user: &User) -> Result<(), BoxError> {
        match user.username.as_str() {
            "later" => Err(Box::new(Later(Snooze(Duration::from_secs(3_600)), Bomb))),
            _ => Err(Box::new(Sour(Bomb))),
        }
    }

    /// Fails twice, first among several.
    #[receiver(user_post_create, durable, id = "sour.write", batch = 4)]
    fn write(user: &User, conn: &mut Native, #[state] calls: &AtomicU32) -> Result<(), BoxError> {
        note(conn, &user.username)?;
        if calls.fetch_add(1, Ordering::Relaxed) < 2 {
            let kind = diesel::result::DatabaseErrorKind::SerializationFailure;
            let busy = DieselError::DatabaseError(kind, Box::new("busy".to_owned()));
            return Err(Box::new(Busy(busy.into(), Some(Bomb))));
        }
        Ok(())
    }

    #[receiver(user_post_update, durable, id = "sour.break")]
    fn break_off(session: &mut Session) -> Result<(), BoxError> {
        type Manager = <Native as diesel::Connection>::TransactionManager;
        Manager::transaction_manager_status_mut(session.conn()).set_in_error();
        Err(Box::new(Sour(Bomb)))
    }

    fn opened() -> Option<(Database, Session)> {
        let database = Database::with_outbox()?;
        let session = database.session().with_failure_handler(|_| {});
        let session = session.with_state(AtomicU32::default());
        Some((database, session))
    }

    #[test]
    fn what_a_durable_receiver_returns() -> lback::Result<()> {
        let Some((_database, mut session)) = opened() else {
            return Ok(());
        };
        session.transaction(|session| {
            Users.create(session, new_user("later"))?;
            Users.create(session, new_user("ada")).map(drop)
        })?;
        let delivered = session.deliver_all()?;
        assert_eq!(
            (
                delivered.done,
                delivered.snoozed,
                delivered.failed,
                delivered.dead
            ),
            (2, 1, 1, 1)
        );
        let letters = session.outbox().dead_letters(10)?;
        assert_eq!(letters[0].error, "(its text panicked: in Display)");
        assert_eq!(notes(&mut session), ["later", "ada"]);
        Ok(())
    }

    #[test]
    fn of_a_durable_receiver_that_broke_the_session() {
        let Some((_database, mut session)) = opened() else {
            return;
        };
        let sent = session.mute_all(|session| Users.create(session, new_user("ada")));
        let changes = UserChanges {
            is_active: Some(false),
            ..UserChanges::default()
        };
        Users.update(&mut session, &sent.unwrap(), changes).unwrap();
        let delivered = session.deliver_all();
        assert!(
            matches!(delivered, Err(lback::Error::SessionBroken)),
            "{delivered:?}"
        );
    }
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
