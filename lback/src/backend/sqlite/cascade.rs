//! Where SQLite may delete or change rows by itself.

use diesel::RunQueryDsl;

use super::Session;
use crate::error::Result;
use crate::repository::{Cascade, KeyColumn};

/// The foreign keys by which the database deletes or changes rows itself when another row goes.
/// All of the main database.
///
/// Such rows send no signal, for nobody asks a repository: delete the children through theirs
/// first, or list those keys in a test, so that each new one is noticed.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
///
/// ```
/// use lback::sqlite::prelude::*;
///
/// let mut session = lback::sqlite::connect(":memory:")?;
/// diesel::sql_query("CREATE TABLE posts (id INTEGER PRIMARY KEY)").execute(session.conn())?;
/// diesel::sql_query(
///     "CREATE TABLE comments (id INTEGER PRIMARY KEY, \
///      post INTEGER REFERENCES posts (id) ON DELETE CASCADE)",
/// )
/// .execute(session.conn())?;
/// let silent = lback::sqlite::cascades(&mut session)?;
/// assert_eq!(silent[0].to_string(), "comments (post) REFERENCES posts ON DELETE CASCADE");
/// # lback::Result::Ok(())
/// ```
pub fn cascades(session: &mut Session) -> Result<Vec<Cascade>> {
    session
        .look_up(|conn| {
            diesel::sql_query(
            "SELECT m.name AS table_name, CAST(f.id AS TEXT) AS key_name, f.\"from\" AS column_name, \
             f.\"table\" AS parent, f.on_delete AS action \
             FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f \
             WHERE m.type = 'table' AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
             ORDER BY m.name, f.id, f.seq",
            )
            .load::<KeyColumn>(conn)
        })
        .map(crate::repository::cascades)
}
