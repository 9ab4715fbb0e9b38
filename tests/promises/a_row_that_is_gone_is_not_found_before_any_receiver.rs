//! `NotFound`, with what was looked for; no receiver runs, and the caller's transaction goes on.

use crate::database::*;
use lback::Error;
use lback_tests::{Trace, count, new_user};

mod heard {
    use super::*;

    own_users!();

    #[receiver(user_pre_update, user_post_update, user_pre_delete, user_post_delete)]
    fn listen(signal: &SignalInfo, #[state] trace: &Trace) {
        trace.note(signal.name());
    }
}

mod unheard {
    use super::*;

    own_users!();
}

fn inactive() -> UserChanges {
    UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    }
}

#[track_caller]
fn assert_not_found<T: std::fmt::Debug>(result: lback::Result<T>, id: UserId) {
    let Err(Error::NotFound {
        entity,
        key: Some(key),
        ..
    }) = &result
    else {
        panic!("{result:?}");
    };
    assert_eq!(*entity, "user");
    assert_eq!(*key, id.to_string());
}

/// Every operation on a row that is not there.
fn try_all<R>(users: &R, session: &mut Session, gone: &User)
where
    R: Repository<Connection = Native, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    assert_not_found(users.update(session, gone, inactive()), gone.id);
    assert_not_found(users.update(session, gone.id, inactive()), gone.id);
    assert_not_found(users.update(session, gone, UserChanges::default()), gone.id);
    assert_not_found(users.delete(session, gone), gone.id);
    assert_not_found(users.delete(session, gone.id), gone.id);
    assert_eq!(users.find(session, gone.id).expect("readable"), None);
}

fn check<R>(users: &R)
where
    R: Repository<Connection = Native, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let gone = users.create(&mut session, new_user("ada")).expect("valid");
    users.delete(&mut session, &gone).expect("it is there");
    trace.take();

    try_all(users, &mut session, &gone);
    session
        .transaction(|session| {
            try_all(users, session, &gone);
            users.create(session, new_user("grace"))
        })
        .expect("the transaction goes on");

    assert_eq!(trace.take(), [""; 0], "no receiver ran");
    assert_eq!(count("users", &mut session), 1);
}

#[test]
fn if_somebody_listens() {
    check(&heard::Users);
}

#[test]
fn if_nobody_listens() {
    check(&unheard::Users);
}

#[test]
fn keys_that_no_row_ever_had() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    for id in [0, -1, 1, i64::MAX, i64::MIN].map(UserId::from) {
        assert_not_found(heard::Users.delete(&mut session, id), id);
        assert_not_found(heard::Users.update(&mut session, id, inactive()), id);
        assert_not_found(unheard::Users.delete(&mut session, id), id);
        assert_not_found(unheard::Users.update(&mut session, id, inactive()), id);
    }
    assert_eq!(trace.take(), [""; 0]);
}

/// With nobody to hear of it, the row is not read first: invalid data is seen before the missing row.
#[test]
fn and_invalid_data_for_it() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());
    let gone = UserId::from(7);
    let invalid = || UserChanges {
        username: Some(String::new()),
        ..UserChanges::default()
    };
    assert_not_found(heard::Users.update(&mut session, gone, invalid()), gone);
    let refused = unheard::Users.update(&mut session, gone, invalid());
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}
