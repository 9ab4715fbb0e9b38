//! The table of the outbox on SQLite.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryResult, RunQueryDsl, SqliteConnection};

use super::Session;
use crate::error::Result;
use crate::session::{
    ALL_KEYS, Bind, Claim, Claimed, ClaimedColumns, ClaimedRow, DepthRow, Insert, InsertText,
    LetterRow, OutboxTable, Parcel, Spelling, Sql, by_size, chunks, first_of_key, promotion,
    repeated, statements_of_the_outbox,
};

/// The statements of [`migrate_outbox`], for those who keep all migrations in one place.
pub const OUTBOX_MIGRATION: &str = include_str!("outbox.sql");

/// Creates the table `lback_outbox`, in which rows for durable receivers are stored, and its indexes, unless
/// the table is there. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
///
/// ```
/// let mut session = lback::sqlite::connect(":memory:")?;
/// lback::sqlite::migrate_outbox(&mut session)?;
/// # lback::Result::Ok(())
/// ```
pub fn migrate_outbox(session: &mut Session) -> Result<()> {
    session.transaction(|session| {
        if !session.raw().has_outbox()? {
            session.raw().batch_execute(OUTBOX_MIGRATION)?;
        }
        Ok(())
    })
}

/// Milliseconds since 1970. Not `unixepoch('subsec')`, which SQLite has from 3.42 on.
macro_rules! now {
    () => {
        "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    };
}

impl InsertText for Sqlite {
    const HEAD: &'static str = "INSERT INTO lback_outbox (id, receiver, signal, version, generation, \
                                order_key, payload, queued_at, due_at) VALUES ";
    const ROW: [&'static str; 7] = ["(", ", ", ", ", ", ", ", ", ", ", ", "];
    const DUE: &'static str = concat!(", ", now!(), ", ", now!(), ")");
    const HELD: &'static str = concat!(", ", now!(), ", NULL)");
}

impl OutboxTable for SqliteConnection {
    const SPELLING: Spelling = Spelling {
        now: now!(),
        later: concat!(now!(), " + ?"),
        signal: "signal",
        id: "id",
        as_id: "?",
        number: "INTEGER",
        micros: |column| format!("({column}) * 1000"),
        from_nothing: "",
        exists: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'lback_outbox'",
    };

    statements_of_the_outbox!();

    /// One statement: SQLite has one writer at a time.
    fn claim(&mut self, what: &Claim<'_>) -> QueryResult<Vec<Claimed>> {
        let (now, first) = (now!(), first_of_key(what, ""));
        let text = format!(
            "UPDATE lback_outbox SET due_at = {now} + ? * 1000, attempts = attempts + 1, lease = ? \
             WHERE seq IN (SELECT seq FROM lback_outbox o WHERE receiver = ? AND signal = ? AND due_at \
             <= {now} AND version <= ? {first} ORDER BY due_at LIMIT ?) RETURNING seq, id, version, \
             generation, order_key, payload, attempts, queued_at * 1000"
        );
        let binds = [
            Bind::Number(what.lease.into()),
            Bind::Text(what.token),
            Bind::Text(what.receiver),
            Bind::Text(what.signal),
            Bind::Number(what.version.into()),
            Bind::Number(what.limit.into()),
        ];
        let found: Vec<ClaimedRow> = Sql::<ClaimedColumns>::new(&text, &binds).load(self)?;
        Ok(found.into_iter().map(Claimed::from).collect())
    }

    fn promote(&mut self, receiver: &str, keys: &[&str]) -> QueryResult<()> {
        for chunk in chunks(keys, 64) {
            let values = repeated("(?)", ", ", chunk.len());
            let text = promotion(&format!("k (k) AS (VALUES {values})"), Self::SPELLING.now);
            let keys = chunk.iter().map(|key| Bind::Text(key));
            let binds: Vec<_> = keys.chain([Bind::Text(receiver)]).collect();
            self.run(&text, &binds)?;
        }
        Ok(())
    }

    fn sweep(&mut self, receiver: &str) -> QueryResult<()> {
        let text = promotion(ALL_KEYS, Self::SPELLING.now);
        self.run(&text, &[Bind::Text(receiver); 3])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_hundreds_of_receivers_each_that_has_something_due_is_found() -> crate::Result<()> {
        let mut session = crate::sqlite::connect(":memory:")?;
        migrate_outbox(&mut session)?;
        let ids: Vec<_> = (0..350).map(|place| format!("receiver.{place}")).collect();
        let waiting = [0, 99, 100, 101, 230, 349];
        for place in waiting {
            session.raw().batch_execute(&format!(
                "INSERT INTO lback_outbox (id, receiver, signal, version, generation, payload, queued_at, \
                 due_at) VALUES ('id', '{}', 'signal', 1, 0, '', 0, 0)",
                ids[place]
            ))?;
        }
        let all: Vec<_> = ids.iter().map(|id| (&**id, "signal")).collect();
        assert_eq!(session.raw().due(&all)?, waiting);
        Ok(())
    }
}
