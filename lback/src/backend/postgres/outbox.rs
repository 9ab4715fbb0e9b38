//! The table of the outbox on PostgreSQL.

use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryResult, RunQueryDsl};

use super::Postgres;
use crate::error::Result;
use crate::session::{
    ALL_KEYS, Bind, Claim, Claimed, ClaimedColumns, ClaimedRow, DepthRow, Insert, InsertText,
    LetterRow, OutboxTable, Parcel, Session, SessionConnection, Spelling, Sql, by_size, chunks,
    first_of_key, promotion, repeated, statements_of_the_outbox,
};

/// The statements of [`migrate_outbox`], for those who keep all migrations in one place.
pub const OUTBOX_MIGRATION: &str = include_str!("outbox.sql");

/// Creates the table `lback_outbox`, in which rows for durable receivers are stored, and its indexes, unless
/// a table of that name is found along the search path. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
///
/// ```no_run
/// let mut session = lback::postgres::connect("postgres://localhost/app")?;
/// lback::postgres::migrate_outbox(&mut session)?;
/// # lback::Result::Ok(())
/// ```
pub fn migrate_outbox<C>(session: &mut Session<C>) -> Result<()>
where
    C: SessionConnection<Backend = Pg>,
{
    session.transaction(|session| {
        // Two CREATE TABLE at once fail on the catalogue's own unique index.
        session
            .raw()
            .batch_execute("SELECT pg_advisory_xact_lock(7810966319)")?;
        if !session.raw().has_outbox()? {
            session.raw().batch_execute(OUTBOX_MIGRATION)?;
        }
        Ok(())
    })
}

impl InsertText for Pg {
    const HEAD: &'static str = "INSERT INTO lback_outbox (id, receiver, signal, version, generation, \
                                order_key, payload, due_at) VALUES ";
    const ROW: [&'static str; 7] = ["(CAST(", " AS uuid), ", ", ", ", ", ", ", ", ", ", "];
    const DUE: &'static str = ", now())";
    const HELD: &'static str = ", NULL)";
}

impl<C: Postgres> OutboxTable for C {
    // Not `clock_timestamp()`: an index is searched for what does not change while it is searched.
    const SPELLING: Spelling = Spelling {
        now: "now()",
        later: "now() + ? * INTERVAL '1 millisecond'",
        signal: "signal",
        id: "CAST(id AS text)",
        as_id: "CAST(? AS uuid)",
        number: "bigint",
        micros: |column| format!("CAST(extract(epoch FROM {column}) * 1000000 AS bigint)"),
        from_nothing: "",
        exists: "SELECT CAST(to_regclass('lback_outbox') IS NOT NULL AS int)::bigint",
    };

    statements_of_the_outbox!();

    /// A materialized CTE, because a subquery in `IN (SELECT .. LIMIT ..)` may be executed more than once,
    /// and each time find others.
    fn claim(&mut self, what: &Claim<'_>) -> QueryResult<Vec<Claimed>> {
        let first = first_of_key(what, "");
        let text = format!(
            "WITH due AS MATERIALIZED (SELECT seq FROM lback_outbox o WHERE receiver = ? AND signal = ? \
             AND due_at <= now() AND version <= ? {first} ORDER BY due_at LIMIT ? FOR UPDATE SKIP \
             LOCKED) UPDATE lback_outbox o SET due_at = now() + ? * INTERVAL '1 second', attempts = \
             attempts + 1, lease = ? FROM due WHERE o.seq = due.seq RETURNING o.seq, CAST(o.id AS \
             text), o.version, o.generation, o.order_key, o.payload, o.attempts, CAST(extract(epoch \
             FROM o.queued_at) * 1000000 AS bigint)"
        );
        let binds = [
            Bind::Text(what.receiver),
            Bind::Text(what.signal),
            Bind::Number(what.version.into()),
            Bind::Number(what.limit.into()),
            Bind::Number(what.lease.into()),
            Bind::Text(what.token),
        ];
        let found: Vec<ClaimedRow> = Sql::<ClaimedColumns>::new(&text, &binds).load(self)?;
        Ok(found.into_iter().map(Claimed::from).collect())
    }

    const TELLS_OTHERS: bool = true;

    fn tell_others(&mut self) -> QueryResult<()> {
        self.batch_execute("NOTIFY lback_outbox")
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
