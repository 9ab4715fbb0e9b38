//! A failed delivery is tried again under the same id, later each time, and after its last attempt the row is
//! a dead letter, which can be replayed or discarded. `Snooze` costs no attempt, and `Undeliverable` all. What fails
//! by a deadlock or the like is repeated at once, five times, within its attempt.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::database::*;
use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use lback::BoxError;
use lback::outbox::{Delivery, Snooze, Undeliverable};
use lback_tests::{count, new_user, note, notes};

own_users!();

#[derive(Default)]
struct Server {
    is_up: bool,
    seen: Mutex<Vec<(String, u32)>>,
}

#[receiver(user_post_create, durable, id = "again.tell", max_attempts = 3)]
fn tell(
    user: &User,
    #[state] server: &Server,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let mut seen = server.seen.lock().expect("nobody panics");
    seen.push((delivery.id.clone(), delivery.attempt));
    match &*user.username {
        _ if server.is_up => Ok(()),
        "later" => Err(Snooze(Duration::from_secs(3_600)).into()),
        "long after" => Err(Snooze(Duration::from_millis(i64::MAX as u64)).into()),
        "at once" => Err(Snooze(Duration::ZERO).into()),
        "slowly" => {
            std::thread::sleep(Duration::from_millis(1_100));
            Err("the server is slow".into())
        }
        "at no time" => Err(Snooze(Duration::MAX).into()),
        "never" => Err(Undeliverable("there is no such address".into()).into()),
        _ => Err("the server is down".into()),
    }
}

/// How often it failed.
struct Deadlocks(AtomicU32);

#[receiver(user_post_update, durable, id = "again.write")]
fn write(
    user: &User,
    conn: &mut Native,
    #[state] deadlocks: &Deadlocks,
    #[state] delivery: &Delivery,
) -> QueryResult<()> {
    note(
        conn,
        &format!("{} at attempt {}", user.username, delivery.attempt),
    )?;
    // At the first attempt it is repeated in vain.
    if deadlocks.0.fetch_add(1, Ordering::Relaxed) < 8 {
        let kind = DatabaseErrorKind::SerializationFailure;
        return Err(DieselError::DatabaseError(
            kind,
            Box::new("once more".to_owned()),
        ));
    }
    Ok(())
}

#[test]
fn what_is_put_off_is_left_however_long_the_others_take() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Server::default());
    session.transaction(|session| {
        Users.create(session, new_user("at once"))?;
        Users.create(session, new_user("slowly"))
    })?;

    // The latter three times. Its second and third attempt find the former due again.
    let all = session.deliver_all()?;

    assert_eq!((all.snoozed, all.failed, all.dead), (1, 2, 1), "{all:?}");
    let seen = session.state::<Server>().expect("it was given");
    assert_eq!(seen.seen.lock().expect("nobody panics").len(), 4);
    assert_eq!(
        count("lback_outbox", &mut session),
        2,
        "a dead letter, and one for later"
    );
    Ok(())
}

#[test]
fn what_goes_away_by_itself_costs_one_attempt_in_six() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let deadlocks = Deadlocks(AtomicU32::default());
    let mut session = database.session().with_state(deadlocks);
    let user = session.mute(tell, |session| Users.create(session, new_user("ada")))?;
    let changes = UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    Users.update(&mut session, &user, changes)?;

    let delivered = session.deliver_all()?;
    assert_eq!((delivered.failed, delivered.done), (1, 1));
    assert_eq!(session.take_failures().count, 1);
    assert_eq!(notes(&mut session), ["ada at attempt 2"]);
    let calls = session
        .state::<Deadlocks>()
        .expect("it is there")
        .0
        .load(Ordering::Relaxed);
    assert_eq!(calls, 9);
    Ok(())
}

