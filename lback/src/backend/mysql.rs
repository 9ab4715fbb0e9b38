//! MySQL 8 and MariaDB, over their client libraries.
//!
//! ```no_run
//! use lback::mysql::prelude::*;
//!
//! let mut session = lback::mysql::connect("mysql://app@localhost/app")?;
//! lback::mysql::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{Connection, MysqlConnection, QueryResult};

use crate::error::{Error, Result};
use crate::session::{Damage, Lock, Sealed, SessionConnection, TransactionOptions};
use crate::user::user_repository;

/// A session on MySQL or MariaDB.
pub type Session = crate::Session<MysqlConnection>;

/// A pool of such sessions.
#[cfg(feature = "r2d2")]
pub type Database = crate::Database<MysqlConnection>;

user_repository! { MysqlConnection, "MySQL and MariaDB" }

/// Everything for a module that works with users on MySQL, with Diesel's own prelude.
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

/// Connects to a server, by a URL such as `mysql://user:password@host/database`.
///
/// # Errors
///
/// [`Error::Connection`], [`Error::Registry`].
pub fn connect(url: &str) -> Result<Session> {
    // The URL may hold a password, and stays out of the error.
    let connection = MysqlConnection::establish(url).map_err(|error| Error::Connection {
        what: "MySQL does not let us in".into(),
        source: error.into(),
    })?;
    Session::new(connection)
}

/// The statement of [`migrate`] on MariaDB, for those who keep all migrations in one place. On
/// MySQL 8 the collation is `utf8mb4_0900_bin`.
pub const MIGRATION: &str = include_str!("mysql.sql");

/// The names of the collations that compare byte for byte, trailing spaces included.
const MARIADB_COLLATION: &str = "utf8mb4_nopad_bin";
const MYSQL_COLLATION: &str = "utf8mb4_0900_bin";

/// Creates the table `users` and its indexes, unless a table of that name is there: that one is
/// left as it is. Several processes may call it at once.
///
/// # Errors
///
/// [`Error::Database`]; [`Error::Unsupported`] inside a transaction, which CREATE TABLE would
/// commit.
pub fn migrate(session: &mut Session) -> Result<()> {
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::Text;
    if session.is_inside_any_transaction() {
        let what = "CREATE TABLE inside a transaction on MySQL, where it commits";
        return Err(Error::Unsupported { what: what.into() });
    }
    session.check_writable()?;
    let version: String =
        session.statement(|conn| diesel::select(sql::<Text>("version()")).get_result(conn))?;
    let migration = if version.contains("MariaDB") {
        Cow::Borrowed(MIGRATION)
    } else {
        Cow::Owned(MIGRATION.replace(MARIADB_COLLATION, MYSQL_COLLATION))
    };
    session.statement(|conn| conn.batch_execute(&migration))
}

impl Sealed for MysqlConnection {}

/// Set when the connection is lent out; gone once a transaction has ended, however it ended.
const GUARD: &str = "lback_guard";

impl SessionConnection for MysqlConnection {
    // the protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;

    const READS_BACK: bool = true;

    fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
        if options.lock != Lock::default() {
            let what = "SQLite's kinds of BEGIN on MySQL";
            return Err(Error::Unsupported { what: what.into() });
        }
        if options.deferrable {
            return Err(Error::Unsupported {
                what: "DEFERRABLE on MySQL".into(),
            });
        }
        let begin = if options.read_only {
            "START TRANSACTION READ ONLY"
        } else {
            "BEGIN"
        };
        Ok(match options.isolation {
            None => Cow::Borrowed(begin),
            Some(level) => {
                format!("SET TRANSACTION ISOLATION LEVEL {}; {begin}", level.sql()).into()
            }
        })
    }

    /// The client library's errors reach Diesel as texts: those of MySQL 8 and of MariaDB.
    fn damage(error: &DieselError) -> Damage {
        const LOST: [&str; 6] = [
            "server has gone away",
            "Lost connection to",
            "Connection was killed",
            "Can't connect to",
            "disconnected by the server",
            "Server shutdown in progress",
        ];
        const ENDED: [&str; 2] = ["Deadlock found when trying to get lock", "SAVEPOINT"];
        let DieselError::DatabaseError(kind, info) = error else {
            return match error {
                DieselError::BrokenTransactionManager => Damage::Lost,
                _ => Damage::Statement,
            };
        };
        let says = |texts: &[&str]| texts.iter().any(|text| info.message().contains(text));
        match kind {
            // 1213: InnoDB has rolled back the whole transaction.
            DatabaseErrorKind::SerializationFailure => Damage::Ended,
            DatabaseErrorKind::ClosedConnection => Damage::Lost,
            _ if says(&LOST) => Damage::Lost,
            _ if says(&ENDED) => Damage::Ended,
            _ => Damage::Statement,
        }
    }

    /// A deadlock that somebody passed over, and DDL, end the transaction without a trace: only a
    /// savepoint that should still be there tells.
    fn guard(&mut self) -> QueryResult<()> {
        self.batch_execute(&format!("SAVEPOINT {GUARD}"))
    }

    const GUARDS: bool = true;

    fn probe(&mut self, guarded: bool) -> QueryResult<()> {
        if guarded {
            self.batch_execute(&format!("RELEASE SAVEPOINT {GUARD}"))
        } else {
            Ok(())
        }
    }
}
