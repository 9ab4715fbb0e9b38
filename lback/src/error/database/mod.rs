//! Diesel's errors: what they mean, without the data that some of them print.

mod address;
mod debug;
mod mysql;
mod postgres;
mod report;
mod sqlite;
mod values;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

pub(crate) use self::address::{not_connected, printable};
pub(super) use self::debug::is_transient_inside;
pub(crate) use self::report::{without_details, without_details_inside};

use super::Error;

/// Says what an error of a statement means.
pub(crate) fn classify(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            let Duplicate {
                constraint,
                columns,
            } = duplicate(info.as_ref());
            Error::Duplicate {
                field: columns.map(|columns| columns.join(", ")),
                constraint,
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
    /// A unique or foreign key violation becomes [`Error::Duplicate`] or [`Error::ForeignKey`],
    /// `NotFound` becomes [`Error::NotFound`], an error that was made from one of ours becomes that one again, any other is
    /// [`Error::Database`].
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::QueryBuilderError(inner) => match inner.downcast::<Error>() {
                Ok(error) => *error,
                Err(inner) => Self::Database(DieselError::QueryBuilderError(inner)),
            },
            DieselError::NotFound => Self::NotFound {
                entity: "row",
                key: None,
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

/// Whether an error goes away by itself: by Diesel's kind, and where Diesel has none for it by the
/// whole text. A part of a text decides nothing, for triggers write texts too.
pub(crate) fn is_transient(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            let message = info.message();
            sqlite::is_transient(message)
                || postgres::is_transient(message)
                || mysql::is_transient(message)
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_transient(commit_error),
        _ => false,
    }
}

/// Whether a column cannot hold such characters as it was compared with.
pub(crate) fn is_beyond_characters(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            mysql::is_beyond_characters(info.message())
        }
        _ => false,
    }
}

/// Whether it says that a table is missing. Only a hint is made of it: a server that speaks another language goes
/// without.
pub(super) fn lacks_a_table(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            let message = info.message();
            is_start_of_name(message, "no such table: ")
                || is_quoted(message, "relation \"", "\" does not exist")
                || is_quoted(message, "Table '", "' doesn't exist")
        }
        _ => false,
    }
}

/// Whether one name stands between both.
fn is_quoted(message: &str, start: &str, end: &str) -> bool {
    let name = message
        .strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end));
    name.is_some_and(|name| !name.contains(['"', '\'']))
}

/// What a unique violation is about, as far as the database tells.
#[derive(Default)]
struct Duplicate {
    constraint: Option<String>,
    columns: Option<Vec<String>>,
}

fn duplicate(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Duplicate {
    postgres::duplicate(info)
        .or_else(|| sqlite::duplicate(info.message()))
        .or_else(|| mysql::duplicate(info.message()))
        .unwrap_or_default()
}

/// Whether `message` is `start` and the name of a table behind it: words have spaces between them.
fn is_start_of_name(message: &str, start: &str) -> bool {
    message
        .strip_prefix(start)
        .is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}