#[test]
fn the_id_stays_and_the_attempts_are_counted() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let begun = SystemTime::now();
    let mut session = database.session().with_state(Server::default());
    Users.create(&mut session, new_user("ada"))?;
    let delivered = session.deliver_all()?;
    assert_eq!(
        (delivered.failed, delivered.dead, delivered.done),
        (2, 1, 0)
    );
    assert_eq!(session.take_failures().count, 3);

    let letters = session.outbox().dead_letters(10)?;
    let seen = std::mem::take(
        &mut *session
            .state::<Server>()
            .expect("there")
            .seen
            .lock()
            .expect("sound"),
    );
    let id = letters[0].id.clone();
    assert_eq!(seen, [(id.clone(), 1), (id.clone(), 2), (id.clone(), 3)]);
    assert_eq!(letters[0].receiver, "again.tell");
    // By the clock of the database.
    let since = begun.checked_sub(Duration::from_secs(60));
    let until = SystemTime::now() + Duration::from_secs(60);
    let (queued, dead) = (letters[0].queued_at, letters[0].dead_at);
    assert!(since.is_some_and(|since| since < queued), "{queued:?}");
    assert!(queued <= dead && dead < until, "{queued:?} {dead:?}");
    assert_eq!(
        (letters[0].attempts, &*letters[0].error),
        (3, "the server is down")
    );
    assert!(
        letters[0].payload.contains("ada@example.com"),
        "{}",
        letters[0].payload
    );
    assert_eq!(session.deliver_all()?.count(), 0);

    let mut session = session.with_state(Server {
        is_up: true,
        ..Server::default()
    });
    assert!(session.outbox().replay(&id)?);
    assert!(
        !session.outbox().replay(&id)?,
        "it is no dead letter any more"
    );
    assert_eq!(session.deliver_all()?.done, 1);
    let seen = session
        .state::<Server>()
        .expect("there")
        .seen
        .lock()
        .expect("sound")
        .clone();
    assert_eq!(seen, [(id.clone(), 1)]);
    assert!(!session.outbox().discard(&id)? && !session.outbox().discard("no id")?);
    Ok(())
}

#[test]
fn what_is_put_off_costs_no_attempt_and_what_is_hopeless_costs_all() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Server::default());
    for name in ["later", "never"] {
        Users.create(&mut session, new_user(name))?;
    }
    for _ in 0..5 {
        assert_eq!(session.deliver_all()?.snoozed, 1);
    }
    let depths = session.outbox().depths()?;
    assert_eq!(depths.len(), 1, "{depths:?}");
    let depth = &depths[0];
    assert_eq!(
        (depth.ready, depth.scheduled, depth.running, depth.dead),
        (0, 1, 0, 1)
    );
    assert!(depth.is_known && depth.receiver == "again.tell");

    let letters = session.outbox().dead_letters(10)?;
    assert_eq!(
        (&*letters[0].error, letters[0].attempts),
        ("there is no such address", 1)
    );
    assert!(session.outbox().discard(&letters[0].id)?);
    assert_eq!(count("lback_outbox", &mut session), 1);
    Ok(())
}

#[test]
fn what_is_put_off_for_longer_than_the_database_can_say_stays_put_off() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Server::default());
    for name in ["long after", "at no time"] {
        Users.create(&mut session, new_user(name))?;
    }
    assert_eq!(session.deliver_all()?.snoozed, 2);
    let depths = session.outbox().depths()?;
    assert_eq!((depths[0].scheduled, depths[0].held), (2, 0), "{depths:?}");
    Ok(())
}

#[test]
fn a_row_that_takes_its_worker_along_is_a_dead_letter_in_the_end() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Server {
        is_up: true,
        ..Server::default()
    });
    Users.create(&mut session, new_user("ada"))?;
    // As three workers leave it that were killed.
    session
        .conn()
        .batch_execute("UPDATE lback_outbox SET attempts = 3")?;
    assert_eq!(session.deliver_all()?.dead, 1);
    assert!(
        session
            .state::<Server>()
            .expect("there")
            .seen
            .lock()
            .expect("sound")
            .is_empty()
    );
    let letters = session.outbox().dead_letters(10)?;
    assert!(
        letters[0].error.contains("at none of 3 attempts"),
        "{}",
        letters[0].error
    );
    Ok(())
}
