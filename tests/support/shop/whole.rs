//! Whole PostgreSQL databases, for tables in a schema that has a name.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use lback::postgres::Session;

use crate::server;

pub(super) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(super) fn empty() -> Option<Self> {
        let database = Self {
            server: server::url("LBACK_TEST_POSTGRES_URL")?,
            name: server::fresh_name(),
        };
        database.as_owner(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    pub(super) fn session(&self) -> Session {
        lback::postgres::connect(&self.url()).expect("the server answers")
    }

    pub(super) fn connection(&self) -> PgConnection {
        PgConnection::establish(&self.url()).expect("the server answers")
    }

    fn url(&self) -> String {
        let (server, _) = self
            .server
            .rsplit_once('/')
            .expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    fn as_owner(&self, statement: &str) {
        PgConnection::establish(&self.server)
            .expect("the server answers")
            .batch_execute(statement)
            .expect("the user may create databases");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut connection) = PgConnection::establish(&self.server) {
            let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            let _ = connection.batch_execute(&statement);
        }
    }
}
