//! Once or twice, alone or eight at a time: the tables are there afterwards, and one that was there
//! before is left as it is.

use std::sync::Barrier;

use crate::database::*;
use lback_tests::{count, new_user};

const USERS: UserRepository = UserRepository::new();

#[test]
fn if_it_is_done_twice() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = USERS.create(&mut session, new_user("ada")).expect("valid");
    migrate(&mut session).expect("it is done already");
    let stored = USERS.find(&mut session, &ada).expect("it can be read");
    assert_eq!(stored, Some(ada));
}

#[test]
fn by_eight_threads_at_once() {
    for _ in 0..5 {
        let Some(database) = Database::empty() else {
            return;
        };
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (database, barrier) = (&database, &barrier);
                scope.spawn(move || {
                    let mut session = database.session();
                    barrier.wait();
                    migrate(&mut session).expect("somebody else may be first");
                    let new = new_user(&format!("user{number}"));
                    USERS.create(&mut session, new).expect("it is valid");
                });
            }
        });
        assert_eq!(count("users", &mut database.session()), 8);
    }
}

#[test]
fn a_table_of_ones_own() {
    let Some(database) = Database::empty() else {
        return;
    };
    let mut session = database.session();
    diesel::sql_query("CREATE TABLE users (name VARCHAR(20) NOT NULL)")
        .execute(session.conn())
        .expect("the database is empty");
    diesel::sql_query("INSERT INTO users VALUES ('ada')")
        .execute(session.conn())
        .expect("the table is there");
    migrate(&mut session).expect("nothing is to be done");
    let kept: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT count(*) FROM users WHERE name = 'ada')",
    ))
    .get_result(session.conn())
    .expect("its column is still there");
    assert_eq!(kept, 1);
}
