//! The connection is lost at COMMIT, and Diesel's instrumentation panics at whatever is asked then: the
//! transaction has ended, no effect runs of which nobody knows whether it should, and nothing more is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use lback_tests::{Trace, new_user};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create, after_commit)]
fn done(user: &User, #[state] trace: &Trace) {
    trace.note(format!("done {}", user.username));
}

/// Panics at the n-th event, counted from when it is told to.
struct Trap(Arc<AtomicUsize>);

impl Instrumentation for Trap {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {
        let left = self.0.load(Ordering::SeqCst);
        if left != usize::MAX {
            self.0.store(left.wrapping_sub(1), Ordering::SeqCst);
            assert!(left != 0, "in the instrumentation");
        }
    }
}

#[test]
fn at_every_event() {
    for event in 0..40 {
        let Some(database) = Database::fresh() else {
            return;
        };
        let trace = Trace::new();
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let mut session = database
            .session()
            .with_state(trace.clone())
            .with_failure_handler(|_| {});
        session.conn().set_instrumentation(Trap(Arc::clone(&left)));
        let number = number_of(session.conn());
        let mut killer = database.connection();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            session.transaction(|session| {
                session.mute_all(|session| Users.create(session, new_user("ada")))?;
                kill(&mut killer, number);
                left.store(event, Ordering::SeqCst);
                lback::Result::Ok(())
            })
        }));
        let has_panicked = left.load(Ordering::SeqCst) == usize::MAX;
        left.store(usize::MAX, Ordering::SeqCst);
        let told = format!("event {event}: {ended:?}");
        assert!(!matches!(ended, Ok(Ok(()))), "{told}");
        assert!(!session.in_transaction(), "{told}");
        let refused = Users.create(&mut session, new_user("later"));
        assert!(refused.is_err(), "{told}: {refused:?}");
        assert_eq!(stored(&mut database.session()), [""; 0], "{told}");
        assert_eq!(trace.take(), [""; 0], "{told}");
        if !has_panicked {
            return;
        }
    }
    panic!("there are more events");
}
