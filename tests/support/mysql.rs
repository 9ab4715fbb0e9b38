//! Fresh databases on a MySQL or MariaDB server.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
pub use lback::mysql::{Set, prelude::*, users::*};
pub use lback::mysql::{cascades, connect, migrate, migrate_outbox};

use crate::proxy::Proxy;
use crate::server;
pub use crate::shop::mysql as shop;
use crate::wire::{Protocol, Wire};

/// The connection of this backend.
pub type Native = MysqlConnection;

/// Whether a test that makes connections by the thousand should make fewer.
pub const CONNECTS_SLOWLY: bool = false;

/// A key that the database makes, in CREATE TABLE.
pub const MADE_KEY: &str = "BIGINT AUTO_INCREMENT PRIMARY KEY";

/// What a test prints about where it ran.
pub const NAME: &str = "MySQL";

/// What makes the server give a client up that is late, and how late that is.
pub const IMPATIENCE: (&str, Duration) =
    ("SET SESSION wait_timeout = 1", Duration::from_millis(1_300));

/// A database of the test's own, gone with it.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A database with the built-in tables and the table `notes`; `None` if there is no server.
    pub fn fresh() -> Option<Self> {
        let database = Self::empty()?;
        lback::mysql::migrate(&mut database.session()).expect("an empty database can be migrated");
        database
            .connection()
            .batch_execute(
                "CREATE TABLE notes (\
                 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, what TEXT NOT NULL)",
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

    /// A database without any table; `None` if there is no server.
    pub fn empty() -> Option<Self> {
        let database = Self {
            server: server::url("LBACK_TEST_MYSQL_URL")?,
            name: server::fresh_name(),
        };
        database.as_owner(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    /// The address, with the database in it.
    pub fn url(&self) -> String {
        let (server, _) = self
            .server
            .rsplit_once('/')
            .expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    /// One more session on it.
    pub fn session(&self) -> Session {
        lback::mysql::connect(&self.url()).expect("the server answers")
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
        let (before, server, behind) = server::parts(&url, 3306);
        let proxy = Proxy::to(&server);
        let url = format!("{before}{}{behind}", proxy.address());
        (proxy, url)
    }

    /// A wire to the server that breaks when told to, and the address through it.
    pub fn over_a_wire(&self) -> (Wire, String) {
        let url = self.url();
        let (before, server, behind) = server::parts(&url, 3306);
        let wire = Wire::to(&server, Protocol::Mysql);
        let url = format!("{before}{}{behind}", wire.address());
        (wire, url)
    }

    fn as_owner(&self, statement: &str) {
        let mut connection = Native::establish(&self.server).expect("the server answers");
        connection
            .batch_execute(statement)
            .expect("the user may create databases");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut connection) = Native::establish(&self.server) {
            let statement = format!("DROP DATABASE IF EXISTS {}", self.name);
            // A test that left a transaction open must not hang here.
            let _ = connection.batch_execute("SET lock_wait_timeout = 2");
            let _ = connection.batch_execute(&statement);
        }
    }
}

/// The server's number for a connection.
pub fn number_of(conn: &mut Native) -> i64 {
    let number = sql::<BigInt>("CAST(connection_id() AS SIGNED)");
    diesel::select(number)
        .get_result(conn)
        .expect("the server answers")
}

/// Waits until the server has done with the connection with this number.
pub fn wait_until_gone(conn: &mut Native, number: i64) {
    let is_there =
        format!("EXISTS (SELECT 1 FROM information_schema.processlist WHERE id = {number})");
    server::wait_until("the connection is gone", || {
        !diesel::select(sql::<Bool>(&is_there))
            .get_result::<bool>(conn)
            .expect("the server answers")
    });
}

/// Ends the connection with this number, and waits until it is gone.
pub fn kill(conn: &mut Native, number: i64) {
    let killed = conn.batch_execute(&format!("KILL {number}"));
    killed.expect("the user may end connections");
    wait_until_gone(conn, number);
}

/// Whether the connection with this number waits for a lock.
pub fn waits_for_a_lock(conn: &mut Native, number: i64) -> bool {
    // The server looks again only if nobody has asked for 0.1 seconds: so that tests which ask in turns
    // do not keep each other from an answer, each waits for a time of its own.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let some = now.map_or(0, |now| now.subsec_micros() % 300);
    std::thread::sleep(std::time::Duration::from_millis(130 + u64::from(some)));
    let waits = format!(
        "EXISTS (SELECT 1 FROM information_schema.innodb_trx \
         WHERE trx_mysql_thread_id = {number} AND trx_state = 'LOCK WAIT')"
    );
    diesel::select(sql::<Bool>(&waits))
        .get_result(conn)
        .expect("the server answers")
}

/// Makes sure that a deadlock is broken at the other connection's cost: InnoDB spares the one that
/// has written more.
pub fn outlast_deadlocks(conn: &mut Native) {
    for _ in 0..30 {
        crate::note(conn, "weight").expect("the table is there");
    }
}

/// A worker that hears of the commits of other processes, where the database can tell of them.
pub fn listening(
    worker: lback::outbox::WorkerBuilder<Native>,
    _database: &Database,
) -> lback::Result<lback::outbox::WorkerBuilder<Native>> {
    Ok(worker)
}

/// The table of the users under collations that take different names for one: what a server has for its
/// default, where it was not told another.
pub fn blurred_tables() -> Vec<String> {
    let ours = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";
    [
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        "CHARACTER SET latin1 COLLATE latin1_swedish_ci",
    ]
    .map(|theirs| lback::mysql::MIGRATION.replace(ours, theirs))
    .to_vec()
}

/// How the database would run a statement.
pub fn plan(connection: &mut Native, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Plan {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "EXPLAIN")]
        text: String,
    }
    let plan: Plan = diesel::sql_query(format!("EXPLAIN FORMAT=JSON {statement}"))
        .get_result(connection)
        .expect("it is a statement");
    plan.text
}

/// How many rows the database has looked at for this connection, or entries of an index.
pub fn rows_looked_at(connection: &mut Native) -> Option<i64> {
    #[derive(QueryableByName)]
    struct Counter {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "Value")]
        value: String,
    }
    let counters: Vec<Counter> = diesel::sql_query("SHOW SESSION STATUS LIKE 'Handler_read%'")
        .load(connection)
        .expect("it is a statement");
    let numbers = counters.iter().map(|it| it.value.parse::<i64>());
    Some(numbers.map(|it| it.expect("a number")).sum())
}
