//! What users hand over may panic when it is dropped or printed: a closure that will not run, a state,
//! what a panic carries, an error. Levels are closed before, what was committed does not look failed,
//! and the other effects run.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use lback::BoxError;
use lback::failure::FailureCause;
use lback_tests::{Trace, new_user, note, notes};

use crate::database::*;

own_users!();

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in Drop");
    }
}

/// An error that panics when it is printed, and when it is dropped.
#[derive(Debug)]
struct Unprintable(#[allow(dead_code)] Option<Bomb>);

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display");
    }
}

impl std::error::Error for Unprintable {}

impl fmt::Debug for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bomb")
    }
}

struct Armed;

#[receiver(user_post_create, after_commit, order = 1)]
fn fail_unprintably(#[state] _armed: &Armed) -> Result<(), BoxError> {
    Err(Box::new(Unprintable(Some(Bomb))))
}

#[receiver(user_post_create, after_commit, order = 2)]
fn panic_unprintably(#[state] _armed: &Armed) {
    panic_any(Bomb);
}

#[receiver(user_post_create, after_commit, order = 3)]
fn welcome(user: &User, #[state] trace: &Trace, #[state] _armed: &Armed) {
    trace.note(format!("welcome {}", user.username));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let session = database
        .session()
        .with_state(trace.clone())
        .with_state(Armed);
    Some((database, session, trace))
}

fn hold(bomb: Bomb) -> impl FnOnce(&mut Session) + Send + 'static {
    move |_: &mut Session| drop(bomb)
}

fn messages(session: &mut Session) -> Vec<String> {
    let failures = session.take_failures();
    let causes = failures.latest.into_iter().map(|mut failure| {
        let cause = std::mem::replace(&mut failure.cause, FailureCause::Panic(String::new()));
        match cause {
            FailureCause::Panic(message) => message,
            FailureCause::Error(error) => {
                std::mem::forget(error);
                "an error".to_owned()
            }
            _ => "something else".to_owned(),
        }
    });
    causes.collect()
}

#[test]
fn a_closure_that_is_dropped_at_the_end() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    // At COMMIT what waits for a rollback is dropped, and the other way round.
    session
        .transaction(|session| {
            session.on_rollback(hold(Bomb));
            session.on_rollback(hold(Bomb));
            session.on_commit(|session| session.state::<Trace>().unwrap().note("ran"));
            note(session.conn(), "kept")
        })
        .expect("it is committed");
    assert_eq!(trace.take(), ["ran"]);
    assert_eq!(messages(&mut session), ["in Drop", "in Drop"]);

    let refused: lback::Result<()> = session.transaction(|session| {
        session.on_commit(hold(Bomb));
        session.on_commit(hold(Bomb));
        note(session.conn(), "lost")?;
        Err(lback::Invalid::new("a", "b").into())
    });
    assert!(
        matches!(refused, Err(lback::Error::Invalid(_))),
        "{refused:?}"
    );
    assert!(!session.in_transaction());
    assert_eq!(messages(&mut session), ["in Drop", "in Drop"]);

    // In a savepoint.
    session
        .transaction(|session| {
            let inner: lback::Result<()> = session.transaction(|session| {
                session.on_commit(hold(Bomb));
                note(session.conn(), "lost")?;
                Err(lback::Invalid::new("a", "b").into())
            });
            assert!(inner.is_err());
            lback::Result::Ok(note(session.conn(), "kept too")?)
        })
        .expect("it is committed");
    assert_eq!(notes(&mut database.session()), ["kept", "kept too"]);

    // While another panic goes on.
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        session.transaction(|session| {
            session.on_commit(hold(Bomb));
            note(session.conn(), "lost")?;
            if session.in_transaction() {
                panic!("in the closure");
            }
            lback::Result::Ok(())
        })
    }));
    let panic = panicked.expect_err("it goes on");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"in the closure"));
    assert!(!session.in_transaction());
    session
        .transaction(|session| note(session.conn(), "later"))
        .expect("the session is in order");
    assert_eq!(
        notes(&mut database.session()),
        ["kept", "kept too", "later"]
    );
}

