//! Diesel's instrumentation is the user's, and is called on either side of BEGIN, COMMIT, ROLLBACK and
//! of every statement between. Wherever it panics: what is reported is what is stored, effects agree,
//! and the session works again or says that it is broken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _};
use lback::Error;
use lback_tests::{Trace, new_user, note};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create)]
fn log(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &user.username)
}

#[receiver(user_post_create, after_commit)]
fn done(user: &User, #[state] trace: &Trace) {
    trace.note(format!("done {}", user.username));
}

#[receiver(user_pre_create, after_rollback)]
fn lost(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("lost {}", data.username));
}

const PANIC: &str = "in the instrumentation";

/// Panics at the n-th event: once, or at each one after it too. `usize::MAX` waits.
#[derive(Clone)]
struct Trap {
    left: Arc<AtomicUsize>,
    again: bool,
    has_panicked: Arc<AtomicBool>,
}

impl Instrumentation for Trap {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {
        let left = self.left.load(Ordering::SeqCst);
        if left == usize::MAX {
            return;
        }
        if left == 0 {
            if !self.again {
                self.left.store(usize::MAX, Ordering::SeqCst);
            }
            self.has_panicked.store(true, Ordering::SeqCst);
            panic!("{PANIC}");
        }
        self.left.store(left - 1, Ordering::SeqCst);
    }
}

/// What is tried: the names that should be stored if it is `Ok`.
type Attempt = fn(&mut Session) -> lback::Result<Vec<&'static str>>;

const ATTEMPTS: [(&str, Attempt); 6] = [
    ("an operation alone", |session| {
        Users.create(session, new_user("ada"))?;
        Ok(vec!["ada"])
    }),
    ("a transaction of two", |session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Users.create(session, new_user("grace"))?;
            Ok(vec!["ada", "grace"])
        })
    }),
    ("a nested level that fails", |session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let inner: lback::Result<()> = session.transaction(|session| {
                Users.create(session, new_user("grace"))?;
                Err(lback::Invalid::new("a", "b").into())
            });
            assert!(inner.is_err());
            Ok(vec!["ada"])
        })
    }),
    ("a transaction that fails", |session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Err(lback::Invalid::new("a", "b").into())
        })
    }),
    ("a transaction that reads", |session| {
        session.read(|session| Users.count(session))?;
        Ok(vec![])
    }),
    ("a nested level whose savepoint is gone", |session| {
        session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            session.transaction(|session| {
                Users.create(session, new_user("grace"))?;
                session
                    .conn()
                    .batch_execute("RELEASE SAVEPOINT diesel_savepoint_1")?;
                Ok(vec!["ada", "grace"])
            })
        })
    }),
];

#[test]
fn at_every_event() {
    at_each(false);
}

#[test]
fn at_every_event_and_those_behind_it() {
    at_each(true);
}

fn at_each(again: bool) {
    for (what, attempt) in ATTEMPTS {
        let mut reached_the_end = false;
        for event in 0..400 {
            let Some(database) = Database::fresh() else {
                return;
            };
            let trace = Trace::new();
            let heard = Arc::new(Mutex::new(Vec::new()));
            let hear = Arc::clone(&heard);
            let mut session = database.session().with_state(trace.clone());
            let left = Arc::new(AtomicUsize::new(usize::MAX));
            let has_panicked = Arc::new(AtomicBool::new(false));
            let trap = Trap {
                left: Arc::clone(&left),
                again,
                has_panicked: Arc::clone(&has_panicked),
            };
            session.conn().set_instrumentation(trap);
            session = session.with_failure_handler(move |failure| {
                hear.lock().unwrap().push(failure.to_string());
            });

            left.store(event, Ordering::SeqCst);
            let ended = catch_unwind(AssertUnwindSafe(|| attempt(&mut session)));
            left.store(usize::MAX, Ordering::SeqCst);
            let has_panicked = has_panicked.load(Ordering::SeqCst);
            let heard = heard.lock().unwrap();
            let told = format!("{what}, event {event}: {ended:?}, heard {heard:?}");

            assert!(!session.in_transaction(), "{told}");
            let now = stored(&mut database.session());
            let effects = trace.take();
            let done = |name: &str| effects.contains(&format!("done {name}"));
            let lost = |name: &str| effects.contains(&format!("lost {name}"));
            match &ended {
                Ok(Ok(names)) => {
                    assert_eq!(&now, names, "{told}");
                    assert!(names.iter().all(|name| done(name)), "{told}: {effects:?}");
                }
                Ok(Err(Error::CommitUnknown { .. })) => {
                    assert!(
                        !effects.iter().any(|text| text.starts_with("done")),
                        "{told}"
                    );
                }
                Ok(Err(_)) | Err(_) => assert_eq!(now, [""; 0], "{told}"),
            }
            let says_it = matches!(ended, Err(_) | Ok(Err(Error::CommitUnknown { .. })));
            if has_panicked && !says_it {
                // Whose panic does not reach the caller is reported.
                assert!(heard.iter().any(|text| text.contains(PANIC)), "{told}");
            }
            for name in ["ada", "grace"] {
                let is_stored = now.iter().any(|stored| stored == name);
                assert!(is_stored || !done(name), "{told}: {effects:?}");
                assert!(!is_stored || !lost(name), "{told}: {effects:?}");
            }
            // It works again, or says that it does not.
            match Users.create(&mut session, new_user("later")) {
                Ok(_) => assert!(stored(&mut database.session()).contains(&"later".to_owned())),
                Err(error) => {
                    assert!(matches!(error, Error::SessionBroken), "{told}: {error:?}");
                }
            }
            if !has_panicked {
                reached_the_end = true;
                break;
            }
        }
        assert!(reached_the_end, "{what}: there are more events");
    }
}

