//! Whether a statement that failed can have left a part of its work.
//!
//! An error does not tell how it came about, so after a failure the schema is asked whether it knows anything by
//! which a part may stand. An operation on a repository's own table has been given a savepoint then. The schema of
//! a database that is attached is not asked, for that would lock it: there anything may stand.

use diesel::SqliteConnection;

use super::schema::{Definition, definitions, is_alone};

/// Whether anything in the schema lets a part of a failed statement stand. If it cannot be read, that may be.
pub(super) fn may_stand(connection: &mut SqliteConnection) -> bool {
    if !is_alone(connection).unwrap_or(false) {
        return true;
    }
    definitions(connection).map_or(true, |definitions| {
        definitions.iter().any(Definition::may_leave_part)
    })
}
