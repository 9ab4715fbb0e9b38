//! Fresh databases on a MySQL or MariaDB server.

use diesel::connection::SimpleConnection;
pub use lback::mysql::migrate;
pub use lback::mysql::prelude::*;

use crate::server;

/// The connection of this backend.
pub type Native = MysqlConnection;

/// What a test prints about where it ran.
pub const NAME: &str = "MySQL";

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
