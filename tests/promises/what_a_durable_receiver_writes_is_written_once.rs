//! A durable receiver that names `conn` or `session` runs in one transaction with the mark that its row is
//! done: what it writes is there once, however often it fails before.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::database::*;
use lback::BoxError;
use lback::outbox::Delivery;
use lback_tests::{Trace, count, new_user, note, notes};

own_users!();

#[receiver(user_post_create, durable, id = "once.audit")]
fn audit(user: &User, conn: &mut Native, #[state] delivery: &Delivery) -> Result<(), BoxError> {
    note(conn, &user.username)?;
    match delivery.attempt {
        1 => Err("not yet".into()),
        2 => panic!("not yet either"),
        _ => Ok(()),
    }
}

#[receiver(user_post_update, durable, id = "once.batch", batch = 4)]
fn audit_together(
    user: &User,
    session: &mut Session,
    #[state] calls: &Calls,
) -> Result<(), BoxError> {
    calls.0.fetch_add(1, Ordering::Relaxed);
    note(session.conn(), &user.username)?;
    if user.username == "user5" {
        return Err("this one never".into());
    }
    Ok(())
}

#[derive(Default)]
struct Calls(AtomicU32);

#[test]
fn a_failure_takes_back_what_was_written() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    Users.create(&mut session, new_user("ada"))?;

    let delivered = session.deliver_all()?;
    assert_eq!((delivered.done, delivered.failed), (1, 2));
    assert_eq!(notes(&mut session), ["ada"]);
    assert_eq!(count("lback_outbox", &mut session), 0);
    let failures = session.take_failures();
    let told: Vec<_> = failures.latest.iter().map(ToString::to_string).collect();
    assert!(
        told[0].contains("failed at a delivery: not yet"),
        "{told:?}"
    );
    assert!(told[1].contains("it panicked: not yet either"), "{told:?}");
    Ok(())
}

#[test]
fn one_of_a_batch_that_fails_is_no_affair_of_the_others() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database
        .session()
        .with_state(Calls::default())
        .with_state(Trace::new());
    session.mute(audit, |session| {
        session.transaction(|session| {
            for i in 0..8 {
                let user = Users.create(session, new_user(&format!("user{i}")))?;
                let changes = UserChanges {
                    is_active: Some(false),
                    ..Default::default()
                };
                Users.update(session, &user, changes)?;
            }
            lback::Result::Ok(())
        })
    })?;

    let delivered = session.deliver_all()?;
    assert_eq!((delivered.done, delivered.dead), (7, 1));
    let mut written = notes(&mut session);
    written.sort_unstable();
    assert_eq!(
        written,
        [
            "user0", "user1", "user2", "user3", "user4", "user6", "user7"
        ]
    );
    // Four together, two of the next four in vain, those four by themselves, and the one 19 times more.
    let calls = session
        .state::<Calls>()
        .expect("it is there")
        .0
        .load(Ordering::Relaxed);
    assert_eq!(calls, 4 + 2 + 4 + 19);
    assert_eq!(session.outbox().dead_letters(10)?.len(), 1);
    Ok(())
}
