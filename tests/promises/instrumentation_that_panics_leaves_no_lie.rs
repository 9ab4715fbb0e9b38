//! Diesel's instrumentation is the user's, and is called on either side of BEGIN, COMMIT, ROLLBACK and
//! of every statement between. Wherever it panics: what is reported is what is stored, effects agree,
//! and the session works again or says that it is broken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent};
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

/// Panics at the n-th event, once; `usize::MAX` waits.
#[derive(Clone)]
struct Trap(Arc<AtomicUsize>);

impl Instrumentation for Trap {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {
        let left = self.0.load(Ordering::SeqCst);
        if left == usize::MAX {
            return;
        }
        if left == 0 {
            self.0.store(usize::MAX, Ordering::SeqCst);
            panic!("in the instrumentation");
        }
        self.0.store(left - 1, Ordering::SeqCst);
    }
}

/// What is tried: the names that should be stored if it is `Ok`.
type Attempt = fn(&mut Session) -> lback::Result<Vec<&'static str>>;

const ATTEMPTS: [(&str, Attempt); 4] = [
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
];

#[test]
fn at_every_event() {
    for (what, attempt) in ATTEMPTS {
        let mut reached_the_end = false;
        for event in 0..400 {
            let Some(database) = Database::fresh() else {
                return;
            };
            let trace = Trace::new();
            let mut session = database.session().with_state(trace.clone());
            let trap = Trap(Arc::new(AtomicUsize::new(usize::MAX)));
            session.conn().set_instrumentation(trap.clone());
            session = session.with_failure_handler(|_| {});

            trap.0.store(event, Ordering::SeqCst);
            let ended = catch_unwind(AssertUnwindSafe(|| attempt(&mut session)));
            let has_panicked = trap.0.swap(usize::MAX, Ordering::SeqCst) == usize::MAX;
            let told = format!("{what}, event {event}: {ended:?}");

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
