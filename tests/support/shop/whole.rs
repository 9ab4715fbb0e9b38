// Included by each way to PostgreSQL: whole databases, for tables in a schema that has a name.

use diesel::Connection;
use diesel::connection::SimpleConnection;

use super::driver::{self, Native, Session};
use crate::server;

pub(in crate::shop) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(in crate::shop) fn empty() -> Option<Self> {
        let database = Self {
            server: server::url("LBACK_TEST_POSTGRES_URL")?,
            name: server::fresh_name(),
        };
        database.as_owner(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    pub(in crate::shop) fn session(&self) -> Session {
        driver::connect(&self.url()).expect("the server answers")
    }

    pub(in crate::shop) fn connection(&self) -> Native {
        Native::establish(&self.url()).expect("the server answers")
    }

    fn url(&self) -> String {
        let (server, _) = self
            .server
            .rsplit_once('/')
            .expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    fn as_owner(&self, statement: &str) {
        Native::establish(&self.server)
            .expect("the server answers")
            .batch_execute(statement)
            .expect("the user may create databases");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut connection) = Native::establish(&self.server) {
            let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            let _ = connection.batch_execute(&statement);
        }
    }
}