#[test]
fn a_state_that_is_dropped_with_its_scope() {
    let Some((database, mut session, _trace)) = opened() else {
        return;
    };
    struct Actor(#[allow(dead_code)] Bomb);
    let done = session.with(Actor(Bomb), |session| {
        session.transaction(|session| note(session.conn(), "kept"))
    });
    done.expect("what was committed does not look failed");
    assert_eq!(messages(&mut session), ["in Drop"]);
    assert_eq!(notes(&mut database.session()), ["kept"]);
    drop(session.with_state(Actor(Bomb)));
}

#[test]
fn what_an_effect_leaves_behind() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let (created, recording) = session.record(|session| Users.create(session, new_user("ada")));
    created.expect("it is committed");
    assert_eq!(trace.take(), ["welcome ada"], "the others run");
    recording.assert_failed(fail_unprintably);
    recording.assert_failed(panic_unprintably);
    let messages = messages(&mut session);
    assert_eq!(messages, ["an error", "a panic without a message"]);
    assert!(
        Users
            .exists(&mut database.session(), UserId::from(1))
            .unwrap()
    );

    // A handler that prints them panics, and so does what it leaves to be dropped.
    session = session.with_failure_handler(|failure| {
        let _ = failure.to_string();
    });
    Users
        .create(&mut session, new_user("grace"))
        .expect("it is committed");
    assert_eq!(trace.take(), ["welcome grace"]);
    session = session.with_failure_handler(|_| {});
    Users
        .create(&mut session, new_user("zoe"))
        .expect("it is committed");
    assert_eq!(trace.take(), ["welcome zoe"]);
    // Those that are still kept are dropped with the session.
    drop(session);
}

/// It would end the program, if the session were dropped by a panic.
#[test]
fn what_a_failure_handler_holds() {
    let Some((_database, session, _trace)) = opened() else {
        return;
    };
    let bomb = Bomb;
    let session = session.with_failure_handler(move |_| {
        let _ = &bomb;
    });
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(session)));
    assert!(dropped.is_ok());
}

/// A pool's guard that panics when it gives its connection back.
struct Guard(Native, #[allow(dead_code)] Bomb);

impl std::ops::Deref for Guard {
    type Target = Native;

    fn deref(&self) -> &Native {
        &self.0
    }
}

impl std::ops::DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut Native {
        &mut self.0
    }
}

#[test]
fn a_guard_that_gives_its_connection_back() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let session = Session::from_guard(Guard(database.connection(), Bomb)).unwrap();
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(session)));
    assert!(dropped.is_ok());
}

/// Panics when it is asked for anything that is an error.
struct Touchy;

impl tracing::Subscriber for Touchy {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        if *metadata.level() == tracing::Level::ERROR {
            panic_any(Bomb);
        }
        false
    }

    fn register_callsite(
        &self,
        _: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_subscriber_that_is_asked_whether_it_reads() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    // Where there is one subscriber alone, the thread that asks first decides for all, and it may have none.
    let _another = tracing::Dispatch::new(Touchy);
    let told = catch_unwind(AssertUnwindSafe(|| {
        tracing::subscriber::with_default(Touchy, || {
            let created = Users.create(&mut session, new_user("ada"));
            // With failures that nobody has taken.
            drop(session);
            created
        })
    }));
    assert!(matches!(told, Ok(Ok(_))), "{told:?}");
    assert_eq!(trace.take(), ["welcome ada"]);
    assert_eq!(crate::promises::stored(&mut database.session()), ["ada"]);
}

#[test]
fn effects_that_are_left_in_a_session() {
    let Some((_database, mut session, _trace)) = opened() else {
        return;
    };
    let ((), captured) = session.capture(|session| {
        session
            .transaction(|session| {
                session.on_commit(hold(Bomb));
                lback::Result::Ok(())
            })
            .expect("nothing is wrong");
    });
    assert_eq!(captured.len(), 1);
    assert_eq!(
        messages(&mut session),
        ["in Drop"],
        "forgotten with the capture"
    );
}
