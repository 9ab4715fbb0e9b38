//! Once or twice, alone or eight at a time: the tables are there afterwards, and one that was there
//! before is left as it is.

use std::process::{Command, Stdio};
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

const CHILD: &str = "promises::migrating_leaves_what_is_there::in_a_process_that_is_told_where";

#[test]
fn by_eight_processes_at_once() {
    for _ in 0..3 {
        let Some(database) = Database::empty() else {
            return;
        };
        let program = std::env::current_exe().expect("it runs");
        let start = || {
            Command::new(&program)
                .args(["--exact", CHILD])
                .env("LBACK_TEST_MIGRATE", database.url())
                .stdout(Stdio::null())
                .spawn()
                .expect("it can be run once more")
        };
        let children: Vec<_> = (0..8).map(|_| start()).collect();
        for mut child in children {
            assert!(child.wait().expect("it ends").success());
        }
        let mut session = database.session();
        USERS.create(&mut session, new_user("ada")).expect("valid");
    }
}

#[test]
fn in_a_process_that_is_told_where() {
    let Ok(url) = std::env::var("LBACK_TEST_MIGRATE") else {
        return;
    };
    let pool = lback::Database::<Native>::builder().max_size(1);
    let pool = pool.connect(&url).expect("it can be opened");
    let mut session = pool.session().expect("one is free");
    migrate(&mut session).expect("somebody else may be first");
    assert_eq!(USERS.count(&mut session).expect("the table is there"), 0);
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
