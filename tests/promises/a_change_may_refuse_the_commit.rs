//! Its error, or its panic, rolls the whole back, and the caller gets it in the place of his `Ok`;
//! after-rollback receivers are told what would have been.

use super::{panic_of, stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user, note, notes};

own_repository!(
    Users: entity = lback::User,
    table = lback::schema::users,
    insert = lback::NewUser,
    update = lback::UserChanges,
    shared_entity,
    changes
);

#[receiver(user_changed, order = 1)]
fn write(change: &Change<User>, conn: &mut Native) -> QueryResult<()> {
    note(conn, &change.either().username)
}

#[receiver(user_changed, order = 2)]
fn refuse(change: &Change<User>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match change.either().username.as_str() {
        "vetoed" => Err(Veto::new("not this one").field("username").into()),
        "failing" => Err("it failed".into()),
        "panicking" => panic!("in a receiver of changes"),
        _ => Ok(()),
    }
}

#[receiver(user_changed, order = 3, on_error = "isolate")]
fn isolated(change: &Change<User>, conn: &mut Native) -> Result<(), Veto> {
    if change.either().username == "isolated" {
        note(conn, "undone with its savepoint").expect("it is written");
        return Err(Veto::new("alone"));
    }
    Ok(())
}

#[receiver(user_changed, after_commit)]
fn lasting(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("stored {}", change.either().username));
}

#[receiver(user_changed, after_rollback)]
fn lost(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("lost {}", change.either().username));
}

fn create_two(session: &mut Session, second: &str) -> lback::Result<()> {
    session.transaction(|session| {
        Users.create(session, new_user("first"))?;
        Users.create(session, new_user(second)).map(drop)
    })
}

#[test]
fn with_a_veto() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    match create_two(&mut session, "vetoed") {
        Err(Error::Vetoed {
            receiver, field, ..
        }) => {
            assert_eq!(receiver.signal.name(), "user_changed");
            assert!(receiver.id.ends_with("::refuse"));
            assert_eq!(field.as_deref(), Some("username"));
        }
        other => panic!("{other:?}"),
    }
    assert!(!session.in_transaction());
    assert_eq!(trace.take(), ["lost first", "lost vetoed"]);
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(notes(&mut session), [""; 0]);
}

#[test]
fn with_an_error() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    match create_two(&mut session, "failing") {
        Err(Error::ReceiverFailed { source, .. }) => assert_eq!(source.to_string(), "it failed"),
        other => panic!("{other:?}"),
    }
    assert_eq!(trace.take(), ["lost first", "lost failing"]);
    assert_eq!(stored(&mut session), [""; 0]);
}

#[test]
fn with_a_panic() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    let message = panic_of(|| create_two(&mut session, "panicking"));
    assert_eq!(message, "in a receiver of changes");
    assert_eq!(trace.take(), ["lost first", "lost panicking"]);
    assert!(!session.in_transaction());
    assert_eq!(stored(&mut session), [""; 0]);
    create_two(&mut session, "next").expect("the session can be used");
    assert_eq!(trace.take(), ["stored first", "stored next"]);
}

#[test]
fn of_an_operation_alone_too() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    let refused = Users.create(&mut session, new_user("vetoed"));
    assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
    assert_eq!(trace.take(), ["lost vetoed"]);
    assert_eq!(stored(&mut session), [""; 0]);
    let refused = Users.create_many(&mut session, ["one", "vetoed"].map(new_user));
    assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
    assert_eq!(stored(&mut session), [""; 0]);
}

#[test]
fn one_that_is_isolated_refuses_nothing() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };
    create_two(&mut session, "isolated").expect("its failure is its own");
    assert_eq!(trace.take(), ["stored first", "stored isolated"]);
    assert_eq!(notes(&mut session), ["first", "isolated"]);
    assert_eq!(session.take_failures().count, 1);
}
