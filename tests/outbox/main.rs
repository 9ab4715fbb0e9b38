//! What durable receivers cost on PostgreSQL: `create` beside raw Diesel that stores the same rows, delivery beside
//! raw Diesel with the same statements, and a claim among rows of others.
//!
//! `LBACK_TEST_POSTGRES_URL=.. lback-tests-outbox create|deliver|claim` prints a table; `measure` runs it.
//! The rivals take turns, and of each the best round is printed.

// It measures, and ends where something is wrong.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod ours;
mod raw;

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use lback::postgres::prelude::*;

use self::ours::How;

/// Rows that are delivered in a round.
const ROWS: u64 = 20_000;

/// What is stored and told.
#[derive(
    Clone, Debug, Queryable, Selectable, Identifiable, serde::Serialize, serde::Deserialize,
)]
#[diesel(table_name = letters)]
struct Letter {
    id: i64,
    address: String,
    body: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = letters)]
struct NewLetter {
    address: String,
    body: String,
}

diesel::table! {
    letters (id) {
        id -> BigInt,
        address -> Text,
        body -> Text,
    }
}

fn letter() -> NewLetter {
    NewLetter {
        address: "ada@example.com".to_owned(),
        body: "An ordinary letter of some sixty letters, as others write too.".to_owned(),
    }
}

fn main() {
    let server = std::env::var("LBACK_TEST_POSTGRES_URL").expect("LBACK_TEST_POSTGRES_URL is set");
    let mut admin = PgConnection::establish(&server).expect("the server answers");
    let schema = format!("outbox_{}", std::process::id());
    admin
        .batch_execute(&format!("CREATE SCHEMA {schema}"))
        .expect("the user may create schemas");
    let url = format!("{server}?options=-csearch_path%3D{schema}");
    let mut conn = PgConnection::establish(&url).expect("the server answers");
    conn.batch_execute(
        "CREATE TABLE letters (id BIGSERIAL PRIMARY KEY, address TEXT NOT NULL, body TEXT NOT NULL)",
    )
    .unwrap();
    conn.batch_execute(lback::postgres::OUTBOX_MIGRATION)
        .unwrap();
    match std::env::args().nth(1).as_deref() {
        Some("create") => create(&url, &mut conn),
        Some("deliver") => deliver(&url, &mut conn),
        Some("claim") => claim(&url, &mut conn),
        other => eprintln!("create, deliver or claim, and not {other:?}"),
    }
    admin
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .expect("it is ours");
}

fn create(url: &str, conn: &mut PgConnection) {
    const CALLS: u32 = 300;
    println!("| durable receivers | lback | raw Diesel | ratio |\n|--:|--:|--:|--:|");
    for receivers in [1, 6] {
        let mut session = ours::session(url, receivers);
        let mut raw = PgConnection::establish(url).unwrap();
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        for round in 0..40 {
            for turn in 0..2 {
                if (round + turn) % 2 == 0 {
                    let begun = Instant::now();
                    for _ in 0..CALLS {
                        ours::create(&mut session);
                    }
                    ours = ours.min(begun.elapsed() / CALLS);
                } else {
                    let begun = Instant::now();
                    for _ in 0..CALLS {
                        raw::create(&mut raw, receivers);
                    }
                    theirs = theirs.min(begun.elapsed() / CALLS);
                }
            }
            conn.batch_execute("TRUNCATE letters, lback_outbox")
                .unwrap();
        }
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("| {receivers} | {ours:.1?} | {theirs:.1?} | {ratio:.2} |");
    }
}

fn deliver(url: &str, conn: &mut PgConnection) {
    println!("| | lback, rows a second | raw Diesel | ratio |\n|---|--:|--:|--:|");
    for how in How::ALL {
        let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
        for round in 0..6 {
            fill(conn, how.receiver(), ROWS);
            if round % 2 == 0 {
                ours = ours.max(ROWS as f64 / ours::deliver(url, how, ROWS).as_secs_f64());
            } else {
                theirs = theirs.max(ROWS as f64 / raw::deliver(url, how).as_secs_f64());
            }
        }
        let ratio = ours / theirs;
        println!("| {} | {ours:.0} | {theirs:.0} | {ratio:.2} |", how.name());
    }
}

/// Delivers among dead letters of the same receiver, rows of one that nobody has, and rows that are held, a third each.
fn claim(url: &str, conn: &mut PgConnection) {
    println!("| rows of others | a row, claims of 32 |\n|--:|--:|");
    for others in [0, 10_000, 1_000_000] {
        let how = How::ALL[0];
        let mut best = Duration::MAX;
        conn.batch_execute("TRUNCATE lback_outbox").unwrap();
        add(conn, how.receiver(), "NULL", "NULL", "now()", others / 3);
        add(conn, "bench.nobody", "NULL", "now()", "NULL", others / 3);
        add(conn, "bench.held", "'held'", "NULL", "NULL", others / 3);
        for _ in 0..5 {
            add(conn, how.receiver(), "NULL", "now()", "NULL", 5_000);
            conn.batch_execute("VACUUM ANALYZE lback_outbox").unwrap();
            best = best.min(ours::deliver(url, how, 5_000) / 5_000);
        }
        println!("| {others} | {best:.1?} |");
    }
}

fn fill(conn: &mut PgConnection, receiver: &str, rows: u64) {
    conn.batch_execute("TRUNCATE lback_outbox").unwrap();
    add(conn, receiver, "NULL", "now()", "NULL", rows);
    conn.batch_execute("VACUUM ANALYZE lback_outbox").unwrap();
}

fn add(conn: &mut PgConnection, receiver: &str, key: &str, due: &str, dead: &str, rows: u64) {
    let payload = serde_json::json!({"letter": {"id": 1, "address": "ada@example.com", "body": letter().body}});
    let text = format!(
        "INSERT INTO lback_outbox (id, receiver, signal, version, generation, order_key, payload, due_at, dead_at) \
         SELECT gen_random_uuid(), '{receiver}', 'letter_post_create', 1, 1, {key}, '{payload}', {due}, {dead} \
         FROM generate_series(1, {rows})"
    );
    conn.batch_execute(&text).unwrap();
}
