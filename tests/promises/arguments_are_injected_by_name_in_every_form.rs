//! `&T` borrows, `&mut T` changes, `T` is a clone, `_name` means `name`; in any order, on every
//! signal, and only those that are named.

use crate::database::*;
use lback::listing::Timing;
use lback_tests::{Trace, new_user};

own_users!();

/// A second state, beside the trace.
struct Actor(&'static str);

#[receiver(user_pre_create, order = 1)]
fn all_of_pre_create(
    session: &mut Session,
    #[state] actor: &Actor,
    data: &mut NewUser,
    signal: &SignalInfo,
    sender: &Users,
    #[state] trace: &Trace,
) {
    let Users = sender;
    assert!(session.in_transaction());
    assert_eq!(signal.timing(), Timing::Pre);
    data.is_email_verified = true;
    trace.note(format!("{signal} {} by {}", data.username, actor.0));
}

#[receiver(user_pre_create, order = 2)]
fn a_clone_of_the_data(mut data: NewUser, _sender: Users, #[state] trace: &Trace) {
    assert!(data.is_email_verified, "as changed by the one before");
    // A clone: the change is lost.
    data.username = "nobody".to_owned();
    trace.note(format!("clone {}", data.username));
}

#[receiver(user_pre_create, order = 3)]
fn the_data_is_untouched(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("still {}", data.username));
}

#[receiver(user_post_create)]
fn all_of_post_create(
    user: &User,
    _sender: &Users,
    signal: &SignalInfo,
    conn: &mut Native,
    #[state] trace: &Trace,
    #[state] actor: &Actor,
) -> QueryResult<()> {
    let rows: i64 = users::table.count().get_result(conn)?;
    trace.note(format!("{signal} {} {rows} by {}", user.username, actor.0));
    Ok(())
}

#[receiver(user_post_create, order = 1)]
fn nothing_at_all() {}

#[receiver(user_post_create, order = 1)]
fn only_unused(_user: &User, _session: &mut Session) {}

#[receiver(user_post_create, order = 1)]
fn named_like_an_argument(user: User, #[state] trace: &Trace) {
    trace.note(format!("owned {}", user.username));
}

// The parameter bears the function's own name.
#[receiver(user_post_create, order = 2)]
fn user(user: &User, #[state] trace: &Trace) {
    trace.note(format!("user {}", user.username));
}

#[receiver(user_post_create, order = 3)]
fn with_a_lifetime<'a>(user: &'a User, #[state] trace: &'a Trace) {
    trace.note(format!("lifetime {}", user.username));
}

#[receiver(user_pre_update)]
fn all_of_pre_update(
    sender: &Users,
    user: &User,
    update_data: &mut UserChanges,
    session: &mut Session,
    signal: &SignalInfo,
    #[state] trace: &Trace,
) -> lback::Result<()> {
    let found = sender.find(session, user)?;
    assert_eq!(found.as_ref(), Some(user));
    update_data.is_email_verified = Some(false);
    trace.note(format!("{signal} {}", user.username));
    Ok(())
}

#[receiver(user_post_update)]
fn all_of_post_update(
    _sender: &Users,
    user: &User,
    previous: &User,
    update_data: &UserChanges,
    conn: &mut Native,
    signal: &SignalInfo,
    #[state] trace: &Trace,
) -> QueryResult<()> {
    users::table.count().get_result::<i64>(conn)?;
    trace.note(format!(
        "{signal} {:?} {} {}",
        update_data.is_email_verified, previous.is_email_verified, user.is_email_verified
    ));
    Ok(())
}

#[receiver(user_post_update, order = 1)]
fn clones_of_post_update(
    user: User,
    previous: User,
    update_data: UserChanges,
    #[state] trace: &Trace,
) {
    assert_eq!(user.id, previous.id);
    trace.note(format!("clones {:?}", update_data.is_email_verified));
}

#[receiver(user_pre_delete)]
fn all_of_pre_delete(
    _sender: &Users,
    user: &User,
    session: &mut Session,
    signal: &SignalInfo,
    #[state] trace: &Trace,
) {
    assert!(session.in_transaction());
    trace.note(format!("{signal} {}", user.username));
}

#[receiver(user_post_delete)]
fn all_of_post_delete(
    _sender: &Users,
    user_id: UserId,
    user: &User,
    conn: &mut Native,
    signal: &SignalInfo,
    #[state] trace: &Trace,
) -> QueryResult<()> {
    users::table.count().get_result::<i64>(conn)?;
    assert_eq!(user_id, user.id);
    trace.note(format!("{signal} {}", user.username));
    Ok(())
}

#[receiver(user_post_delete, order = 1)]
fn a_borrowed_key(user_id: &UserId, #[state] trace: &Trace) {
    assert!(i64::from(*user_id) > 0);
    trace.note("borrowed key");
}

#[receiver(user_post_delete, order = 2)]
fn a_key_of_ones_own(mut user_id: UserId, #[state] trace: &Trace) {
    user_id = UserId::from(i64::from(user_id) + 1);
    trace.note(format!("changed key {}", i64::from(user_id) > 1));
}

#[receiver(user_post_delete, order = 3)]
fn the_key_is_untouched(user: &User, user_id: UserId) {
    assert_eq!(user_id, user.id);
}

#[test]
fn on_every_signal() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    let mut session = session.with_state(Actor("root"));

    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    assert_eq!(
        trace.take(),
        [
            "user_pre_create ada by root",
            "clone nobody",
            "still ada",
            "user_post_create ada 1 by root",
            "owned ada",
            "user ada",
            "lifetime ada",
        ]
    );
    assert!(ada.is_email_verified);

    Users
        .update(&mut session, &ada, UserChanges::default())
        .expect("valid");
    assert_eq!(
        trace.take(),
        [
            "user_pre_update ada",
            "user_post_update Some(false) true false",
            "clones Some(false)",
        ]
    );

    Users.delete(&mut session, &ada).expect("it is there");
    assert_eq!(
        trace.take(),
        [
            "user_pre_delete ada",
            "user_post_delete ada",
            "borrowed key",
            "changed key true",
        ]
    );
}

#[test]
fn a_receiver_is_still_a_function() {
    let trace = Trace::new();
    let mut data = new_user("ada");
    a_clone_of_the_data(
        {
            data.is_email_verified = true;
            data.clone()
        },
        Users,
        &trace,
    );
    the_data_is_untouched(&data, &trace);
    nothing_at_all();
    assert_eq!(trace.take(), ["clone nobody", "still ada"]);
}

#[test]
fn a_state_that_is_missing_is_an_error_that_names_it() {
    let Some(database) = Database::fresh() else {
        return;
    };
    // The trace is there, the actor is not.
    let mut session = database.session().with_state(Trace::new());

    let refused = Users.create(&mut session, new_user("ada"));

    let Err(error @ lback::Error::StateMissing { .. }) = refused else {
        panic!("{refused:?}");
    };
    let text = error.to_string();
    for part in ["Actor", "all_of_pre_create", "with_state", ".rs:"] {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
    assert_eq!(lback_tests::count("users", &mut session), 0);
}
