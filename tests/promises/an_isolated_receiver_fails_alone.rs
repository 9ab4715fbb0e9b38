//! `on_error = "isolate"`: what it wrote and the effects of that are undone, its failure is
//! reported, the operation goes on. Panics are not isolated.

use super::{panic_of, stored, traced};
use crate::database::*;
use lback::listing::Phase;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, order = -1)]
fn before(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &format!("before {}", user.username))
}

#[receiver(user_post_create, on_error = "isolate")]
fn isolated(
    user: &User,
    session: &mut Session,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    note(session.conn(), &format!("isolated {}", user.username))?;
    match user.username.as_str() {
        "failing" => {
            Users.create(session, new_user("inner"))?;
            session.on_rollback(|session: &mut Session| note(session.conn(), "rolled back"));
            Err("out of order".into())
        }
        "doubling" => Users
            .create(session, new_user("doubling"))
            .map(drop)
            .map_err(Into::into),
        "panicking" => panic!("in isolation"),
        _ => Ok(()),
    }
}

/// One that cannot write: it has no savepoint.
#[receiver(user_post_create, on_error = "isolate", order = 1)]
fn isolated_without_a_session(user: &User) -> Result<(), String> {
    match user.username.as_str() {
        "pure" => Err("no session".to_owned()),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, order = 2)]
fn behind(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &format!("behind {}", user.username))
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

fn reported(session: &mut Session) -> Vec<String> {
    let failures = session.take_failures();
    let of = |failure: &lback::failure::Failure| {
        assert_eq!(failure.phase, Phase::InTransaction);
        let receiver = failure.receiver.expect("it was one");
        let name = receiver.path.rsplit("::").next().unwrap();
        format!("{name}: {}", failure.cause)
    };
    failures.latest.iter().map(of).collect()
}

#[test]
fn its_writes_and_their_effects_are_undone() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("failing"))?;

    assert_eq!(stored(&mut session), ["failing"]);
    assert_eq!(
        notes(&mut session),
        ["before failing", "behind failing", "rolled back"]
    );
    assert_eq!(trace.take(), ["created failing"]);
    assert_eq!(reported(&mut session), ["isolated: out of order"]);
    Ok(())
}

#[test]
fn a_database_error_too_and_the_transaction_stays_usable() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("doubling"))?;
        Users.create(session, new_user("ada"))
    })?;

    assert_eq!(stored(&mut session), ["doubling", "ada"]);
    assert_eq!(trace.take(), ["created doubling", "created ada"]);
    assert_eq!(reported(&mut session).len(), 1);
    Ok(())
}

#[test]
fn one_without_a_session_too() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("pure"))?;

    assert_eq!(
        notes(&mut session),
        ["before pure", "isolated pure", "behind pure"]
    );
    assert_eq!(
        reported(&mut session),
        ["isolated_without_a_session: no session"]
    );
    Ok(())
}

#[test]
fn a_panic_undoes_the_operation() {
    let Some((_database, mut session, trace)) = traced() else {
        return;
    };

    let message = panic_of(|| Users.create(&mut session, new_user("panicking")));

    assert_eq!(message, "in isolation");
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(notes(&mut session), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
    session.take_failures().assert_none();
}

#[test]
fn its_success_lasts() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("ada"))?;

    assert_eq!(
        notes(&mut session),
        ["before ada", "isolated ada", "behind ada"]
    );
    session.take_failures().assert_none();
    Ok(())
}

/// Where nobody else listens, and nothing else asks for care at the sending.
#[test]
fn the_only_one_of_a_signal_too() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    BellRang {
        door: "front",
        session: &mut session,
    }
    .send()?;

    assert_eq!(reported(&mut session), ["open: the front door is locked"]);
    Ok(())
}

#[signal]
struct BellRang<'a> {
    door: &'a str,
    session: &'a mut Session,
}

#[receiver(bell_rang, on_error = "isolate")]
fn open(door: &str) -> Result<(), String> {
    Err(format!("the {door} door is locked"))
}
