//! The table of the outbox on MySQL and MariaDB.

use std::borrow::Cow;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::dsl::sql;
use diesel::mysql::Mysql;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{Connection as _, MysqlConnection, QueryResult, RunQueryDsl};

use super::{MARIADB_COLLATION, MYSQL_COLLATION, Session};
use crate::error::{Error, Result};
use crate::session::{
    Bind, Claim, Claimed, ClaimedColumns, ClaimedRow, DepthRow, Insert, InsertText, LetterRow,
    OutboxTable, Parcel, Spelling, Sql, by_size, chunks, first_of_key, repeated,
    statements_of_the_outbox,
};

/// The statement of [`migrate_outbox`] on MariaDB, for those who keep all migrations in one place. On MySQL 8
/// the collation is `utf8mb4_0900_bin`.
pub const OUTBOX_MIGRATION: &str = include_str!("outbox.sql");

/// Creates the table `lback_outbox`, in which rows for durable receivers are stored, unless it is there.
/// Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`]; [`Error::Unsupported`] inside a transaction, which CREATE TABLE would commit.
///
/// ```no_run
/// let mut session = lback::mysql::connect("mysql://app@localhost/app")?;
/// lback::mysql::migrate_outbox(&mut session)?;
/// # lback::Result::Ok(())
/// ```
pub fn migrate_outbox(session: &mut Session) -> Result<()> {
    if session.is_inside_any_transaction() {
        let what = "CREATE TABLE inside a transaction on MySQL, where it commits";
        return Err(Error::Unsupported { what: what.into() });
    }
    session.check_writable()?;
    let version: String =
        session.statement(|conn| diesel::select(sql::<Text>("version()")).get_result(conn))?;
    let migration = if version.contains("MariaDB") {
        Cow::Borrowed(OUTBOX_MIGRATION)
    } else {
        Cow::Owned(OUTBOX_MIGRATION.replace(MARIADB_COLLATION, MYSQL_COLLATION))
    };
    session.statement(|conn| conn.batch_execute(&migration))
}

impl InsertText for Mysql {
    const HEAD: &'static str = "INSERT INTO lback_outbox (id, receiver, `signal`, version, \
                                generation, order_key, payload, queued_at, due_at) VALUES ";
    const ROW: [&'static str; 7] = ["(", ", ", ", ", ", ", ", ", ", ", ", "];
    const DUE: &'static str = ", UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))";
    const HELD: &'static str = ", UTC_TIMESTAMP(6), NULL)";
}

impl OutboxTable for MysqlConnection {
    const SPELLING: Spelling = Spelling {
        now: "UTC_TIMESTAMP(6)",
        later: "UTC_TIMESTAMP(6) + INTERVAL ? * 1000 MICROSECOND",
        signal: "`signal`",
        id: "id",
        as_id: "?",
        number: "SIGNED",
        micros: |column| format!("TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {column})"),
        from_nothing: "FROM DUAL",
        exists: "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND \
                 table_name = 'lback_outbox'",
    };

    statements_of_the_outbox!();

    /// At READ COMMITTED. At REPEATABLE READ, the database's own level, all rows that are looked at and the
    /// gaps between them stay locked: claims meet in deadlocks, and those who write wait.
    fn claim(&mut self, what: &Claim<'_>) -> QueryResult<Vec<Claimed>> {
        let status = AnsiTransactionManager::transaction_manager_status_mut(self);
        // Inside the transaction of a test there is nobody else.
        if matches!(status.transaction_depth(), Ok(None)) {
            self.batch_execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
        }
        self.transaction(|conn| claim(conn, what))
    }

    fn promote(&mut self, receiver: &str, keys: &[&str]) -> QueryResult<()> {
        for chunk in chunks(keys, 64) {
            let of = repeated("SELECT ? AS k", " UNION ALL ", chunk.len());
            let keys = chunk.iter().map(|key| Bind::Text(key));
            let binds: Vec<_> = [Bind::Text(receiver)].into_iter().chain(keys).collect();
            make_first_due(self, &of, &binds)?;
        }
        Ok(())
    }

    fn sweep(&mut self, receiver: &str) -> QueryResult<()> {
        let of = "SELECT DISTINCT order_key AS k FROM lback_outbox WHERE receiver = ? AND order_key IS \
                  NOT NULL";
        make_first_due(self, of, &[Bind::Text(receiver); 2])
    }
}

/// Where the first row of a key is looked for. For ORDER BY `seq` with LIMIT 1, MariaDB may read the whole table in the
/// order of its primary key instead, for each key.
const BY_INDEX: &str = " FORCE INDEX (lback_outbox_order)";

fn claim(conn: &mut MysqlConnection, what: &Claim<'_>) -> QueryResult<Vec<Claimed>> {
    let first = first_of_key(what, BY_INDEX);
    let text = format!(
        "SELECT seq, id, version, generation, order_key, payload, attempts + 1, \
         CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', queued_at) AS SIGNED) FROM lback_outbox o WHERE \
         receiver = ? AND `signal` = ? AND due_at <= UTC_TIMESTAMP(6) AND version <= ? {first} ORDER BY \
         due_at LIMIT ? FOR UPDATE SKIP LOCKED"
    );
    let binds = [
        Bind::Text(what.receiver),
        Bind::Text(what.signal),
        Bind::Number(what.version.into()),
        Bind::Number(what.limit.into()),
    ];
    let found: Vec<ClaimedRow> = Sql::<ClaimedColumns>::new(&text, &binds).load(conn)?;
    let seqs: Vec<_> = found.iter().map(|row| row.0).collect();
    // By the primary key: what a statement looks at, InnoDB locks.
    for chunk in chunks(&seqs, 128) {
        let places = repeated("?", ", ", chunk.len());
        let text = format!(
            "UPDATE lback_outbox SET due_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND, attempts = \
             attempts + 1, lease = ? WHERE seq IN ({places})"
        );
        let binds: Vec<_> = [Bind::Number(what.lease.into()), Bind::Text(what.token)]
            .into_iter()
            .chain(chunk.iter().map(|seq| Bind::Number(*seq)))
            .collect();
        conn.run(&text, &binds)?;
    }
    Ok(found.into_iter().map(Claimed::from).collect())
}

/// The first row of each of these keys becomes due. Two steps, for what an UPDATE looks at, the engine locks;
/// and by then a row may be another's affair, so it is asked again.
fn make_first_due(conn: &mut MysqlConnection, of: &str, binds: &[Bind<'_>]) -> QueryResult<()> {
    let text = format!(
        "SELECT (SELECT e.seq FROM lback_outbox e{BY_INDEX} WHERE e.receiver = ? AND e.order_key = k.k ORDER BY \
         e.seq LIMIT 1) FROM ({of}) k"
    );
    let firsts: Vec<_> = conn.numbers(&text, binds)?.into_iter().flatten().collect();
    for chunk in chunks(&firsts, 64) {
        let places = repeated("?", ", ", chunk.len());
        let text = format!(
            "UPDATE lback_outbox SET due_at = UTC_TIMESTAMP(6) WHERE due_at IS NULL AND dead_at IS NULL \
             AND seq IN ({places})"
        );
        let binds: Vec<_> = chunk.iter().map(|seq| Bind::Number(*seq)).collect();
        conn.run(&text, &binds)?;
    }
    Ok(())
}
