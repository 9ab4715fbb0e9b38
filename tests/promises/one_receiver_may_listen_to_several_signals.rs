//! A receiver of several signals names only what all of them have; a receiver for several databases
//! takes neither session nor connection nor sender.

use crate::database::*;
use lback_tests::{Trace, new_user};
use lback_tests_shop::{PriceAsked, WeightAsked, price_asked, weight_asked};
use std::cell::RefCell;
use std::sync::Mutex;

thread_local! {
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

// `cents` and `grams` are each the one's alone.
#[receiver(price_asked, weight_asked)]
fn somebody_asks(sku: &str, signal: &SignalInfo) {
    ASKED.with_borrow_mut(|asked| asked.push(format!("{} {sku}", signal.name())));
}

#[test]
fn signals_whose_arguments_differ() {
    let (mut cents, mut grams) = (1, 2);
    PriceAsked {
        sku: "t1",
        cents: &mut cents,
    }
    .send()
    .unwrap();
    WeightAsked {
        sku: "t2",
        grams: &mut grams,
    }
    .send()
    .unwrap();
    assert_eq!(ASKED.take(), ["price_asked t1", "weight_asked t2"]);
}

own_users!();

// `data`, `previous` and `update_data` are not everywhere; `user` is.
#[receiver(
    user_post_create,
    user_pre_update,
    user_post_update,
    user_pre_delete,
    user_post_delete
)]
fn follow(user: &User, signal: &SignalInfo, conn: &mut Native, #[state] trace: &Trace) {
    let _ = conn;
    trace.note(format!("{} {}", signal.name(), user.email));
}

#[test]
fn signals_of_one_repository() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());

    let ada = Users.create(&mut session, new_user("ada")).unwrap();
    let changes = UserChanges {
        email: Some("new@example.com".to_owned()),
        ..UserChanges::default()
    };
    let ada = Users.update(&mut session, &ada, changes).unwrap();
    Users.delete(&mut session, &ada).unwrap();

    assert_eq!(
        trace.take(),
        [
            "user_post_create ada@example.com",
            "user_pre_update ada@example.com",
            "user_post_update new@example.com",
            "user_pre_delete new@example.com",
            "user_post_delete new@example.com",
        ]
    );
}

static GREETED: Mutex<Vec<String>> = Mutex::new(Vec::new());

// One function, whatever databases there are in this build.
#[receiver(lback::sqlite::users::user_post_create)]
#[cfg_attr(
    feature = "postgres",
    receiver(lback::postgres::users::user_post_create)
)]
#[cfg_attr(
    feature = "diesel-async",
    receiver(lback::diesel_async::users::user_post_create)
)]
#[cfg_attr(feature = "mysql", receiver(lback::mysql::users::user_post_create))]
fn greet(user: &User) {
    if user.username.starts_with("several") {
        GREETED.lock().unwrap().push(user.username.clone());
    }
}

#[cfg(all(feature = "postgres", feature = "mysql"))]
#[receiver(
    lback::sqlite::users::user_pre_delete,
    lback::postgres::users::user_pre_delete,
    lback::mysql::users::user_pre_delete
)]
fn say_goodbye(user: &User) {
    let _ = user;
}

#[test]
fn the_same_signal_of_several_databases() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let users = UserRepository::new();
    users
        .create(&mut database.session(), new_user("several"))
        .unwrap();
    let elsewhere = lback_tests::sqlite::Database::fresh().unwrap();
    lback::Repository::create(
        &lback::sqlite::users::UserRepository::new(),
        &mut elsewhere.session(),
        new_user("several elsewhere"),
    )
    .unwrap();
    assert_eq!(*GREETED.lock().unwrap(), ["several", "several elsewhere"]);
}
