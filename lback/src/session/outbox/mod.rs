//! The table of the outbox, as a connection sees it: what is written, claimed, finished and listed.
//!
//! A row is claimed with a token, its lease, and whoever does something to a claimed row names that token:
//! if it is another's by now, nothing happens. All times are those of the database.

mod insert;
mod sql;

use std::time::{Duration, SystemTime};

use diesel::QueryResult;

pub(crate) use self::insert::{Insert, InsertText, all_stored, by_size};
pub(crate) use self::sql::{Bind, Sql, chunks, repeated};
use super::ledger::Parcel;

/// How a database spells what the statements of the outbox are made of.
#[derive(Debug)]
pub struct Spelling {
    /// The instant of the statement, or of its transaction.
    pub now: &'static str,
    /// That instant, and so many milliseconds.
    pub later: &'static str,
    /// The column `signal`, whose name is a word of SQL somewhere.
    pub signal: &'static str,
    /// The column `id`, as text.
    pub id: &'static str,
    /// A text as an id.
    pub as_id: &'static str,
    /// The integer type of CAST.
    pub number: &'static str,
    /// A column with an instant, in microseconds since 1970.
    pub micros: fn(&str) -> String,
    /// The table of a question about no table.
    pub from_nothing: &'static str,
    /// Asks whether the table of the outbox is there.
    pub exists: &'static str,
}

/// What is asked for by a claim.
#[derive(Debug)]
pub struct Claim<'a> {
    pub(crate) receiver: &'a str,
    pub(crate) signal: &'a str,
    /// Newer rows are not understood.
    pub(crate) version: u32,
    pub(crate) token: &'a str,
    /// Seconds.
    pub(crate) lease: u32,
    pub(crate) limit: u32,
    /// Whether only the first row of a key may be claimed.
    pub(crate) is_ordered: bool,
}

/// A row that was claimed.
#[derive(Debug)]
pub struct Claimed {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) generation: u32,
    pub(crate) key: Option<String>,
    pub(crate) payload: String,
    /// This one included.
    pub(crate) attempts: u32,
    pub(crate) queued_at: SystemTime,
}

/// A row as it comes from the database: seq, id, version, generation, key, payload, attempts, queued at.
pub(crate) type ClaimedRow = (i64, String, i64, i64, Option<String>, String, i64, i64);

impl From<ClaimedRow> for Claimed {
    fn from((seq, id, version, generation, key, payload, attempts, queued_at): ClaimedRow) -> Self {
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            seq,
            id,
            version: small(version),
            generation: small(generation),
            key,
            payload,
            attempts: small(attempts),
            queued_at: instant(queued_at),
        }
    }
}