/// Creates a user for whom rows are stored; its instrumentation panics at this event from now on. Says whether
/// it did.
fn create_in_trap(
    session: &mut Session,
    event: usize,
) -> (std::thread::Result<lback::Result<User>>, bool) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let has_panicked = Arc::new(AtomicBool::new(false));
    session.conn().set_instrumentation(Trap {
        left: Arc::clone(&left),
        again: false,
        has_panicked: Arc::clone(&has_panicked),
    });
    left.store(event, Ordering::SeqCst);
    let sent = catch_unwind(AssertUnwindSafe(|| {
        kept::Users.create(session, new_user("ada"))
    }));
    left.store(usize::MAX, Ordering::SeqCst);
    (sent, has_panicked.load(Ordering::SeqCst))
}

/// What is asked and told behind a COMMIT makes nothing look failed, and keeps no effect from running.
#[test]
fn behind_a_commit_that_stored_for_durable_receivers() {
    for event in 0..400 {
        let Some(database) = Database::with_outbox() else {
            return;
        };
        let trace = Trace::new();
        let session = database.session().with_state(trace.clone());
        let mut session = session.with_failure_handler(|_| {});
        let (sent, has_panicked) = create_in_trap(&mut session, event);
        let now = stored(&mut database.session());
        let told = format!("event {event}: {sent:?}, stored {now:?}");
        match &sent {
            Ok(Ok(_)) => {
                assert_eq!(now, ["ada"], "{told}");
                assert_eq!(trace.take(), ["kept ada"], "{told}");
            }
            Ok(Err(Error::CommitUnknown { .. })) => assert_eq!(trace.take(), [""; 0], "{told}"),
            Ok(Err(_)) | Err(_) => assert_eq!(now, [""; 0], "{told}"),
        }
        assert!(!session.in_transaction(), "{told}");
        if !has_panicked {
            return;
        }
    }
    panic!("there are more events");
}

/// Nor is the question for the table of durable receivers the caller's affair, where that is missing.
#[test]
fn behind_a_commit_for_which_there_is_no_outbox() {
    let mut last = None;
    for event in 0..400 {
        let Some(database) = Database::fresh() else {
            return;
        };
        let session = database.session().with_state(Trace::new());
        let mut session = session.with_failure_handler(|_| {});
        let (sent, has_panicked) = create_in_trap(&mut session, event);
        assert!(!session.in_transaction());
        assert_eq!(stored(&mut database.session()), [""; 0], "event {event}");
        if !has_panicked {
            assert!(matches!(sent, Ok(Err(Error::NoOutbox))), "{sent:?}");
            assert!(matches!(last, Some(Ok(Err(_)))), "{last:?}");
            return;
        }
        last = Some(sent);
    }
    panic!("there are more events");
}

mod kept {
    use super::*;

    own_users!();

    #[receiver(user_post_create, durable, id = "instrumented.keep", ordered = |user: &User| user.id)]
    fn keep(user: &User) {
        drop(user.clone());
    }

    #[receiver(user_post_create, after_commit)]
    fn done(user: &User, #[state] trace: &Trace) {
        trace.note(format!("kept {}", user.username));
    }
}

/// Panics once it is armed, beside the savepoint by which a transaction is known again.
struct AtMark(Arc<AtomicBool>);

impl Instrumentation for AtMark {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            if query.to_string().contains("SAVEPOINT lback_guard") {
                assert!(!self.0.swap(false, Ordering::SeqCst), "{PANIC}");
            }
        }
    }
}

/// Whether the mark is set nobody knows then, so that the transaction cannot be told from another.
#[test]
fn beside_the_mark_it_ends_the_transaction_though_it_is_caught() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let is_armed = Arc::new(AtomicBool::new(false));
    session
        .conn()
        .set_instrumentation(AtMark(Arc::clone(&is_armed)));
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        is_armed.store(true, Ordering::SeqCst);
        let created = catch_unwind(AssertUnwindSafe(|| {
            session.conn().batch_execute("SELECT 1")?;
            Users.create(session, new_user("grace"))
        }));
        assert!(created.is_err(), "it is marked: {created:?}");
        lback::Result::Ok(())
    });
    assert!(done.is_err(), "{done:?}");
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert!(!trace.take().iter().any(|text| text.starts_with("done")));
}

/// Panics once, at the first ROLLBACK.
struct AtRollback(bool);

impl Instrumentation for AtRollback {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::RollbackTransaction { .. } = event {
            assert!(std::mem::replace(&mut self.0, true), "{PANIC}");
        }
    }
}

/// It is sent again, and then the session is as good as before.
#[test]
fn once_beside_rollback_breaks_nothing() -> lback::Result<()> {
    for is_nested in [false, true] {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let mut session = database.session().with_state(Trace::new());
        session.conn().set_instrumentation(AtRollback(false));
        let fail = |session: &mut Session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            Err(lback::Invalid::new("a", "b").into())
        };
        let refused = if is_nested {
            session.transaction(|session| {
                let refused = session.transaction(fail);
                Users.create(session, new_user("grace"))?;
                lback::Result::Ok(refused)
            })?
        } else {
            session.transaction(fail)
        };
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let told = session.take_failures();
        assert_eq!(told.count, 1, "{told:?}");
        assert!(told.latest[0].to_string().contains(PANIC), "{told:?}");
        Users.create(&mut session, new_user("later"))?;
        let expected = if is_nested {
            &["grace", "later"][..]
        } else {
            &["later"]
        };
        assert_eq!(stored(&mut session), expected);
    }
    Ok(())
}
