//! A receiver may use the repository that called it. Past the bound comes an error with the chain,
//! which passes outward as it is, and everything is rolled back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::database::*;
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

own_users!();

/// How many further users each user brings.
struct Brings(usize);

#[receiver(user_post_create)]
fn bring_another(
    user: &User,
    session: &mut Session,
    #[state] brings: &Brings,
) -> lback::Result<()> {
    let number = user.username.len();
    if number < brings.0 + 3 {
        Users.create(session, new_user(&"x".repeat(number + 1)))?;
    }
    Ok(())
}

#[receiver(user_post_update)]
fn update_again(user: &User, session: &mut Session) -> Result<(), BoxError> {
    let changes = UserChanges {
        is_active: Some(!user.is_active),
        ..UserChanges::default()
    };
    match Users.update(session, user, changes) {
        Err(Error::Recursion { .. }) if !user.is_email_verified => Err("I give up".into()),
        result => result.map(drop).map_err(Into::into),
    }
}

#[receiver(user_post_delete)]
fn panic_deep_down(session: &mut Session, #[state] brings: &Brings) -> lback::Result<()> {
    if brings.0 == 0 {
        resume_unwind(Box::new("deep down"));
    }
    let less = Brings(brings.0 - 1);
    let other = Users.create(session, new_user(&"y".repeat(brings.0 + 3)));
    session.with(less, |session| Users.delete(session, &other?))
}

/// Creates one user, who brings others; says how many there are then.
fn create(brings: usize, limit: Option<u32>) -> Option<(lback::Result<User>, i64)> {
    let database = Database::fresh()?;
    let mut session = database.session().with_state(Brings(brings));
    if let Some(limit) = limit {
        session = session.with_max_depth(limit);
    }
    let result = Users.create(&mut session, new_user("xxx"));
    assert!(!session.in_transaction());
    let users = count("users", &mut session);
    Some((result, users))
}

#[test]
fn sixteen_levels_unless_told() {
    let Some((result, users)) = create(15, None) else {
        return;
    };
    let error = result.err();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(users, 16);
    let Some((result, users)) = create(16, None) else {
        return;
    };
    assert!(matches!(result, Err(Error::Recursion { limit: 16, .. })));
    assert_eq!(users, 0, "all is rolled back");
}

#[test]
fn the_error_names_the_chain_and_comes_out_unwrapped() {
    let Some((result, users)) = create(usize::MAX - 3, Some(3)) else {
        return;
    };
    let Err(error) = result else {
        panic!("there is no end");
    };
    let text = error.to_string();
    let Error::Recursion {
        limit,
        chain,
        signal,
        ..
    } = error
    else {
        panic!("{text}");
    };
    assert_eq!(limit, 3);
    assert_eq!(chain.len(), 3);
    for receiver in &chain {
        assert!(receiver.id.ends_with("::bring_another"));
        assert_eq!(receiver.signal.name(), "user_post_create");
    }
    assert_eq!(signal, "user_post_create");
    assert_eq!(text.matches("::bring_another").count(), 3, "{text}");
    assert_eq!(text.matches(file!()).count(), 3, "{text}");
    assert_eq!(users, 0);
}

#[test]
fn the_chain_is_restored_after_every_exit() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Brings(5)).with_max_depth(8);
    for _ in 0..20 {
        let first = Users.create(&mut session, new_user("xxx")).expect("six");
        let all: Vec<UserId> = users::table
            .select(users::id)
            .load(session.conn())
            .expect("it can be read");
        assert_eq!(all.len(), 6);
        let caught = catch_unwind(AssertUnwindSafe(|| Users.delete(&mut session, &first)));
        assert!(caught.is_err(), "it panics five levels down");
        let recursion = session.with(Brings(50), |session| Users.create(session, new_user("zzz")));
        assert!(recursion.is_err());
        diesel::delete(users::table)
            .execute(session.conn())
            .expect("nothing is locked");
    }
}

#[test]
fn a_receiver_may_give_up_instead() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Brings(0));
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    let changes = || UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    let result = Users.update(&mut session, &ada, changes());
    assert!(
        matches!(result, Err(Error::ReceiverFailed { .. })),
        "{result:?}"
    );
    let stored = Users.find(&mut session, &ada).expect("readable");
    assert_eq!(stored, Some(ada));
}
