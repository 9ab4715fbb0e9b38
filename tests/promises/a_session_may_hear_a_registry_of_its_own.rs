//! Receivers that are named one by one, in the same order and with the same checks; a session with
//! that registry hears nobody else.

use crate::database::*;
use lback::{Problem, manual_registry};
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_pre_create, order = 2)]
fn second(#[state] trace: &Trace) {
    trace.note("second");
}

#[receiver(user_pre_create, order = 1)]
fn first(#[state] trace: &Trace) {
    trace.note("first");
}

#[receiver(user_post_create, after_commit)]
fn later(user: &User, #[state] trace: &Trace) {
    trace.note(format!("later {}", user.username));
}

#[receiver(user_pre_create)]
fn nobody() -> Result<(), Veto> {
    Err(Veto::new("closed"))
}

fn no_receiver() {}

#[test]
fn and_nobody_else() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let registry = manual_registry![second, later, first].unwrap();
    let mut session = database
        .session()
        .with_state(trace.clone())
        .with_registry(&registry);

    Users.create(&mut session, new_user("ada")).unwrap();

    assert_eq!(trace.take(), ["first", "second", "later ada"]);
    let ids: Vec<_> = registry
        .registrations()
        .filter_map(|receiver| receiver.id.rsplit("::").next())
        .collect();
    assert_eq!(ids, ["later", "first", "second"]);
}

#[test]
fn which_may_be_empty() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let nothing = manual_registry![].unwrap();
    let mut session = database.session().with_registry(&nothing);

    Users.create(&mut session, new_user("ada")).unwrap();
    let mut others = database.session().with_state(Trace::new());
    Users.create(&mut others, new_user("eve")).unwrap_err();
}

#[test]
fn but_not_what_is_no_receiver() {
    let error = manual_registry![first, no_receiver].unwrap_err();

    assert!(
        matches!(error.problems(), [Problem::NoReceiver { function, .. }]
            if function.ends_with("::no_receiver")),
        "{error}"
    );
}
