//! The operations of a repository, each a transaction of its own: the built-in one has no
//! receivers here, and another on the same table has six for each operation.

use std::time::Duration;

use lback::schema::users;
use lback::sqlite::{prelude::*, users::*};

use crate::{Answer, timed};

/// Argon2's least, ready made: what is compared is not the hashing.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$\
                    zw6VBCMoUDNVLmHfwlqRqCsSd9tJI0Wh3Ij4Ff0PV8o";

pub(crate) fn run(
    work: &str,
    session: &mut Session,
    receivers: u32,
    count: usize,
) -> Answer<Duration> {
    match receivers {
        0 => run_with(&UserRepository::new(), work, session, count),
        6 => run_with(&heard::Users, work, session, count),
        _ => Err(format!("no repository has {receivers} receivers").into()),
    }
}

fn run_with<R>(repository: &R, work: &str, session: &mut Session, count: usize) -> Answer<Duration>
where
    R: Repository<Connection = SqliteConnection, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    match work {
        "create" => {
            empty(session)?;
            let names: Vec<_> = (0..count).map(names).collect();
            let password = password()?;
            timed(|| {
                for (username, email) in names {
                    let new = NewUser::with_password(username, email, password.clone());
                    repository.create(session, new)?;
                }
                Ok(())
            })
        }
        "update" => {
            let users = stored(session, count)?;
            let addresses: Vec<_> = (0..count)
                .map(|number| format!("changed{number:06}@example.com"))
                .collect();
            timed(|| {
                for (user, email) in users.iter().zip(addresses) {
                    let changes = UserChanges {
                        email: Some(email),
                        ..UserChanges::default()
                    };
                    repository.update(session, user, changes)?;
                }
                Ok(())
            })
        }
        "delete" => {
            let users = stored(session, count)?;
            timed(|| {
                for user in &users {
                    repository.delete(session, user)?;
                }
                Ok(())
            })
        }
        _ => Err(format!("no such work: {work}").into()),
    }
}

/// This many users, and no others.
pub(crate) fn stored(session: &mut Session, count: usize) -> Answer<Vec<User>> {
    empty(session)?;
    let password = password()?;
    let new = (0..count).map(|number| {
        let (username, email) = names(number);
        NewUser::with_password(username, email, password.clone())
    });
    Ok(UserRepository::new().create_many(session, new)?)
}

fn empty(session: &mut Session) -> Answer<()> {
    diesel::delete(users::table).execute(session.conn())?;
    Ok(())
}

fn names(number: usize) -> (String, String) {
    (
        format!("user{number:06}"),
        format!("user{number:06}@example.com"),
    )
}

fn password() -> lback::Result<Password> {
    Password::from_hash(HASH)
}

mod heard {
    use lback::schema::users;
    use lback::sqlite::{prelude::*, users::*};

    use crate::count_call;

    #[repository(
        entity = User,
        table = users,
        insert = NewUser,
        update = UserChanges,
        connection = SqliteConnection,
        shared_entity
    )]
    #[derive(Debug)]
    pub(crate) struct Users;

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
            fn $name() {
                count_call();
            }
        )*};
    }

    receivers!(a b c);
}
