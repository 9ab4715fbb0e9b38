//! What a database said, without the data of a row.

use std::error::Error as StdError;
use std::fmt;

use diesel::result::{
    DatabaseErrorInformation, DeserializeFieldError, Error as DieselError, UnexpectedNullError,
};

use super::values::without_values;
use crate::care::drop_quietly;
use crate::error::causes::causes;
use crate::receiver::BoxError;
use crate::value::WithoutValue;

/// Drops the parts of a database's answer that quote the row, and masks the values in its message.
pub(crate) fn without_details(error: DieselError) -> DieselError {
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
        DieselError::DeserializationError(source) => {
            DieselError::DeserializationError(unreadable(source))
        }
        DieselError::SerializationError(source) => {
            DieselError::SerializationError(unreadable(source))
        }
        // In a `QueryBuilderError` stands one of ours, or an application's own.
        error => error,
    }
}

/// The same for an error of any type, if it is Diesel's.
pub(crate) fn without_details_inside(error: BoxError) -> BoxError {
    match error.downcast::<DieselError>() {
        Ok(error) => Box::new(without_details(*error)),
        Err(error) => error,
    }
}

/// A value that a type could not read or write. What it says may quote the value with no mark around
/// it (`Invalid datetime 4111`), so that only the column is told.
fn unreadable(error: BoxError) -> BoxError {
    if is_harmless(error.as_ref()) {
        return error;
    }
    let field = error.downcast_ref::<DeserializeFieldError>();
    let column = field.and_then(|field| field.field_name.clone());
    // It is the user's.
    drop_quietly(error);
    Box::new(Unreadable { column })
}

/// Errors that say nothing of a value: NULL where none is expected, and ours.
fn is_harmless(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| {
        error.is::<UnexpectedNullError>() || error.is::<Unreadable>() || error.is::<WithoutValue>()
    })
}

#[derive(Debug)]
struct Unreadable {
    column: Option<String>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(
                f,
                "the column `{column}` has not the form that its type expects"
            ),
            None => f.write_str("a value has not the form that its type expects"),
        }
    }
}

impl StdError for Unreadable {}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Its own cause, with a value in its text, and a drop that panics.
    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Invalid datetime 4111")
        }
    }

    impl StdError for Circle {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(self)
        }
    }

    impl Drop for Circle {
        fn drop(&mut self) {
            panic!("in Drop");
        }
    }

    #[test]
    fn an_error_of_a_value_may_be_its_own_cause_and_panic_when_dropped() {
        let error = without_details(DieselError::DeserializationError(Box::new(Circle)));
        assert_eq!(
            error.to_string(),
            "a value has not the form that its type expects"
        );
    }
}
