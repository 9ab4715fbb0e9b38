//! `with_state` for the session's life, `with` for a closure, also when that one panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[derive(Debug, PartialEq)]
struct Actor(&'static str);

#[receiver(user_post_create)]
fn by_whom(#[state] actor: &Actor, #[state] trace: &Trace) {
    trace.note(actor.0);
}

#[receiver(user_post_create, after_commit)]
fn by_whom_it_was(#[state] actor: &Actor, #[state] trace: &Trace) {
    trace.note(format!("effect of {}", actor.0));
}

#[test]
fn the_innermost_counts_and_effects_keep_theirs() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    let mut session = session
        .with_state(Actor("nobody"))
        .with_state(Actor("root"));
    let create = |session: &mut Session, name: &str| {
        Users.create(session, new_user(name)).expect("it is valid");
    };
    session
        .transaction(|session| {
            create(session, "one");
            session.with(Actor("ada"), |session| {
                create(session, "two");
                session.with(Actor("grace"), |session| create(session, "three"));
                create(session, "four");
                // A state of another type hides nothing.
                session.with(7_u8, |session| create(session, "five"));
            });
            create(session, "six");
            lback::Result::Ok(())
        })
        .expect("all are valid");
    let order = ["root", "ada", "grace", "ada", "ada", "root"];
    let effects = order.map(|actor| format!("effect of {actor}"));
    let expected: Vec<_> = order
        .map(str::to_owned)
        .into_iter()
        .chain(effects)
        .collect();
    assert_eq!(trace.take(), expected);
}

#[test]
fn it_is_over_after_a_return_an_error_and_a_panic() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Actor("root"));
    let value = session.with(Actor("ada"), |session| {
        assert_eq!(session.state(), Some(&Actor("ada")));
        7
    });
    assert_eq!(value, 7);
    assert_eq!(session.state(), Some(&Actor("root")));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        session.with(Actor("ada"), |session| {
            session.with(Actor("grace"), |_| resume_unwind(Box::new(())))
        })
    }));
    assert!(caught.is_err());
    assert_eq!(session.state(), Some(&Actor("root")));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        session.transaction(|session| -> lback::Result<()> {
            session.with(Actor("ada"), |_| resume_unwind(Box::new(())))
        })
    }));
    assert!(caught.is_err());
    assert_eq!(session.state(), Some(&Actor("root")));
    assert_eq!(session.state::<String>(), None);
}

#[test]
fn one_may_be_shared_between_sessions() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Arc::new(Trace::new());
    for name in ["ada", "grace"] {
        let session = database.session().with_shared_state(Arc::clone(&trace));
        let mut session = session.with_state(Actor("root"));
        Users.create(&mut session, new_user(name)).expect("valid");
    }
    assert_eq!(
        trace.take(),
        ["root", "effect of root", "root", "effect of root"]
    );
}
