//! What is true of the server, whoever speaks to it.

use std::borrow::Cow;

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::error::{Error, Result};
use crate::session::{Lock, TransactionOptions};

/// A connection to PostgreSQL.
pub trait Postgres: LoadConnection<Backend = Pg> + 'static {}

pub(crate) fn begin_sql(options: &TransactionOptions) -> Result<Cow<'static, str>> {
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

/// The texts of errors then are in the language that
/// [`Error::is_retryable`](crate::Error::is_retryable) knows. Only some roles may set it; for
/// others the server keeps its own.
pub(crate) fn speak_english(connection: &mut impl Postgres) {
    let _ = connection.batch_execute("SET lc_messages = 'C'");
}

/// Whether an error only says that the transaction is aborted. Only the text says so; where the server
/// speaks another language, the error stays what it is.
pub(crate) fn is_aborted(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message()
            == "current transaction is aborted, commands ignored until end of transaction block")
}

/// A prepared statement whose table was changed since fails for ever.
pub(crate) fn is_stale_plan(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message() == "cached plan must not change result type")
}

/// A type that was made anew, such as an enum: Diesel keeps the number of the old one as long as the connection
/// lasts.
pub(crate) fn is_stale_type(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message().strip_prefix("cache lookup failed for type ")
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())))
}
