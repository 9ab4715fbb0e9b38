//! Nobody could tell when such a transaction ends. `Session::for_test` takes one, and never
//! commits it; and of one that is only lent, Diesel's own test transaction does not count either.

use crate::database::*;
use diesel::connection::TransactionManager;
use lback::Error;
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn after_the_commit(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

/// Two levels of ownership, as a pool's guard has.
struct Guard(Box<Native>);

impl std::ops::Deref for Guard {
    type Target = Native;

    fn deref(&self) -> &Native {
        &self.0
    }
}

impl std::ops::DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut Native {
        &mut self.0
    }
}

fn begun(database: &Database) -> Native {
    let mut connection = database.connection();
    <Native as Connection>::TransactionManager::begin_transaction(&mut connection)
        .expect("outside of transactions");
    connection
}

fn begun_by_diesel_for_a_test(database: &Database) -> Native {
    let mut connection = database.connection();
    connection
        .begin_test_transaction()
        .expect("outside of transactions");
    connection
}

#[test]
fn with_an_error_that_says_what_to_do() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let refusals = [
        Session::new(begun(&database)),
        Session::from_guard(Guard(Box::new(begun(&database)))),
        Session::from_guard(Box::new(begun(&database))),
    ];
    for refused in refusals {
        let Err(error @ Error::AlreadyInTransaction) = refused else {
            panic!("it was taken");
        };
        assert!(error.to_string().contains("Session::for_test"), "{error}");
    }
    let mut connection = begun(&database);
    let refused = Session::borrowing(&mut connection, |_| lback::Result::Ok(()));
    assert!(matches!(refused, Err(Error::AlreadyInTransaction)));
}

/// Tests that were there before lback call what borrows their connection.
#[test]
fn but_diesels_own_test_transaction_does_not_count() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let work = |session: &mut Session| {
        session.with(trace.clone(), |session| {
            assert!(!session.in_transaction(), "it does not count");
            session.transaction(|session| {
                Users.create(session, new_user("ada"))?;
                assert_eq!(trace.take(), [""; 0], "not yet");
                lback::Result::Ok(())
            })?;
            assert_eq!(trace.take(), ["ada"]);
            let failed: lback::Result<()> = session.transaction(|session| {
                Users.create(session, new_user("eve"))?;
                Err(lback::Invalid::new("eve", "she is not to stay").into())
            });
            assert!(failed.is_err());
            assert!(
                Users.create(session, new_user("ada")).is_err(),
                "she is there"
            );
            assert_eq!(count("users", session), 1);
            lback::Result::Ok(())
        })
    };

    let mut connection = begun_by_diesel_for_a_test(&database);
    Session::borrowing(&mut connection, work).expect("the test transaction is as good as none");
    let there = users::table.count().get_result(&mut connection);
    assert_eq!(there, Ok(1_i64), "the connection is still inside of it");
    let inside = connection
        .transaction(|connection| Session::borrowing(connection, |_| lback::Result::Ok(())));
    assert!(
        matches!(inside, Err(Error::AlreadyInTransaction)),
        "not that of the program"
    );
    drop(connection);

    let guard = Guard(Box::new(begun_by_diesel_for_a_test(&database)));
    work(&mut Session::from_guard(guard).expect("likewise")).expect("likewise");
    // A session that owns its connection has `Session::for_test`.
    let owned = Session::new(begun_by_diesel_for_a_test(&database));
    assert!(matches!(owned, Err(Error::AlreadyInTransaction)));

    assert_eq!(
        count("users", &mut database.session()),
        0,
        "nothing is left"
    );
}

#[test]
fn but_for_a_test_it_becomes_the_test_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    for connection in [
        begun(&database),
        begun_by_diesel_for_a_test(&database),
        database.connection(),
    ] {
        let trace = Trace::new();
        let session = Session::for_test(connection).expect("either way");
        let mut session = session.with_state(trace.clone());
        assert!(!session.in_transaction(), "it does not count");

        Users
            .create(&mut session, new_user("ada"))
            .expect("it is valid");
        assert_eq!(trace.take(), ["ada"], "its own outermost level committed");
        session
            .transaction(|session| {
                assert!(session.in_transaction());
                Users.create(session, new_user("grace"))?;
                assert_eq!(trace.take(), [""; 0], "not yet");
                lback::Result::Ok(())
            })
            .expect("it is valid");
        assert_eq!(trace.take(), ["grace"]);
        let failed: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("eve"))?;
            Err(lback::Invalid::new("eve", "she is not to stay").into())
        });
        assert!(failed.is_err());
        assert_eq!(count("users", &mut session), 2);

        drop(session);
        assert_eq!(
            count("users", &mut database.session()),
            0,
            "nothing is left"
        );
    }
}

#[test]
fn a_guard_lends_its_connection() {
    fn assert_send<T: Send>(session: T) -> T {
        session
    }
    let Some(database) = Database::fresh() else {
        return;
    };
    let guard = Guard(Box::new(database.connection()));
    let session = Session::from_guard(guard).expect("outside of transactions");
    let mut session = assert_send(session).with_state(Trace::new());
    let ada = std::thread::spawn(move || {
        let ada = session.transaction(|session| Users.create(session, new_user("ada")));
        let ada = ada.expect("it is valid");
        let found = Users.find(&mut session, &ada).expect("it can be read");
        assert_eq!(found.as_ref(), Some(&ada));
        ada
    });
    let ada = ada.join().expect("nothing fails in the thread");
    let found = Users.find(&mut database.session(), &ada);
    assert_eq!(found.expect("it can be read"), Some(ada));
}
