//! By Diesel alone, with the same statements.

use std::time::{Duration, Instant};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};

use super::{Letter, letter, letters};
use crate::ours::How;

diesel::table! {
    lback_outbox (seq) {
        seq -> BigInt,
        id -> Uuid,
        receiver -> Text,
        signal -> Text,
        version -> BigInt,
        generation -> BigInt,
        order_key -> Nullable<Text>,
        payload -> Text,
    }
}

#[derive(Insertable)]
#[diesel(table_name = lback_outbox)]
struct Row<'a> {
    id: uuid::Uuid,
    receiver: &'a str,
    signal: &'a str,
    version: i64,
    generation: i64,
    order_key: Option<&'a str>,
    payload: String,
}

const RECEIVERS: [&str; 6] = [
    "bench.1", "bench.2", "bench.3", "bench.4", "bench.5", "bench.6",
];

/// One row for each of so many receivers, in the transaction of the letter.
pub(super) fn create(conn: &mut PgConnection, receivers: usize) {
    let insert = |conn: &mut PgConnection| {
        diesel::insert_into(letters::table)
            .values(letter())
            .returning(Letter::as_returning())
            .get_result(conn)
    };
    let stored = conn.transaction(|conn| {
        let letter: Letter = insert(conn)?;
        let payload = format!("{{\"letter\":{}}}", serde_json::to_string(&letter).unwrap());
        let row = |receiver| Row {
            id: random(),
            receiver,
            signal: "letter_post_create",
            version: 1,
            generation: 1,
            order_key: None,
            payload: payload.clone(),
        };
        // Of a fixed length, so that Diesel keeps the statement prepared.
        if receivers == 1 {
            let rows = [row(RECEIVERS[0])];
            diesel::insert_into(lback_outbox::table)
                .values(rows)
                .execute(conn)
        } else {
            let rows = RECEIVERS.map(row);
            diesel::insert_into(lback_outbox::table)
                .values(rows)
                .execute(conn)
        }
    });
    assert_eq!(stored.unwrap(), receivers);
}

fn random() -> uuid::Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

enum Bind<'a> {
    Text(&'a str),
    Number(i64),
}

/// A statement that Diesel keeps prepared under its text.
struct Sql<'a>(&'a str, Vec<Bind<'a>>);

impl QueryId for Sql<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = (
        BigInt,
        Text,
        BigInt,
        BigInt,
        Nullable<Text>,
        Text,
        BigInt,
        BigInt,
    );
}

impl RunQueryDsl<PgConnection> for Sql<'_> {}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut parts = self.0.split('?');
        out.push_sql(parts.next().unwrap());
        for (part, bind) in parts.zip(&self.1) {
            match bind {
                Bind::Text(text) => out.push_bind_param::<Text, str>(text)?,
                Bind::Number(number) => out.push_bind_param::<BigInt, i64>(number)?,
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

type Claimed = (i64, String, i64, i64, Option<String>, String, i64, i64);

const CLAIM: &str = "WITH due AS MATERIALIZED (SELECT seq FROM lback_outbox o WHERE receiver = ? AND signal = ? AND \
    due_at <= now() AND version <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED) UPDATE lback_outbox o SET \
    due_at = now() + ? * INTERVAL '1 second', attempts = attempts + 1, lease = ? FROM due WHERE o.seq = due.seq \
    RETURNING o.seq, CAST(o.id AS text), o.version, o.generation, o.order_key, o.payload, o.attempts, CAST(extract(\
    epoch FROM o.queued_at) * 1000000 AS bigint)";

/// Claims, reads and finishes, until nothing is due.
pub(super) fn deliver(url: &str, how: How) -> Duration {
    let mut conn = PgConnection::establish(url).expect("the server answers");
    let begun = Instant::now();
    loop {
        let lease = random().to_string();
        let binds = vec![
            Bind::Text(how.receiver()),
            Bind::Text("letter_post_create"),
            Bind::Number(1),
            Bind::Number(how.claim().into()),
            Bind::Number(60),
            Bind::Text(&lease),
        ];
        let rows: Vec<Claimed> = Sql(CLAIM, binds).load(&mut conn).unwrap();
        if rows.is_empty() {
            return begun.elapsed();
        }
        let seqs: Vec<_> = rows.iter().map(|row| row.0).collect();
        let read = |row: &Claimed| {
            #[derive(serde::Deserialize)]
            struct Arguments {
                letter: Letter,
            }
            let arguments: Arguments = serde_json::from_str(&row.5).unwrap();
            assert!(arguments.letter.id > 0);
        };
        match how {
            How::AtLeastOnce(_) => {
                rows.iter().for_each(read);
                seqs.chunks(128)
                    .for_each(|seqs| finish(&mut conn, &lease, seqs));
            }
            How::Alone => {
                for (row, seq) in rows.iter().zip(&seqs) {
                    let one = conn.transaction(|conn| {
                        finish(conn, &lease, std::slice::from_ref(seq));
                        read(row);
                        QueryResult::Ok(())
                    });
                    one.unwrap();
                }
            }
            How::Batch => {
                let all = conn.transaction(|conn| {
                    finish(conn, &lease, &seqs);
                    rows.iter().for_each(read);
                    QueryResult::Ok(())
                });
                all.unwrap();
            }
        }
    }
}

fn finish(conn: &mut PgConnection, lease: &str, seqs: &[i64]) {
    let places = vec!["?"; seqs.len()].join(", ");
    let text = format!("DELETE FROM lback_outbox WHERE lease = ? AND seq IN ({places})");
    let binds = std::iter::once(Bind::Text(lease)).chain(seqs.iter().map(|seq| Bind::Number(*seq)));
    let gone = Sql(&text, binds.collect()).execute(conn).unwrap();
    assert_eq!(gone, seqs.len());
}
