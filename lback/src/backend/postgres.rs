//! PostgreSQL, over libpq.
//!
//! ```no_run
//! use lback::postgres::prelude::*;
//!
//! let mut session = lback::postgres::connect("postgres://localhost/app")?;
//! lback::postgres::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

use std::borrow::Cow;

use diesel::connection::{DefaultLoadingMode, LoadConnection, SimpleConnection};
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryResult};

use crate::error::{Error, Result};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};
use crate::user::user_repository;

/// A session on PostgreSQL.
pub type Session = crate::Session<PgConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<PgConnection>;

user_repository! { PgConnection, "PostgreSQL" }

/// Everything for a module that works with users on PostgreSQL, with Diesel's own prelude.
///
/// One prelude in a module: those of two databases hold the same names.
pub mod prelude {
    pub use diesel::prelude::*;

    pub use super::{
        Session, UserPostCreate, UserPostDelete, UserPostUpdate, UserPreCreate, UserPreDelete,
        UserPreUpdate, UserRepository, user_post_create, user_post_delete, user_post_update,
        user_pre_create, user_pre_delete, user_pre_update,
    };
    pub use crate::prelude::*;
}

/// Connects to a server, by a URL or by libpq's `host=... dbname=...`.
///
/// # Errors
///
/// [`Error::Connection`], [`Error::Registry`].
pub fn connect(url: &str) -> Result<Session> {
    // The URL may hold a password, and stays out of the error.
    let connection = PgConnection::establish(url).map_err(|error| Error::Connection {
        what: "PostgreSQL does not let us in".into(),
        source: error.into(),
    })?;
    Session::new(connection)
}

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("postgres.sql");

/// Creates the table `users` and its indexes, unless a table of that name is found along the
/// search path: that one is left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`].
pub fn migrate(session: &mut Session) -> Result<()> {
    session.transaction(|session| {
        use diesel::dsl::sql;
        use diesel::prelude::*;
        use diesel::sql_types::Bool;
        // Two CREATE TABLE IF NOT EXISTS at once fail on the catalogue's own unique index.
        session
            .raw()
            .batch_execute("SELECT pg_advisory_xact_lock(7810966318)")?;
        let exists: bool = diesel::select(sql::<Bool>("to_regclass('users') IS NOT NULL"))
            .get_result(session.raw())?;
        if !exists {
            session.raw().batch_execute(MIGRATION)?;
        }
        Ok(())
    })
}

impl Sealed for PgConnection {}

impl SessionConnection for PgConnection {
    // the protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.lock != Lock::default() {
            let what = "SQLite's kinds of BEGIN on PostgreSQL";
            return Err(Error::Unsupported { what: what.into() });
        }
        if *options == TransactionOptions::new() {
            return Ok(Cow::Borrowed("BEGIN"));
        }
        let mut sql = String::from("BEGIN");
        if let Some(level) = options.isolation {
            sql.push_str(" ISOLATION LEVEL ");
            sql.push_str(level.sql());
        }
        if options.read_only {
            sql.push_str(" READ ONLY");
        }
        if options.deferrable {
            sql.push_str(" DEFERRABLE");
        }
        Ok(Cow::Owned(sql))
    }

    fn damage(error: &DieselError) -> Damage {
        match error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Damage::Lost,
            DieselError::DatabaseError(..) => Damage::Aborted,
            _ => Damage::Statement,
        }
    }

    /// Only the text says so; where the server speaks another language, the error stays what it is.
    fn is_echo(error: &DieselError) -> bool {
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if info.message().starts_with("current transaction is aborted"))
    }

    /// PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and no error.
    fn probe(&mut self, _guarded: bool) -> QueryResult<()> {
        self.batch_execute("SELECT 1")
    }

    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId {
        value.into_sql::<BigInt>()
    }

    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId,
    {
        let mut numbers = LoadConnection::<DefaultLoadingMode>::load(self, statement)?;
        let number = numbers.next().ok_or(DieselError::NotFound)?;
        i64::build_from_row(&number?).map_err(DieselError::DeserializationError)
    }
}
