//! A prelude brings no users: an application's own, under the commonest names, are the only ones in
//! sight, and its receivers hear its own signals.

// A name that two globs brought, or that hid another, would be told here.
#![deny(warnings)]

use diesel::connection::SimpleConnection;
use lback::sqlite::prelude::*;
use lback_tests::Trace;

mod model {
    use super::*;

    diesel::table! {
        users (id) {
            id -> BigInt,
            username -> Text,
        }
    }

    #[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
    pub(super) struct User {
        pub(super) id: i64,
        pub(super) username: String,
    }

    #[derive(Clone, Debug, Insertable)]
    #[diesel(table_name = users)]
    pub(super) struct NewUser {
        pub(super) username: String,
    }

    #[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
    #[diesel(table_name = users)]
    pub(super) struct UserChanges {
        pub(super) username: Option<String>,
    }

    impl Validate for NewUser {}
    impl Validate for UserChanges {}

    #[repository(
        entity = User,
        table = users,
        insert = NewUser,
        update = UserChanges,
        connection = SqliteConnection
    )]
    #[derive(Clone, Debug, Default)]
    pub(super) struct UserRepository;

    /// A name that an application may well have too.
    pub(super) struct Token(pub(super) &'static str);
}

// By globs, as the prelude: with the same name in both, its use would be ambiguous.
use model::*;

#[receiver(user_pre_create)]
fn tidy(data: &mut NewUser) {
    data.username = data.username.trim().to_owned();
}

#[receiver(user_post_create, user_post_update)]
fn heard(user: &User, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!(
        "{}::{} {} {}",
        signal.module(),
        signal.name(),
        user.id,
        user.username
    ));
}

#[test]
fn they_are_heard_and_no_others() {
    let trace = Trace::new();
    let mut session = lback::sqlite::connect(":memory:")
        .unwrap()
        .with_state(trace.clone());
    let table = "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT NOT NULL)";
    session.conn().batch_execute(table).unwrap();

    let new = NewUser {
        username: Token(" ada ").0.to_owned(),
    };
    let ada = UserRepository.create(&mut session, new).unwrap();
    let changes = UserChanges {
        username: Some("grace".to_owned()),
    };
    UserRepository.update(&mut session, &ada, changes).unwrap();

    let module = module_path!();
    assert_eq!(
        trace.take(),
        [
            format!("{module}::model::user_post_create 1 ada"),
            format!("{module}::model::user_post_update 1 grace"),
        ]
    );
}
