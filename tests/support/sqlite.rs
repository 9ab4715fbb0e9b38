//! Fresh SQLite databases.

use std::path::Path;

pub use lback::sqlite::{Set, prelude::*, users::*};
pub use lback::sqlite::{cascades, migrate, migrate_outbox};

pub use crate::shop::sqlite as shop;
use tempfile::TempDir;

/// The connection of this backend.
pub type Native = SqliteConnection;

/// A key that the database makes, in CREATE TABLE.
pub const MADE_KEY: &str = "INTEGER PRIMARY KEY";

/// What a test prints about where it ran.
pub const NAME: &str = "SQLite";

/// A database of the test's own, gone with it.
pub struct Database {
    folder: TempDir,
}

impl Database {
    /// A database with the built-in tables and the table [`notes`](crate::notes); `None` if there is no server.
    pub fn fresh() -> Option<Self> {
        let database = Self::empty()?;
        let mut session = database.session();
        lback::sqlite::migrate(&mut session).expect("an empty database can be migrated");
        diesel::sql_query(
            "CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, what TEXT NOT NULL)",
        )
        .execute(session.conn())
        .expect("the table is new");
        Some(database)
    }

    /// As [`fresh`](Self::fresh), with the table of the outbox.
    pub fn with_outbox() -> Option<Self> {
        let database = Self::fresh()?;
        migrate_outbox(&mut database.session()).expect("there is no such table");
        Some(database)
    }

    /// A database without any table.
    pub fn empty() -> Option<Self> {
        let folder = TempDir::new().expect("the folder for temporary files can be written");
        Some(Self { folder })
    }

    /// The database file.
    pub fn url(&self) -> String {
        self.folder
            .path()
            .join("test.db")
            .to_string_lossy()
            .into_owned()
    }

    /// A folder for the test's other files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One more session on it.
    pub fn session(&self) -> Session {
        lback::sqlite::connect(&self.url()).expect("the database can be opened")
    }

    /// A session that does not wait for the disk, for tests that commit thousands of times.
    pub fn hasty_session(&self) -> Session {
        let mut session = self.session();
        diesel::sql_query("PRAGMA synchronous = OFF")
            .execute(session.conn())
            .expect("it is a known pragma");
        session
    }

    /// One more plain connection to it.
    pub fn connection(&self) -> Native {
        Native::establish(&self.url()).expect("the database can be opened")
    }
}

/// A worker that hears of the commits of other processes, where the database can tell of them.
pub fn listening(
    worker: lback::outbox::WorkerBuilder<Native>,
    _database: &Database,
) -> lback::Result<lback::outbox::WorkerBuilder<Native>> {
    Ok(worker)
}

/// The table of the users under collations that take different names for one.
pub fn blurred_tables() -> Vec<String> {
    ["NOCASE", "RTRIM"]
        .map(|collation| {
            lback::sqlite::MIGRATION.replace("VARCHAR", &format!("VARCHAR COLLATE {collation}"))
        })
        .to_vec()
}

/// How the database would run a statement.
pub fn plan(connection: &mut Native, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
        .load(connection)
        .expect("it is a statement");
    steps.into_iter().map(|step| step.detail).collect()
}

/// How many rows the database has looked at for this connection: SQLite does not count them.
pub fn rows_looked_at(_connection: &mut Native) -> Option<i64> {
    None
}
