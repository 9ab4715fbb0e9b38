//! Diesel's errors: what they mean, without the data that some of them print.

mod debug;
mod mysql;
mod postgres;
mod report;
mod sqlite;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

pub(super) use self::debug::is_transient_inside;
pub(super) use self::report::without_details;

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

pub(crate) fn is_transient(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            // SQLITE_BUSY and SQLITE_LOCKED, MySQL's 1205, 1213 and 1020, PostgreSQL's 40P01,
            // 55P03 and 0A000 reach Diesel as texts only.
            const TEXTS: [&str; 10] = [
                "database is locked",
                "database table is locked",
                "database schema is locked",
                "Lock wait timeout exceeded",
                "Deadlock found when trying to get lock",
                "Record has changed since last read",
                "deadlock detected",
                "canceling statement due to lock timeout",
                "could not obtain lock on row",
                "cached plan must not change result type",
            ];
            TEXTS.iter().any(|text| info.message().starts_with(text))
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_transient(commit_error),
        _ => false,
    }
}

/// The column of a unique violation, from whatever the database gives.
fn duplicate_field(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<String> {
    postgres::duplicate_columns(info)
        .or_else(|| sqlite::duplicate_columns(info.message()))
        .or_else(|| mysql::duplicate_column(info.message()))
}
