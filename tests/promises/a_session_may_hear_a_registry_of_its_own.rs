//! Receivers that are named one by one, in the same order and with the same checks; a session with
//! that registry hears nobody else.

use crate::database::*;
#[cfg(not(feature = "manual-registry"))]
use lback::listing::Problem;
use lback::manual_registry;
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

/// By a second attribute, it is a receiver twice.
#[receiver(user_pre_create, order = 3)]
#[receiver(user_post_create)]
fn both(#[state] trace: &Trace, signal: &SignalInfo) {
    trace.note(format!("both {}", signal.name()));
}

#[cfg(not(feature = "manual-registry"))]
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
fn which_names_each_function_once() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let registry = manual_registry![both, self::first, both].unwrap();
    let mut session = database
        .session()
        .with_state(trace.clone())
        .with_registry(&registry);

    Users.create(&mut session, new_user("ada")).unwrap();

    assert_eq!(
        trace.take(),
        ["first", "both user_pre_create", "both user_post_create"]
    );
}

/// Each hears its own, in whichever order signals are sent; and naming the same ones again costs
/// nothing that lasts, for it is the same registry.
#[test]
fn beside_others_and_as_often_as_you_like() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let name = |number: usize| new_user(&format!("user{number}"));
    for round in 0..20 {
        let registries = [
            (manual_registry![first, later].unwrap(), "first"),
            (manual_registry![second, later].unwrap(), "second"),
            (manual_registry![later, first].unwrap(), "first"),
        ];
        for (number, (registry, heard)) in registries.iter().enumerate() {
            let number = round * registries.len() + number;
            let mut session = database
                .session()
                .with_state(trace.clone())
                .with_registry(registry);
            Users.create(&mut session, name(number)).unwrap();
            assert_eq!(
                trace.take(),
                [heard.to_string(), format!("later user{number}")]
            );
            // And that of the program, where `nobody` may register.
            let mut others = database.session().with_state(trace.clone());
            Users.create(&mut others, name(1_000)).unwrap_err();
            trace.take();
        }
    }
}

#[test]
fn in_every_session_of_a_pool_too() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let pool = lback::Database::<Native>::builder()
        .with_state(trace.clone())
        .with_registry(&manual_registry![first, later].unwrap())
        .connect(&database.url())
        .unwrap();

    let (mut one, mut other) = (pool.session().unwrap(), pool.session().unwrap());
    Users.create(&mut one, new_user("ada")).unwrap();
    Users.create(&mut other, new_user("eve")).unwrap();

    assert_eq!(trace.take(), ["first", "later ada", "first", "later eve"]);
}

// With the feature, the compiler finds it out.
#[cfg(not(feature = "manual-registry"))]
#[test]
fn but_not_what_is_no_receiver() {
    let error = manual_registry![first, no_receiver].unwrap_err();

    assert!(
        matches!(error.problems(), [Problem::NoReceiver { function, .. }]
            if function.ends_with("::no_receiver")),
        "{error}"
    );
}
