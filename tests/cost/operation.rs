//! The operations of a repository: without receivers, with six, and with one that is told the net
//! change of each row at the end of the transaction.

use std::time::Duration;

use super::*;
use crate::{Run, measured};

pub(crate) const ALL: &[(&str, Run)] = &[
    ("find", find),
    ("create 0", silent::create),
    ("update 0", silent::update),
    ("delete 0", silent::delete),
    ("create 6", heard::create),
    ("update 6", heard::update),
    ("delete 6", heard::delete),
    ("create_many", create_many),
    ("create, told", told::create),
    ("update of one row, told once", told::update),
    ("delete, told", told::delete),
    ("create_many, told", told::create_many),
];

/// The same for every number of deletes, so that their difference is that of the deletes.
pub const TO_DELETE: usize = 2_000;

/// Argon2's least, ready made: what is counted is not the hashing.
pub const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$\
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

/// A database with `rows` users.
pub fn filled(place: Place, rows: usize) -> (Database, Session) {
    let database = Database::at(place);
    let mut session = database.session();
    migrate(&mut session).unwrap();
    let new = (0..rows).map(new_user);
    UserRepository::new()
        .create_many(&mut session, new)
        .unwrap();
    (database, session)
}

fn with_users(place: Place, rows: usize, work: impl FnOnce(&mut Session)) -> Duration {
    let (_database, mut session) = filled(place, rows);
    if place.commits_each {
        return measured(|| work(&mut session));
    }
    session
        .transaction(|session| lback::Result::Ok(measured(|| work(session))))
        .unwrap()
}

fn find(place: Place, times: usize) -> Duration {
    with_users(place, 1, |session| {
        for _ in 0..times {
            assert!(
                UserRepository::new()
                    .find(session, UserId::from(1))
                    .unwrap()
                    .is_some()
            );
        }
    })
}

fn create_many(place: Place, times: usize) -> Duration {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_users(place, 0, |session| {
        UserRepository::new().create_many(session, new).unwrap();
    })
}

macro_rules! operations {
    () => {
        use super::*;

        pub fn create(place: Place, times: usize) -> Duration {
            let new: Vec<_> = (0..times).map(new_user).collect();
            with_users(place, 0, |session| {
                for new in new {
                    Users.create(session, new).unwrap();
                }
            })
        }

        pub fn update(place: Place, times: usize) -> Duration {
            let changes: Vec<_> = (0..times).map(changes).collect();
            with_users(place, 1, |session| {
                for changes in changes {
                    Users.update(session, UserId::from(1), changes).unwrap();
                }
            })
        }

        pub fn delete(place: Place, times: usize) -> Duration {
            with_users(place, TO_DELETE, |session| {
                for number in 1..=times {
                    Users.delete(session, UserId::from(number as i64)).unwrap();
                }
            })
        }
    };
}

mod silent {
    operations!();
    own_users!();
}

mod told {
    operations!();
    own_users_with_changes!();

    pub fn create_many(place: Place, times: usize) -> Duration {
        let new: Vec<_> = (0..times).map(new_user).collect();
        with_users(place, 0, |session| {
            Users.create_many(session, new).unwrap();
        })
    }

    #[receiver(user_changed)]
    #[inline(never)]
    fn see(change: &Change<User>) {
        std::hint::black_box(change);
    }
}

mod heard {
    operations!();
    own_users!();

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
