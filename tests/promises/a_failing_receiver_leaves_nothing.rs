//! Whether a receiver fails before the statement or after it: no row, nothing that earlier
//! receivers wrote, in the caller's transaction and outside one, which stays usable.

use crate::database::*;
use lback::{BoxError, Error};
use lback_tests::{new_user, note, notes};

own_users!();

/// Which signal's receiver fails, and how.
struct Fails(&'static str, How);

#[derive(Clone, Copy)]
enum How {
    Error,
    Veto,
}

#[receiver(user_pre_create, order = 1)]
fn write_before(data: &NewUser, conn: &mut Native) -> QueryResult<()> {
    note(conn, &data.username)
}

#[receiver(
    user_post_create,
    user_pre_update,
    user_post_update,
    user_pre_delete,
    user_post_delete,
    order = 1
)]
fn write(signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
    note(conn, signal.name())
}

#[receiver(
    user_pre_create,
    user_post_create,
    user_pre_update,
    user_post_update,
    user_pre_delete,
    user_post_delete,
    order = 2
)]
fn fail(signal: &SignalInfo, #[state] fails: &Fails) -> Result<(), BoxError> {
    match fails {
        Fails(name, How::Error) if *name == signal.name() => Err("the disk is on fire".into()),
        Fails(name, How::Veto) if *name == signal.name() => Err(Veto::new("no").into()),
        Fails(..) => Ok(()),
    }
}

const NOBODY: Fails = Fails("", How::Error);

/// Everything that is in the database.
fn all(session: &mut Session) -> (Vec<User>, Vec<String>) {
    let users = users::table.order(users::id).select(User::as_select());
    let users = users.load(session.conn()).expect("it can be read");
    (users, notes(session))
}

fn operation(session: &mut Session, signal: &str, ada: &User) -> lback::Result<()> {
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    match signal.rsplit('_').next() {
        Some("create") => Users.create(session, new_user("grace")).map(drop),
        Some("update") => Users.update(session, ada, changes).map(drop),
        Some("delete") => Users.delete(session, ada),
        _ => unreachable!("{signal}"),
    }
}

fn check(signal: &str, how: How, result: &lback::Result<()>) {
    let error = result.as_ref().expect_err("its receiver fails");
    let receiver = error.receiver().expect("a receiver is to blame");
    assert_eq!(receiver.signal.name(), signal);
    assert!(receiver.id.ends_with("::fail"), "{error}");
    match (how, error) {
        (How::Error, Error::ReceiverFailed { source, .. }) => {
            assert_eq!(source.to_string(), "the disk is on fire");
        }
        (How::Veto, Error::Vetoed { message, .. }) => assert_eq!(message, "no"),
        (_, other) => panic!("{other:?}"),
    }
    for part in [signal, receiver.id, &receiver.place.to_string()] {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

const SIGNALS: [&str; 6] = [
    "user_pre_create",
    "user_post_create",
    "user_pre_update",
    "user_post_update",
    "user_pre_delete",
    "user_post_delete",
];

#[test]
fn outside_a_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(NOBODY);
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    let before = all(&mut session);
    for signal in SIGNALS {
        for how in [How::Error, How::Veto] {
            let result = session.with(Fails(signal, how), |session| {
                operation(session, signal, &ada)
            });
            check(signal, how, &result);
            assert!(!session.in_transaction());
            assert_eq!(all(&mut session), before, "{signal}");
            assert_eq!(all(&mut database.session()), before, "{signal}");
        }
    }
}

#[test]
fn inside_the_callers_transaction_which_goes_on() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(NOBODY);
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    for (number, signal) in SIGNALS.into_iter().enumerate() {
        for how in [How::Error, How::Veto] {
            let name = format!(
                "{}{number}",
                if matches!(how, How::Error) { "e" } else { "v" }
            );
            let name = format!("user {name}");
            session
                .transaction(|session| {
                    let before = all(session);
                    let result = session.with(Fails(signal, how), |session| {
                        operation(session, signal, &ada)
                    });
                    check(signal, how, &result);
                    assert_eq!(all(session), before, "{signal}");
                    Users.create(session, new_user(&name))
                })
                .expect("the transaction stays usable");
            let found = UserRepository::new().find_by_username(&mut session, &name);
            assert!(found.expect("it can be read").is_some(), "{signal}");
        }
    }
}
