//! The pre signal is sent, for it may add some; if there are still none, there is no statement, no
//! post signal, and the stored row comes back.

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

/// What the pre receiver adds.
struct Adds(Option<bool>);

#[receiver(user_pre_update)]
fn add(update_data: &mut UserChanges, #[state] adds: &Adds, #[state] trace: &Trace) {
    trace.note("pre");
    update_data.is_active = adds.0;
}

#[receiver(user_post_update)]
fn after(update_data: &UserChanges, user: &User, previous: &User, #[state] trace: &Trace) {
    trace.note(format!(
        "post {:?} {} {}",
        update_data.is_active, previous.is_active, user.is_active
    ));
}

#[test]
fn if_nobody_adds_any() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let stale = Users.create(&mut session, new_user("ada")).expect("valid");
    diesel::update(users::table.find(stale.id))
        .set(users::username.eq("countess"))
        .execute(session.conn())
        .expect("the row is there");

    let result = session.with(Adds(None), |session| {
        Users.update(session, &stale, UserChanges::default())
    });

    let row = result.expect("the row is there");
    assert_eq!(row.username, "countess", "the stored row comes back");
    assert_eq!(row.updated_at, stale.updated_at, "nothing was written");
    assert_eq!(trace.take(), ["pre"]);
}

#[test]
fn but_a_pre_receiver_may_add_some() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");

    let result = session.with(Adds(Some(false)), |session| {
        Users.update(session, &ada, UserChanges::default())
    });

    assert!(!result.expect("the row is there").is_active);
    assert_eq!(trace.take(), ["pre", "post Some(false) true false"]);
}

#[test]
fn and_one_may_take_all_of_them_away() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };

    let result = session.with(Adds(None), |session| Users.update(session, &ada, changes));

    assert_eq!(result.expect("the row is there"), ada);
    assert_eq!(trace.take(), ["pre"]);
}
