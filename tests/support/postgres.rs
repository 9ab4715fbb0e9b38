//! Fresh schemas on a PostgreSQL server.

use diesel::connection::SimpleConnection;
pub use lback::postgres::migrate;
pub use lback::postgres::prelude::*;

use crate::server;

/// The connection of this backend.
pub type Native = PgConnection;

/// What a test prints about where it ran.
pub const NAME: &str = "PostgreSQL";

/// A schema of the test's own, gone with it.
pub struct Database {
    server: String,
    schema: String,
}

impl Database {
    /// A schema with the built-in tables and the table `notes`; `None` if there is no server.
    pub fn fresh() -> Option<Self> {
        let database = Self::empty()?;
        lback::postgres::migrate(&mut database.session()).expect("an empty schema can be migrated");
        database
            .connection()
            .batch_execute(
                "CREATE TABLE notes (\
                 id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what TEXT NOT NULL)",
            )
            .expect("the table is new");
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
        lback::postgres::connect(&self.url()).expect("the server answers")
    }

    /// A session that does not wait for the disk: the servers of the tests never do.
    pub fn hasty_session(&self) -> Session {
        self.session()
    }

    /// One more plain connection to it.
    pub fn connection(&self) -> Native {
        Native::establish(&self.url()).expect("the server answers")
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
