//! Diesel's errors: what they mean, without the data that some of them print.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

use super::Error;

/// Says what an error of a statement means.
pub(crate) fn classify(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            let field = duplicate_field(info.as_ref());
            Error::Duplicate {
                field,
                source: without_details(error),
            }
        }
        DieselError::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation | DatabaseErrorKind::RestrictViolation,
            _,
        ) => Error::ForeignKey {
            source: without_details(error),
        },
        DieselError::AlreadyInTransaction => Error::AlreadyInTransaction,
        DieselError::BrokenTransactionManager => Error::SessionBroken,
        _ => Error::Database(without_details(error)),
    }
}

impl From<DieselError> for Error {
    /// A unique or foreign key violation becomes [`Error::Duplicate`] or [`Error::ForeignKey`], an
    /// error that was made from one of ours becomes that one again, any other is
    /// [`Error::Database`].
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::QueryBuilderError(inner) => match inner.downcast::<Error>() {
                Ok(error) => *error,
                Err(inner) => Self::Database(DieselError::QueryBuilderError(inner)),
            },
            error => classify(error),
        }
    }
}

impl From<Error> for DieselError {
    /// So that `session.transaction` accepts a closure with Diesel's error. What has no form there
    /// travels boxed in [`QueryBuilderError`](DieselError::QueryBuilderError).
    fn from(error: Error) -> Self {
        match error {
            Error::Database(source)
            | Error::Duplicate { source, .. }
            | Error::ForeignKey { source } => source,
            Error::NotFound { .. } => Self::NotFound,
            error => Self::QueryBuilderError(Box::new(error)),
        }
    }
}

/// Drops the parts of a database's answer that quote the row.
pub(super) fn without_details(error: DieselError) -> DieselError {
    match error {
        DieselError::DatabaseError(kind, info) => {
            DieselError::DatabaseError(kind, Box::new(Report::of(info.as_ref())))
        }
        DieselError::RollbackErrorOnCommit {
            rollback_error,
            commit_error,
        } => DieselError::RollbackErrorOnCommit {
            rollback_error: Box::new(without_details(*rollback_error)),
            commit_error: Box::new(without_details(*commit_error)),
        },
        error => error,
    }
}

/// What a database said, without its `details` and `hint`.
struct Report {
    message: String,
    table: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
    position: Option<i32>,
}

impl Report {
    fn of(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Self {
        Self {
            message: without_values(info.message()),
            table: info.table_name().map(Into::into),
            column: info.column_name().map(Into::into),
            constraint: info.constraint_name().map(Into::into),
            position: info.statement_position(),
        }
    }
}

impl DatabaseErrorInformation for Report {
    fn message(&self) -> &str {
        &self.message
    }
    fn details(&self) -> Option<&str> {
        None
    }
    fn hint(&self) -> Option<&str> {
        None
    }
    fn table_name(&self) -> Option<&str> {
        self.table.as_deref()
    }
    fn column_name(&self) -> Option<&str> {
        self.column.as_deref()
    }
    fn constraint_name(&self) -> Option<&str> {
        self.constraint.as_deref()
    }
    fn statement_position(&self) -> Option<i32> {
        self.position
    }
}

/// MySQL quotes the value in the message itself: `Duplicate entry 'ada' for key 'users.email'`,
/// `Incorrect string value: '\xF0...' for column 'email' at row 1`.
fn without_values(message: &str) -> String {
    for start in ["Duplicate entry '", "Incorrect string value: '"] {
        if let Some(rest) = message.strip_prefix(start) {
            if let Some(end) = rest.rfind("' for ") {
                return format!("{start}***{}", &rest[end..]);
            }
        }
    }
    message.to_owned()
}

/// The column of a unique violation, from whatever the database gives.
fn duplicate_field(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    columns_of_postgres(info)
        .or_else(|| columns_of_sqlite(info.message()))
        .or_else(|| column_of_mysql(info.message()))
}

/// `Key (username)=(ada) already exists.`
fn columns_of_postgres(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    let (_, rest) = info.details()?.split_once('(')?;
    let (columns, _) = rest.split_once(")=(")?;
    Some(columns.to_owned())
}

/// `UNIQUE constraint failed: users.username`
fn columns_of_sqlite(message: &str) -> Option<String> {
    let (_, columns) = message.split_once("UNIQUE constraint failed: ")?;
    let names: Vec<_> = columns
        .split(", ")
        .map(|name| name.rsplit('.').next().unwrap_or(name))
        .collect();
    Some(names.join(", "))
}

/// `Duplicate entry '...' for key 'users.ix_users_username'`: an index is named after its column,
/// alone or behind its table's name.
fn column_of_mysql(message: &str) -> Option<String> {
    let (_, key) = message.rsplit_once("' for key '")?;
    let key = key.trim_end_matches('\'');
    let (table, index) = key.split_once('.').unwrap_or(("", key));
    let index = index.strip_prefix("ix_").unwrap_or(index);
    let column = index
        .strip_prefix(table)
        .map_or(index, |rest| rest.trim_start_matches('_'));
    Some(if column == "PRIMARY" { "id" } else { column }.to_owned())
}

/// Looks for a failure that goes away by itself, through all sources of `error`.
pub(super) fn is_retryable(error: &(dyn StdError + 'static)) -> bool {
    super::causes(error).any(|error| {
        let ended_by_one = matches!(
            error.downcast_ref::<Error>(),
            Some(Error::TransactionAborted {
                is_retryable: true,
                ..
            })
        );
        ended_by_one
            || error
                .downcast_ref::<DieselError>()
                .is_some_and(is_transient)
    })
}

pub(crate) fn is_transient(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            // SQLITE_BUSY and SQLITE_LOCKED, MySQL's 1205, 1213 and 1020, PostgreSQL's 40P01 and
            // 55P03 reach Diesel as texts only.
            const TEXTS: [&str; 9] = [
                "database is locked",
                "database table is locked",
                "database schema is locked",
                "Lock wait timeout exceeded",
                "Deadlock found when trying to get lock",
                "Record has changed since last read",
                "deadlock detected",
                "canceling statement due to lock timeout",
                "could not obtain lock on row",
            ];
            TEXTS.iter().any(|text| info.message().starts_with(text))
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_transient(commit_error),
        _ => false,
    }
}
