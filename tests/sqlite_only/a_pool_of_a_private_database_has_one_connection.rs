//! `:memory:` is a database of its own in each connection, so its pool has only one, which is never
//! replaced.

use crate::database::*;
use crate::promises::{panic_of, stored};
use lback_tests::{count, new_user};

own_users!();

#[test]
fn whatever_size_it_was_given() -> lback::Result<()> {
    let pool = lback::Database::<Native>::builder()
        .max_size(8)
        .connect(":memory:")?;
    migrate(&mut pool.session()?)?;

    std::thread::scope(|scope| {
        for number in 0..8 {
            let pool = &pool;
            scope.spawn(move || {
                let new = new_user(&format!("user{number}"));
                let created = pool.transaction(|session| Users.create(session, new));
                created.expect("there is one table");
            });
        }
    });
    assert_eq!(count("users", &mut pool.session()?), 8);
    assert_eq!(pool.size(), (1, 1));
    Ok(())
}

/// Diesel's pool gives every connection up that comes back while its thread panics.
#[test]
fn it_outlives_a_panic() -> lback::Result<()> {
    let pool = lback::Database::<Native>::connect(":memory:")?;
    migrate(&mut pool.session()?)?;
    Users.create(&mut pool.session()?, new_user("ada"))?;

    let panic = panic_of(|| {
        let mut session = pool.session().expect("it is free");
        Users
            .create(&mut session, new_user("grace"))
            .expect("valid");
        panic!("while a session is held");
    });
    assert_eq!(panic, "while a session is held");
    let panic = panic_of(|| {
        pool.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("zoe"))?;
            panic!("in a transaction");
        })
    });
    assert_eq!(panic, "in a transaction");

    assert_eq!(stored(&mut pool.session()?), ["ada", "grace"]);
    Ok(())
}