/// The longest that a row is put off: no database can say when all that a `Duration` can say is over.
const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The instant so many microseconds after 1970.
pub(crate) fn instant(micros: i64) -> SystemTime {
    let micros = u64::try_from(micros).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

/// receiver, signal, ready, scheduled, running, held, dead, microseconds that the first has been due.
pub(crate) type DepthRow = (String, String, i64, i64, i64, i64, i64, i64);

/// id, receiver, signal, attempts, queued at, dead at, last error, payload.
pub(crate) type LetterRow = (String, String, String, i64, i64, i64, String, String);

/// The statements of the outbox.
#[doc(hidden)]
pub trait OutboxTable: Sized {
    const SPELLING: Spelling;

    /// Writes rows: due at once, or held.
    fn insert(&mut self, parcels: &[&Parcel], is_held: bool) -> QueryResult<()>;

    /// Claims rows that are due, in whatever order.
    fn claim(&mut self, what: &Claim<'_>) -> QueryResult<Vec<Claimed>>;

    /// Of each key, the first row becomes due, unless it is, or is a dead letter.
    fn promote(&mut self, receiver: &str, keys: &[&str]) -> QueryResult<()>;

    /// The same for all keys of a receiver.
    fn sweep(&mut self, receiver: &str) -> QueryResult<()>;

    /// Whether [`tell_others`](Self::tell_others) does anything.
    const TELLS_OTHERS: bool = false;

    /// Wakes up workers in other processes.
    fn tell_others(&mut self) -> QueryResult<()> {
        Ok(())
    }

    fn run(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<usize>;
    fn numbers(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<Option<i64>>>;
    fn depth_rows(&mut self, text: &str) -> QueryResult<Vec<DepthRow>>;
    fn letter_rows(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<LetterRow>>;
    fn keys(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<(String, String)>>;

    /// Whether the table is there.
    fn has_outbox(&mut self) -> QueryResult<bool> {
        let found = self.numbers(Self::SPELLING.exists, &[])?;
        Ok(found.into_iter().flatten().any(|found| found != 0))
    }

    /// Which of these receivers, as id and signal, have something due: their places in the list.
    fn due(&mut self, receivers: &[(&str, &str)]) -> QueryResult<Vec<usize>> {
        let Spelling {
            now,
            signal,
            number,
            from_nothing,
            ..
        } = Self::SPELLING;
        let mut found = Vec::new();
        // SQLite takes 500 parts at most.
        for (chunk, part) in receivers.chunks(100).enumerate() {
            let one = |place: usize| {
                format!(
                    "SELECT CAST({place} AS {number}) AS place {from_nothing} WHERE EXISTS (SELECT 1 \
                     FROM lback_outbox WHERE receiver = ? AND {signal} = ? AND due_at <= {now})"
                )
            };
            let texts: Vec<_> = (0..part.len()).map(one).collect();
            let binds: Vec<_> = part
                .iter()
                .flat_map(|(id, signal)| [Bind::Text(id), Bind::Text(signal)])
                .collect();
            let places = self.numbers(&texts.join(" UNION ALL "), &binds)?;
            let places = places.into_iter().flatten();
            found.extend(
                places.filter_map(|place| Some(chunk * 100 + usize::try_from(place).ok()?)),
            );
        }
        Ok(found)
    }

    /// Delivered: the rows go. Says how many were still held by this token.
    fn finish(&mut self, seqs: &[i64], token: &str) -> QueryResult<usize> {
        let mut gone = 0;
        for chunk in chunks(seqs, 128) {
            let places = repeated("?", ", ", chunk.len());
            let text = format!("DELETE FROM lback_outbox WHERE lease = ? AND seq IN ({places})");
            let binds: Vec<_> = std::iter::once(Bind::Text(token))
                .chain(chunk.iter().map(|seq| Bind::Number(*seq)))
                .collect();
            gone += self.run(&text, &binds)?;
        }
        Ok(gone)
    }

    /// Due again after a while, a century at most. Without an error the attempt is given back.
    fn put_off(
        &mut self,
        seq: i64,
        token: &str,
        after: Duration,
        error: Option<&str>,
    ) -> QueryResult<usize> {
        let later = Self::SPELLING.later;
        let text = format!(
            "UPDATE lback_outbox SET due_at = {later}, attempts = attempts - ?, lease = NULL, \
             last_error = COALESCE(?, last_error) WHERE seq = ? AND lease = ?"
        );
        let binds = [
            Bind::Number(i64::try_from(after.min(A_CENTURY).as_millis()).unwrap_or_default()),
            Bind::Number(error.is_none().into()),
            Bind::Maybe(error),
            Bind::Number(seq),
            Bind::Text(token),
        ];
        self.run(&text, &binds)
    }

    /// A dead letter.
    fn bury(&mut self, seq: i64, token: &str, error: &str) -> QueryResult<usize> {
        let now = Self::SPELLING.now;
        let text = format!(
            "UPDATE lback_outbox SET due_at = NULL, dead_at = {now}, lease = NULL, last_error = ? \
             WHERE seq = ? AND lease = ?"
        );
        let binds = [Bind::Text(error), Bind::Number(seq), Bind::Text(token)];
        self.run(&text, &binds)
    }

    /// What this receiver would be given later, it is given now.
    fn hurry(&mut self, receiver: &str, signal: &str) -> QueryResult<usize> {
        let Spelling {
            now, signal: of, ..
        } = Self::SPELLING;
        let text = format!(
            "UPDATE lback_outbox SET due_at = {now} WHERE receiver = ? AND {of} = ? AND due_at > {now} \
             AND lease IS NULL"
        );
        self.run(&text, &[Bind::Text(receiver), Bind::Text(signal)])
    }

    /// How many rows there are, by receiver and state.
    fn depths(&mut self) -> QueryResult<Vec<DepthRow>> {
        let Spelling {
            now,
            signal,
            number,
            micros,
            ..
        } = Self::SPELLING;
        let count =
            |state: &str| format!("CAST(SUM(CASE WHEN {state} THEN 1 ELSE 0 END) AS {number})");
        let is_ready = format!("due_at <= {now}");
        let counts = [
            is_ready.clone(),
            format!("due_at > {now} AND lease IS NULL"),
            format!("due_at > {now} AND lease IS NOT NULL"),
            "due_at IS NULL AND dead_at IS NULL".to_owned(),
            "dead_at IS NOT NULL".to_owned(),
        ]
        .map(|state| count(&state))
        .join(", ");
        let (now_micros, due_micros) = (micros(now), micros("due_at"));
        let lag = format!(
            "CAST(COALESCE(MAX(CASE WHEN {is_ready} THEN {now_micros} - {due_micros} END), 0) AS \
             {number})"
        );
        self.depth_rows(&format!(
            "SELECT receiver, {signal}, {counts}, {lag} FROM lback_outbox GROUP BY receiver, \
             {signal} ORDER BY 1, 2"
        ))
    }

    /// The dead letters, the oldest first.
    fn letters(&mut self, most: u32) -> QueryResult<Vec<LetterRow>> {
        let Spelling {
            signal,
            id,
            number,
            micros,
            ..
        } = Self::SPELLING;
        let (queued_at, dead_at) = (micros("queued_at"), micros("dead_at"));
        let text = format!(
            "SELECT {id}, receiver, {signal}, CAST(attempts AS {number}), CAST({queued_at} AS \
             {number}), CAST({dead_at} AS {number}), COALESCE(last_error, ''), payload FROM \
             lback_outbox WHERE dead_at IS NOT NULL ORDER BY dead_at, seq LIMIT ?"
        );
        self.letter_rows(&text, &[Bind::Number(most.into())])
    }

    /// A dead letter is due again, with all its attempts before it.
    fn replay(&mut self, id: &str) -> QueryResult<usize> {
        let Spelling { now, as_id, .. } = Self::SPELLING;
        let text = format!(
            "UPDATE lback_outbox SET due_at = {now}, dead_at = NULL, attempts = 0 WHERE dead_at IS \
             NOT NULL AND id = {as_id}"
        );
        self.run(&text, &[Bind::Text(id)])
    }

    /// A dead letter goes.
    fn discard(&mut self, id: &str) -> QueryResult<usize> {
        let as_id = Self::SPELLING.as_id;
        let of_key = format!(
            "SELECT receiver, order_key FROM lback_outbox WHERE dead_at IS NOT NULL AND order_key IS \
             NOT NULL AND id = {as_id}"
        );
        let held_up = self.keys(&of_key, &[Bind::Text(id)])?;
        let text = format!("DELETE FROM lback_outbox WHERE dead_at IS NOT NULL AND id = {as_id}");
        let gone = self.run(&text, &[Bind::Text(id)])?;
        for (receiver, key) in held_up {
            self.promote(&receiver, &[&key])?;
        }
        Ok(gone)
    }
}

/// What is the same text on every connection, and needs the connection's own type.
#[allow(unused_macros)] // unused without any database
macro_rules! statements_of_the_outbox {
    // As many rows as one statement may have, of all that `chunks` gives.
    () => {
        statements_of_the_outbox!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 32 64 128);
    };
    ($($rows:literal)*) => {
        fn insert(&mut self, parcels: &[&Parcel], is_held: bool) -> QueryResult<()> {
            for part in by_size(parcels) {
                for chunk in chunks(part, 128) {
                    match (chunk.len(), is_held) {
                        $(
                            ($rows, false) => {
                                let stored =
                                    self.execute_returning_count(&Insert::<$rows, false>(chunk))?;
                                $crate::session::all_stored(stored, chunk)?;
                            }
                            ($rows, true) => {
                                let stored =
                                    self.execute_returning_count(&Insert::<$rows, true>(chunk))?;
                                $crate::session::all_stored(stored, chunk)?;
                            }
                        )*
                        // `chunks` gives no other.
                        (_, _) => {}
                    }
                }
            }
            Ok(())
        }

        fn run(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<usize> {
            Sql::<()>::new(text, binds).execute(self)
        }

        fn numbers(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<Option<i64>>> {
            Sql::<Nullable<BigInt>>::new(text, binds).load(self)
        }

        fn depth_rows(&mut self, text: &str) -> QueryResult<Vec<DepthRow>> {
            Sql::<(Text, Text, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt)>::new(text, &[])
                .load(self)
        }

        fn letter_rows(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<LetterRow>> {
            Sql::<(Text, Text, Text, BigInt, BigInt, BigInt, Text, Text)>::new(text, binds)
                .load(self)
        }

        fn keys(&mut self, text: &str, binds: &[Bind<'_>]) -> QueryResult<Vec<(String, String)>> {
            Sql::<(Text, Text)>::new(text, binds).load(self)
        }
    };
}

/// The SQL types of a [`ClaimedRow`].
pub(crate) type ClaimedColumns = (
    diesel::sql_types::BigInt,
    diesel::sql_types::Text,
    diesel::sql_types::BigInt,
    diesel::sql_types::BigInt,
    diesel::sql_types::Nullable<diesel::sql_types::Text>,
    diesel::sql_types::Text,
    diesel::sql_types::BigInt,
    diesel::sql_types::BigInt,
);

/// What a claim asks beyond that a row is due: of an ordered receiver, that it is the first of its key. By the
/// first of an index, and not by NOT EXISTS, which looks at all rows of the key. `hint` stands behind the table.
pub(crate) fn first_of_key(claim: &Claim<'_>, hint: &str) -> String {
    if claim.is_ordered {
        format!(
            "AND seq = (SELECT e.seq FROM lback_outbox e{hint} WHERE e.receiver = o.receiver AND e.order_key = \
             o.order_key ORDER BY e.seq LIMIT 1)"
        )
    } else {
        String::new()
    }
}

/// The statement that makes the first row of each key due, where UPDATE may look at its own table: of the keys
/// that `keys` lists as a table `k (k)`.
pub(crate) fn promotion(keys: &str, now: &str) -> String {
    format!(
        "WITH {keys} UPDATE lback_outbox SET due_at = {now} WHERE due_at IS NULL AND dead_at IS NULL AND \
         seq IN (SELECT (SELECT e.seq FROM lback_outbox e WHERE e.receiver = ? AND e.order_key = k.k ORDER \
         BY e.seq LIMIT 1) FROM k WHERE k.k IS NOT NULL)"
    )
}

/// All keys of a receiver, each found behind the one before it, so that rows between them cost nothing.
pub(crate) const ALL_KEYS: &str = "RECURSIVE k (k) AS (SELECT * FROM (SELECT order_key FROM lback_outbox \
    WHERE receiver = ? AND order_key IS NOT NULL ORDER BY order_key LIMIT 1) first UNION ALL SELECT \
    (SELECT n.order_key FROM lback_outbox n WHERE n.receiver = ? AND n.order_key > k.k ORDER BY n.order_key \
    LIMIT 1) FROM k WHERE k.k IS NOT NULL)";

#[allow(unused_imports)]
pub(crate) use statements_of_the_outbox;
