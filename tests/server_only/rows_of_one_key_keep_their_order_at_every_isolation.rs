//! An `ordered` receiver gets the rows of one key in the order of their commits whatever the isolation of the
//! transactions that store them, from many writers at once, and while some die between COMMIT and the statement
//! that says whose turn it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use lback::TransactionOptions;
use lback::transaction::Isolation;
use lback_tests::count;

const KEYS: i64 = 2;
const WRITERS: i64 = 3;
/// Of each writer, for each key.
const ROWS: i64 = 12;

#[signal]
struct Counted<'a> {
    key: &'a i64,
    number: &'a i64,
    session: &'a mut Session,
}

#[derive(Default)]
struct Book(Mutex<BTreeMap<i64, Vec<i64>>>);

#[receiver(counted, durable, id = "isolation.enter", ordered = |key: &i64| *key)]
fn enter(key: &i64, number: &i64, #[state] book: &Arc<Book>) {
    let mut book = book.0.lock().expect("nobody panics");
    book.entry(*key).or_default().push(*number);
}

/// Two that count one key wait for each other, so the number says the order of their commits.
fn count_one(session: &mut Session, key: i64) -> lback::Result<()> {
    let add = format!("UPDATE counters SET number = number + 1 WHERE id = {key}");
    session.conn().batch_execute(&add)?;
    let number = format!("(SELECT number FROM counters WHERE id = {key})");
    let number: i64 =
        diesel::select(diesel::dsl::sql::<BigInt>(&number)).get_result(session.conn())?;
    Counted {
        key: &key,
        number: &number,
        session,
    }
    .send()
}

fn write(database: &Database, options: &TransactionOptions, refused: &AtomicI64) {
    let mut session = database.session();
    for round in 0..ROWS * KEYS {
        let key = round % KEYS;
        while let Err(error) = session.transaction_with(options, |session| count_one(session, key))
        {
            assert!(error.is_retryable(), "{error:?}");
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// As writers and deliverers leave the first row of a key that die before they could say that it is its turn.
fn die_now_and_then(database: &Database, is_over: &AtomicBool) -> usize {
    let (mut conn, mut dead) = (database.connection(), 0);
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(40));
        let forget =
            "UPDATE lback_outbox SET due_at = NULL WHERE due_at IS NOT NULL AND lease IS NULL";
        // It may be the one to lose in a deadlock.
        dead += diesel::sql_query(forget).execute(&mut conn).unwrap_or(0);
    }
    dead
}

fn at(isolation: Isolation) -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    session.conn().batch_execute(
        "CREATE TABLE counters (id BIGINT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)",
    )?;
    for key in 0..KEYS {
        let new = format!("INSERT INTO counters VALUES ({key}, 0)");
        session.conn().batch_execute(&new)?;
    }
    let book = Arc::<Book>::default();
    let pool = lback::Database::<Native>::builder()
        .with_state(Arc::clone(&book))
        .with_registry(&lback::manual_registry![enter]?)
        .connect(&database.url())?;
    let worker = pool.worker().threads(2).claim(4);
    let worker = worker.poll(Duration::from_millis(50)).start()?;

    let options = TransactionOptions::new().isolation(isolation);
    let (is_over, refused) = (AtomicBool::new(false), AtomicI64::new(0));
    let (database, options, is_over, refused) = (&database, &options, &is_over, &refused);
    let dead = std::thread::scope(|scope| {
        let death = scope.spawn(move || die_now_and_then(database, is_over));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(move || write(database, options, refused)))
            .collect();
        let ends: Vec<_> = writers.into_iter().map(|it| it.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok), "a writer has failed");
        death.join().expect("no panic")
    });
    let begun = Instant::now();
    while count("lback_outbox", &mut session) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "some are left");
        std::thread::sleep(Duration::from_millis(10));
    }
    let delivered = worker.stop();

    let all: Vec<_> = (1..=WRITERS * ROWS).collect();
    let got = book.0.lock().expect("nobody panics");
    assert_eq!(*got, (0..KEYS).map(|key| (key, all.clone())).collect());
    assert_eq!(
        (delivered.done, delivered.failed, delivered.lost),
        ((KEYS * WRITERS * ROWS) as u64, 0, 0)
    );
    eprintln!("{isolation:?}: {dead} forgotten, {refused:?} tried again");
    Ok(())
}

#[test]
fn read_committed() -> lback::Result<()> {
    at(Isolation::ReadCommitted)
}

#[test]
fn repeatable_read() -> lback::Result<()> {
    at(Isolation::RepeatableRead)
}

#[test]
fn serializable() -> lback::Result<()> {
    at(Isolation::Serializable)
}
