//! SQLite, built from source: no system library is needed.
//!
//! ```
//! use lback::sqlite::prelude::*;
//!
//! let mut session = lback::sqlite::connect(":memory:")?;
//! lback::sqlite::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

use std::borrow::Cow;
use std::time::{Duration, Instant};

use diesel::connection::{LoadConnection, SimpleConnection};
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryResult, SqliteConnection};

use crate::error::{Error, Result, is_transient};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};
use crate::user::user_repository;

/// A session on SQLite.
pub type Session = crate::Session<SqliteConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<SqliteConnection>;

user_repository! { SqliteConnection, "sqlite" }

/// Everything for a module that works with users on SQLite, with Diesel's own prelude.
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

/// Opens a database and makes it fit for a server: a file, which is created if it is not there
/// (its folder is not), `:memory:`, or a URI such as `file:app.db?mode=ro`.
///
/// It sets, in this order:
///
/// | setting | value | why |
/// |---|---|---|
/// | [`busy_timeout`] | 5 seconds | wait for another writer instead of failing at once |
/// | [`foreign_keys`] | on | SQLite checks references only when told |
/// | [`journal_mode`] | WAL | readers and the writer do not wait for each other; a database that cannot be written keeps its mode |
///
/// `synchronous` stays at SQLite's default, FULL: a committed transaction survives a power cut. For
/// other settings, open the connection yourself and use [`Session::new`](crate::Session::new).
///
/// [`busy_timeout`]: https://sqlite.org/pragma.html#pragma_busy_timeout
/// [`foreign_keys`]: https://sqlite.org/pragma.html#pragma_foreign_keys
/// [`journal_mode`]: https://sqlite.org/wal.html
///
/// # Errors
///
/// [`Error::Connection`] if the file cannot be opened or is no database, [`Error::Registry`] if
/// the program's receivers contradict each other.
///
/// ```
/// let session = lback::sqlite::connect(":memory:")?;
/// assert!(!session.in_transaction());
/// # lback::Result::Ok(())
/// ```
pub fn connect(database: &str) -> Result<Session> {
    let failed = |source: crate::receiver::BoxError| Error::Connection {
        what: format!("the SQLite database `{database}` cannot be opened").into(),
        source,
    };
    let mut connection =
        SqliteConnection::establish(database).map_err(|error| failed(error.into()))?;
    connection.prepare().map_err(|error| failed(error.into()))?;
    Session::new(connection)
}

/// Whoever switches a new database at the same moment as another is told at once that it is locked,
/// whatever the timeout says: one of two that wait for each other has to give way.
fn use_wal(connection: &mut SqliteConnection) -> QueryResult<()> {
    let start = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Err(DieselError::DatabaseError(_, info)) if info.message().contains("readonly") => {
                return Ok(());
            }
            Err(error) if is_transient(&error) && start.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The statements of [`migrate`], for those who keep all migrations in one place.
pub const MIGRATION: &str = include_str!("sqlite.sql");

/// Creates the table `users` and its indexes, unless a table of that name is there: that one is
/// left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`].
pub fn migrate(session: &mut Session) -> Result<()> {
    session.transaction(|session| {
        use diesel::prelude::*;
        let exists: bool = diesel::select(diesel::dsl::exists(
            sqlite_schema::table
                .filter(sqlite_schema::name.eq("users"))
                .filter(sqlite_schema::kind.eq("table")),
        ))
        .get_result(session.raw())?;
        if !exists {
            session.raw().batch_execute(MIGRATION)?;
        }
        Ok(())
    })
}

diesel::table! {
    /// What SQLite says of its own tables.
    #[sql_name = "sqlite_master"]
    sqlite_schema (name) {
        /// The table's name.
        name -> Text,
        /// `table`, `index`, `view` or `trigger`.
        #[sql_name = "type"]
        kind -> Text,
    }
}

impl Sealed for SqliteConnection {}

impl SessionConnection for SqliteConnection {
    // SQLITE_MAX_VARIABLE_NUMBER, since 3.32.
    const MAX_BINDS: usize = 32_766;
    const LOCKS_ROWS: bool = false;
    const KNOWS_DEFAULT: bool = false;

    fn prepare(&mut self) -> QueryResult<()> {
        let timeout = BUSY_TIMEOUT.as_millis();
        let settings = format!("PRAGMA busy_timeout = {timeout}; PRAGMA foreign_keys = ON;");
        self.batch_execute(&settings)?;
        use_wal(self)
    }

    fn is_private(url: &str) -> bool {
        url.is_empty() || url.contains(":memory:") || url.contains("mode=memory")
    }

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.deferrable {
            return Err(Error::Unsupported {
                what: "DEFERRABLE on SQLite".into(),
            });
        }
        Ok(Cow::Borrowed(match options.lock {
            _ if options.read_only => "BEGIN DEFERRED",
            Lock::Deferred => "BEGIN DEFERRED",
            Lock::Immediate => "BEGIN IMMEDIATE",
            Lock::Exclusive => "BEGIN EXCLUSIVE",
        }))
    }

    fn enter_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = ON")
    }

    fn leave_read_only(&mut self) -> QueryResult<()> {
        self.batch_execute("PRAGMA query_only = OFF")
    }

    /// Some errors make SQLite roll the whole transaction back by itself
    /// (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction").
    fn damage(error: &DieselError) -> Damage {
        const ENDED: [&str; 4] = [
            "database or disk is full",
            "disk I/O error",
            "out of memory",
            "interrupted",
        ];
        const VANISHED: [&str; 2] = ["no transaction is active", "no such savepoint"];
        let DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) = error else {
            return Damage::Statement;
        };
        let says = |texts: &[&str]| texts.iter().any(|text| info.message().contains(text));
        if says(&VANISHED) {
            Damage::Vanished
        } else if says(&ENDED) {
            Damage::Ended
        } else {
            Damage::Statement
        }
    }

    /// SQLite answers COMMIT with an error whenever it does not commit.
    fn probe(&mut self, _guarded: bool) -> QueryResult<()> {
        Ok(())
    }

    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId {
        value.into_sql::<BigInt>()
    }

    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId,
    {
        let number = self.load(statement)?.next().ok_or(DieselError::NotFound)?;
        i64::build_from_row(&number?).map_err(DieselError::DeserializationError)
    }
}
