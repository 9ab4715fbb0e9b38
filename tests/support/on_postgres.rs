// Included by each way to PostgreSQL: fresh schemas on a server.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};

use crate::proxy::Proxy;
use crate::server;
use crate::wire::{Protocol, Wire};

/// A key that the database makes, in CREATE TABLE.
pub const MADE_KEY: &str = "BIGSERIAL PRIMARY KEY";

/// What a test prints about where it ran.
pub const NAME: &str = "PostgreSQL";

/// What makes the server give a client up that is late in a transaction, and how late that is.
pub const IMPATIENCE: (&str, Duration) = (
    "SET idle_in_transaction_session_timeout = '20ms'",
    Duration::from_millis(60),
);

/// A schema of the test's own, gone with it.
pub struct Database {
    server: String,
    schema: String,
}

impl Database {
    /// A schema with the built-in tables and the table `notes`; `None` if there is no server.
    pub fn fresh() -> Option<Self> {
        let database = Self::empty()?;
        driver::migrate(&mut database.session()).expect("an empty schema can be migrated");
        database
            .connection()
            .batch_execute(
                "CREATE TABLE notes (\
                 id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what TEXT NOT NULL)",
            )
            .expect("the table is new");
        Some(database)
    }

    /// As [`fresh`](Self::fresh), with the table of the outbox.
    pub fn with_outbox() -> Option<Self> {
        let database = Self::fresh()?;
        migrate_outbox(&mut database.session()).expect("there is no such table");
        Some(database)
    }

    /// A schema without any table; `None` if there is no server.
    pub fn empty() -> Option<Self> {
        let database = Self {
            server: server::url("LBACK_TEST_POSTGRES_URL")?,
            schema: server::fresh_name(),
        };
        database.as_owner(&format!("CREATE SCHEMA {}", database.schema));
        Some(database)
    }

    /// The address, with the schema in it.
    pub fn url(&self) -> String {
        format!("{}?options=-csearch_path%3D{}", self.server, self.schema)
    }

    /// One more session on it.
    pub fn session(&self) -> Session {
        driver::connect(&self.url()).expect("the server answers")
    }

    /// A session that does not wait for the disk: the servers of the tests never do.
    pub fn hasty_session(&self) -> Session {
        self.session()
    }

    /// One more plain connection to it.
    pub fn connection(&self) -> Native {
        Native::establish(&self.url()).expect("the server answers")
    }

    /// A proxy in front of the server, and the address through it.
    pub fn through_a_proxy(&self) -> (Proxy, String) {
        let url = self.url();
        let (before, server, behind) = server::parts(&url, 5432);
        let proxy = Proxy::to(&server);
        let url = format!("{before}{}{behind}", proxy.address());
        (proxy, url)
    }

    /// A wire to the server that breaks when told to, and the address through it.
    pub fn over_a_wire(&self) -> (Wire, String) {
        let url = self.url();
        let (before, server, behind) = server::parts(&url, 5432);
        let wire = Wire::to(&server, Protocol::Postgres);
        // Encrypted messages could not be told apart.
        let url = format!("{before}{}{behind}&{UNENCRYPTED}", wire.address());
        (wire, url)
    }

    fn as_owner(&self, statement: &str) {
        let mut connection = Native::establish(&self.server).expect("the server answers");
        connection
            .batch_execute(statement)
            .expect("the user may create schemas");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut connection) = Native::establish(&self.server) {
            let statement = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema);
            // A test that left a transaction open must not hang here.
            let _ = connection.batch_execute("SET lock_timeout = '2s'");
            let _ = connection.batch_execute(&statement);
        }
    }
}

/// The server's number for a connection.
pub fn number_of(conn: &mut Native) -> i64 {
    let number = sql::<BigInt>("pg_backend_pid()::bigint");
    diesel::select(number)
        .get_result(conn)
        .expect("the server answers")
}

/// Waits until the server has done with the connection with this number.
pub fn wait_until_gone(conn: &mut Native, number: i64) {
    let is_there = format!("EXISTS (SELECT FROM pg_stat_activity WHERE pid = {number})");
    server::wait_until("the connection is gone", || {
        !diesel::select(sql::<Bool>(&is_there))
            .get_result::<bool>(conn)
            .expect("the server answers")
    });
}

/// Ends the connection with this number, and waits until it is gone.
pub fn kill(conn: &mut Native, number: i64) {
    let killed = diesel::sql_query(format!("SELECT pg_terminate_backend({number})")).execute(conn);
    killed.expect("the user may end connections");
    wait_until_gone(conn, number);
}

/// Whether the connection with this number waits for a lock.
pub fn waits_for_a_lock(conn: &mut Native, number: i64) -> bool {
    let waits = format!(
        "EXISTS (SELECT FROM pg_stat_activity WHERE pid = {number} AND wait_event_type = 'Lock')"
    );
    diesel::select(sql::<Bool>(&waits))
        .get_result(conn)
        .expect("the server answers")
}

/// Makes sure that a deadlock is broken at the other connection's cost.
pub fn outlast_deadlocks(conn: &mut Native) {
    conn.batch_execute("SET deadlock_timeout = '1h'")
        .expect("a setting");
}

/// The table of the users under collations that take different names for one.
pub fn blurred_tables() -> Vec<String> {
    let collation = "CREATE COLLATION blurred \
                     (provider = icu, locale = 'und-u-ks-level1', deterministic = false);";
    let table = driver::MIGRATION.replace("VARCHAR", "VARCHAR COLLATE blurred");
    vec![format!("{collation}{table}")]
}

/// How the database would run a statement, if the table were large.
pub fn plan(connection: &mut Native, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
        detail: String,
    }
    diesel::sql_query("SET enable_seqscan = off")
        .execute(connection)
        .expect("it is a setting");
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN {statement}"))
        .load(connection)
        .expect("it is a statement");
    steps.into_iter().map(|step| step.detail).collect()
}

/// How many rows of the outbox the database has looked at for this connection and those that have ended, or entries
/// of its indexes.
pub fn rows_looked_at(connection: &mut Native) -> Option<i64> {
    // What was counted goes to all at the end of a statement, and not more often than once a second.
    connection
        .batch_execute("SELECT pg_stat_force_next_flush()")
        .expect("PostgreSQL 15");
    connection.batch_execute("SELECT 1").expect("it is a statement");
    let counted = "SELECT seq_tup_read + (SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid \
                   = t.relid) FROM pg_stat_user_tables t WHERE relid = CAST('lback_outbox' AS regclass)";
    let counted = sql::<BigInt>(&format!("CAST(({counted}) AS bigint)"));
    let counted = diesel::select(counted).get_result(connection);
    Some(counted.expect("the server answers"))
}
