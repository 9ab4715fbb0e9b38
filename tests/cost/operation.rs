//! The operations of a repository, without receivers and with six, in one transaction.

use lback::sqlite::prelude::*;

use crate::Run;

pub(crate) const ALL: &[(&str, Run)] = &[
    ("find", find),
    ("create 0", silent::create),
    ("update 0", silent::update),
    ("delete 0", silent::delete),
    ("create 6", heard::create),
    ("update 6", heard::update),
    ("delete 6", heard::delete),
    ("create_many", create_many),
];

/// The same for every number of deletes, so that their difference is that of the deletes.
pub const TO_DELETE: usize = 2_000;

/// Argon2's least, ready made: what is counted is not the hashing.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$\
                    zw6VBCMoUDNVLmHfwlqRqCsSd9tJI0Wh3Ij4Ff0PV8o";

pub fn new_user(number: usize) -> NewUser {
    let password = Password::from_hash(HASH).unwrap();
    NewUser::with_password(
        format!("user{number:06}"),
        format!("user{number:06}@example.com"),
        password,
    )
}

pub fn changes(number: usize) -> UserChanges {
    UserChanges {
        email: Some(format!("changed{number:06}@example.com")),
        ..UserChanges::default()
    }
}

/// A database in memory with `rows` users, and the transaction open.
pub fn with_users(rows: usize, work: impl FnOnce(&mut Session)) {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    lback::sqlite::migrate(&mut session).unwrap();
    let new = (0..rows).map(new_user);
    UserRepository::new()
        .create_many(&mut session, new)
        .unwrap();
    session
        .transaction(|session| {
            work(session);
            lback::Result::Ok(())
        })
        .unwrap();
}

fn find(times: usize) {
    with_users(1, |session| {
        for _ in 0..times {
            assert!(
                UserRepository::new()
                    .find(session, UserId::from(1))
                    .unwrap()
                    .is_some()
            );
        }
    });
}

fn create_many(times: usize) {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_users(0, |session| {
        UserRepository::new().create_many(session, new).unwrap();
    });
}

macro_rules! operations {
    () => {
        use super::*;

        lback_tests::own_users!(SqliteConnection);

        pub fn create(times: usize) {
            let new: Vec<_> = (0..times).map(new_user).collect();
            with_users(0, |session| {
                for new in new {
                    Users.create(session, new).unwrap();
                }
            });
        }

        pub fn update(times: usize) {
            let changes: Vec<_> = (0..times).map(changes).collect();
            with_users(1, |session| {
                for changes in changes {
                    Users.update(session, UserId::from(1), changes).unwrap();
                }
            });
        }

        pub fn delete(times: usize) {
            with_users(TO_DELETE, |session| {
                for number in 1..=times {
                    Users.delete(session, UserId::from(number as i64)).unwrap();
                }
            });
        }
    };
}

mod silent {
    operations!();
}

mod heard {
    operations!();

    macro_rules! receivers {
        ($($name:ident)*) => {$(
            #[receiver(
                user_pre_create,
                user_post_create,
                user_pre_update,
                user_post_update,
                user_pre_delete,
                user_post_delete
            )]
            #[inline(never)]
            fn $name(signal: &SignalInfo) {
                std::hint::black_box(signal);
            }
        )*};
    }

    receivers!(a b c);
}
