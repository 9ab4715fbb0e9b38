//! A worker delivers what is stored, on threads of its own, as soon as it is committed; several share the rows.
//! Panics are failures. Stopped, it gives back what it has claimed and not begun, with the attempt.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use lback::Error;
use lback::outbox::Delivery;
use lback_tests::{count, new_user, note, notes};

own_users!();

type Pool = lback::Database<Native>;

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

#[receiver(user_post_create, durable, id = "worker.tell")]
fn tell(
    user: &User,
    #[state] seen: &Arc<Seen>,
    #[state] delivery: &Delivery,
    #[state] pool: &Pool,
) {
    assert!(pool.size().0 > 0);
    if user.username == "panic" && delivery.attempt == 1 {
        panic!("at first");
    }
    seen.0
        .lock()
        .expect("nobody panics")
        .push(delivery.id.clone());
}

#[receiver(user_post_create, durable, id = "worker.write", batch = 8)]
fn write(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &user.username)
}

#[derive(Default)]
struct Gate {
    is_open: AtomicBool,
    begun: AtomicU32,
}

#[receiver(user_post_update, durable, id = "worker.slow")]
fn slow(#[state] gate: &Arc<Gate>) {
    gate.begun.fetch_add(1, Ordering::SeqCst);
    wait_until("the gate is open", || gate.is_open.load(Ordering::SeqCst));
}

type Own = Arc<Mutex<Option<lback::outbox::Worker>>>;

#[receiver(user_post_delete, durable, id = "worker.last")]
fn stop_yours(#[state] own: &Own, #[state] seen: &Arc<Seen>, #[state] delivery: &Delivery) {
    let worker = own.lock().expect("nobody panics").take();
    if let Some(worker) = worker {
        worker.stop();
    }
    seen.0
        .lock()
        .expect("nobody panics")
        .push(delivery.id.clone());
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn pool(database: &Database, seen: &Arc<Seen>, gate: &Arc<Gate>) -> lback::Result<Pool> {
    Pool::builder()
        .with_state(Arc::clone(seen))
        .with_state(Arc::clone(gate))
        .with_failure_handler(|_| {})
        .with_registry(&lback::manual_registry![tell, write, slow]?)
        .connect(&database.url())
}

fn wait_until_empty(database: &Database) {
    let mut session = database.session();
    wait_until("the outbox is empty", || {
        count("lback_outbox", &mut session) == 0
    });
}

#[test]
fn however_rarely_it_is_told_to_look() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (seen, gate) = Default::default();
    let pool = pool(&database, &seen, &gate)?;
    let worker = pool.worker().poll(Duration::MAX).start()?;
    let mut session = pool.session()?;
    for i in 0..8 {
        let name = format!("user{i}");
        session.transaction_with_retries(10, |session| Users.create(session, new_user(&name)))?;
        wait_until_empty(&database);
    }
    assert_eq!(worker.stop().done, 16);
    Ok(())
}

#[test]
fn two_workers_deliver_each_row_once() -> lback::Result<()> {
    const USERS: usize = 100;
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (seen, gate) = Default::default();
    let workers = [
        pool(&database, &seen, &gate)?
            .worker()
            .threads(2)
            .claim(5)
            .start()?,
        pool(&database, &seen, &gate)?
            .worker()
            .threads(2)
            .claim(7)
            .start()?,
    ];
    let mut session = database.session();
    for i in 0..USERS {
        let name = format!("user{i}");
        session.transaction_with_retries(10, |session| Users.create(session, new_user(&name)))?;
    }
    wait_until_empty(&database);
    let done: u64 = workers.into_iter().map(|worker| worker.stop().done).sum();
    assert_eq!(done, 2 * USERS as u64);

    let seen = std::mem::take(&mut *seen.0.lock().expect("sound"));
    assert_eq!(
        (seen.len(), seen.iter().collect::<BTreeSet<_>>().len()),
        (USERS, USERS)
    );
    let notes = notes(&mut session);
    assert_eq!(
        (notes.len(), notes.iter().collect::<BTreeSet<_>>().len()),
        (USERS, USERS)
    );
    Ok(())
}

#[test]
fn it_wakes_up_at_a_commit_and_takes_a_panic_for_a_failure() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (seen, gate) = Default::default();
    let pool = pool(&database, &seen, &gate)?;
    let worker = pool.worker().poll(Duration::from_secs(3_600)).start()?;
    std::thread::sleep(Duration::from_millis(50));
    Users.create(&mut pool.session()?, new_user("ada"))?;
    wait_until_empty(&database);
    let delivered = worker.stop();
    assert_eq!((delivered.done, delivered.count()), (2, 2));

    let worker = pool.worker().poll(Duration::from_millis(20)).start()?;
    Users.create(&mut pool.session()?, new_user("panic"))?;
    wait_until_empty(&database);
    let delivered = worker.stop();
    assert_eq!((delivered.done, delivered.failed), (2, 1));
    assert_eq!(seen.0.lock().expect("sound").len(), 2);
    Ok(())
}

#[test]
fn what_was_not_begun_is_given_back() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (seen, gate) = <(_, Arc<Gate>)>::default();
    let pool = pool(&database, &seen, &gate)?;
    let mut session = pool.session()?;
    let ada = session.mute_all(|session| Users.create(session, new_user("ada")))?;
    for is_active in [false, true, false, true] {
        let changes = UserChanges {
            is_active: Some(is_active),
            ..Default::default()
        };
        Users.update(&mut session, &ada, changes)?;
    }
    let worker = pool.worker().start()?;
    wait_until("one has begun", || gate.begun.load(Ordering::SeqCst) > 0);
    let stopping = std::thread::spawn(move || worker.stop());
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        !stopping.is_finished(),
        "the delivery at work is waited for"
    );
    gate.is_open.store(true, Ordering::SeqCst);
    let delivered = stopping.join().expect("no panic");
    assert_eq!((delivered.done, delivered.released), (1, 3));
    let unbegun = "lback_outbox WHERE attempts = 0 AND lease IS NULL";
    assert_eq!(count(unbegun, &mut session), 3);
    Ok(())
}

#[test]
fn it_does_not_start_without_what_its_receivers_need() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let refused = Pool::connect(&database.url())?.worker().start();
    assert!(
        matches!(refused, Err(Error::StateMissing { .. })),
        "{refused:?}"
    );
    Ok(())
}

#[test]
fn also_by_a_receiver_that_it_runs() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let (own, seen) = (Own::default(), Arc::<Seen>::default());
    let pool = Pool::builder()
        .with_state(Arc::clone(&own))
        .with_state(Arc::clone(&seen))
        .with_registry(&lback::manual_registry![stop_yours]?)
        .connect(&database.url())?;
    let mut session = pool.session()?;
    let ada = Users.create(&mut session, new_user("ada"))?;
    let mut place = own.lock().expect("nobody panics");
    *place = Some(pool.worker().start()?);
    drop(place);
    Users.delete(&mut session, &ada)?;
    wait_until_empty(&database);
    assert_eq!(seen.0.lock().expect("nobody panics").len(), 1);
    Ok(())
}
