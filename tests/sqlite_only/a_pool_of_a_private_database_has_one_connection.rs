//! `:memory:` is a database of its own in each connection, so its pool has only one, which is never
//! replaced.

use crate::database::*;
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
