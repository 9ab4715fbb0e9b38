//! A reading transaction has SQLite refuse writes (`PRAGMA query_only`), and lets it write again afterwards:
//! but only if it did before, and also if something panicked beside the pragma.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _};
use lback::Error;
use lback_tests::new_user;

use crate::database::*;
use crate::promises::stored;

own_users!();

#[test]
fn what_the_user_has_set_stays() -> lback::Result<()> {
    let database = Database::fresh().expect("there is always a SQLite");
    let mut session = database.session();
    session.conn().batch_execute("PRAGMA query_only = ON")?;
    assert_eq!(session.read(|session| Users.count(session))?, 0);
    let refused = Users.create(&mut session, new_user("ada"));
    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
    session.conn().batch_execute("PRAGMA query_only = OFF")?;
    assert_eq!(session.read(|session| Users.count(session))?, 0);
    Users.create(&mut session, new_user("ada"))?;
    Ok(())
}

/// Panics at the n-th event.
struct Trap(usize);

impl Instrumentation for Trap {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {
        self.0 = self.0.wrapping_sub(1);
        assert!(self.0 != 0, "in the instrumentation");
    }
}

#[test]
fn whatever_panics_beside_it() {
    for event in 1..=40 {
        let database = Database::fresh().expect("there is always a SQLite");
        let mut session = database.session().with_failure_handler(|_| {});
        session.conn().set_instrumentation(Trap(event));
        let _ = catch_unwind(AssertUnwindSafe(|| {
            session.read(|session| Users.count(session))
        }));
        session
            .conn()
            .set_instrumentation(|_: InstrumentationEvent<'_>| {});
        assert!(!session.in_transaction(), "event {event}");
        match Users.create(&mut session, new_user("ada")) {
            Ok(_) => assert_eq!(stored(&mut database.session()), ["ada"], "event {event}"),
            Err(error) => assert!(
                matches!(error, Error::SessionBroken),
                "event {event}: {error:?}"
            ),
        }
    }
}
