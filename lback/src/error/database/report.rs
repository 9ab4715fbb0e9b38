//! What a database said, without the data of a row.

use diesel::result::{DatabaseErrorInformation, Error as DieselError};

/// Drops the parts of a database's answer that quote the row.
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
