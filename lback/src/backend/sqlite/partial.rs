//! Whether a statement that failed can have left a part of its work.
//!
//! SQLite undoes a statement that fails, but for one case: the conflict resolution FAIL, by a
//! constraint (`ON CONFLICT FAIL`), a statement (`INSERT OR FAIL`) or a trigger (`RAISE(FAIL, ..)`),
//! keeps what was done before (<https://sqlite.org/lang_conflict.html>). An error does not tell which
//! resolution it came by, so after a failure the schema is asked whether it knows FAIL at all.

use diesel::SqliteConnection;

use super::schema::definitions;

/// Whether FAIL stands anywhere in the schema. If it cannot be read, it may.
pub(super) fn may_stand(connection: &mut SqliteConnection) -> bool {
    definitions(connection).map_or(true, |definitions| {
        definitions.iter().any(|definition| definition.says("fail"))
    })
}
