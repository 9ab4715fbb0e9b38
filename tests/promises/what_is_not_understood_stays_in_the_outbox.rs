//! Rows of a receiver that this program has not, and of a newer version, are left alone and counted; what
//! cannot be read is a failed attempt. None is dropped. Older rows are upcast, and those of an earlier id
//! delivered.

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::BoxError;
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "left.new", alias = ["left.old", "left.older"], version = 2, upcast = from_v1, max_attempts = 2)]
fn tell(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

fn from_v1(version: u32, mut payload: serde_json::Value) -> Result<serde_json::Value, BoxError> {
    assert_eq!(version, 1);
    payload["user"] = payload["who"].take();
    Ok(payload)
}

fn prepared() -> Option<(Database, Session, Trace)> {
    let database = Database::with_outbox()?;
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    Users
        .create(&mut session, new_user("ada"))
        .expect("it is valid");
    Some((database, session, trace))
}

fn rows(session: &mut Session, change: &str) {
    let statement = format!("UPDATE lback_outbox SET {change}");
    session
        .conn()
        .batch_execute(&statement)
        .expect("it is a statement");
}

#[test]
fn rows_of_others_are_left_alone_and_counted() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = prepared() else {
        return Ok(());
    };
    rows(&mut session, "receiver = 'left.unknown'");
    assert_eq!(session.deliver_all()?.count(), 0);
    let depths = session.outbox().depths()?;
    assert_eq!((depths[0].ready, depths[0].is_known), (1, false));

    rows(&mut session, "receiver = 'left.new', version = 3");
    assert_eq!(session.deliver_all()?.count(), 0);
    assert_eq!(session.outbox().depths()?[0].ready, 1);

    rows(&mut session, "version = 2");
    assert_eq!(session.deliver_all()?.done, 1);
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn rows_of_an_earlier_id_or_version_are_delivered() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = prepared() else {
        return Ok(());
    };
    rows(
        &mut session,
        "receiver = 'left.older', version = 1, payload = REPLACE(payload, '\"user\"', '\"who\"')",
    );
    assert_eq!(session.deliver_all()?.done, 1);
    assert_eq!(trace.take(), ["ada"]);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn what_cannot_be_read_is_a_failure() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = prepared() else {
        return Ok(());
    };
    for (payload, why) in [
        ("no json", "what is stored is no JSON"),
        ("{}", "the argument `user` cannot be read"),
        (
            r#"{"user": {"id": "canary"}}"#,
            "the argument `user` cannot be read: `id`",
        ),
    ] {
        rows(&mut session, &format!("payload = '{payload}'"));
        let delivered = session.deliver_all()?;
        assert_eq!((delivered.failed, delivered.dead), (1, 1));
        let letter = session.outbox().dead_letters(1)?.remove(0);
        assert!(letter.error.contains(why), "{}", letter.error);
        assert!(!letter.error.contains("canary"), "{}", letter.error);
        session.outbox().replay(&letter.id)?;
    }
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(count("lback_outbox", &mut session), 1);
    Ok(())
}
