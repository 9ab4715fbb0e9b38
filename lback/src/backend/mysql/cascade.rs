//! Where MySQL and MariaDB may delete or change rows by itself.

use diesel::RunQueryDsl;

use super::Session;
use crate::error::Result;
use crate::repository::{Cascade, KeyColumn};

/// The foreign keys by which the database deletes or changes rows itself when another row goes.
/// Those of the database that is in use.
///
/// Such rows send no signal, for nobody asks a repository: delete the children through theirs
/// first, or list those keys in a test, so that each new one is noticed.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
///
/// ```no_run
/// # let mut session = lback::mysql::connect("")?;
/// for silent in lback::mysql::cascades(&mut session)? {
///     println!("sends no signal: {silent}");
/// }
/// # lback::Result::Ok(())
/// ```
pub fn cascades(session: &mut Session) -> Result<Vec<Cascade>> {
    session
        .look_up(|conn| {
            diesel::sql_query(
                "SELECT k.table_name AS table_name, k.constraint_name AS key_name, \
             k.column_name AS column_name, k.referenced_table_name AS parent, \
             r.delete_rule AS action \
             FROM information_schema.referential_constraints AS r \
             JOIN information_schema.key_column_usage AS k \
             ON k.constraint_schema = r.constraint_schema \
             AND k.constraint_name = r.constraint_name AND k.table_name = r.table_name \
             WHERE r.constraint_schema = database() \
             AND r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
             ORDER BY k.table_name, k.constraint_name, k.ordinal_position",
            )
            .load::<KeyColumn>(conn)
        })
        .map(crate::repository::cascades)
}
