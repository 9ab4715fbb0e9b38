//! Nobody could tell when such a transaction ends. `Session::for_test` takes one, and never
//! commits it.

use crate::database::*;
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
}

#[test]
fn but_for_a_test_it_becomes_the_test_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    for connection in [begun(&database), database.connection()] {
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
