//! Where PostgreSQL may delete or change rows by itself.

use diesel::RunQueryDsl;
use diesel::pg::Pg;

use crate::error::Result;
use crate::repository::{Cascade, KeyColumn};
use crate::session::{Session, SessionConnection};

/// The foreign keys by which the database deletes or changes rows itself when another row goes.
/// Those of the schemas on the search path.
///
/// Such rows send no signal, for nobody asks a repository: delete the children through theirs
/// first, or list those keys in a test, so that each new one is noticed.
///
/// # Errors
///
/// [`Error::Database`](crate::Error::Database).
///
/// ```no_run
/// # let mut session = lback::postgres::connect("")?;
/// for silent in lback::postgres::cascades(&mut session)? {
///     println!("sends no signal: {silent}");
/// }
/// # lback::Result::Ok(())
/// ```
pub fn cascades<C>(session: &mut Session<C>) -> Result<Vec<Cascade>>
where
    C: SessionConnection<Backend = Pg>,
{
    session
        .look_up(|conn| {
            diesel::sql_query(
                "SELECT k.conrelid::regclass::text AS table_name, k.conname::text AS key_name, \
             a.attname::text AS column_name, k.confrelid::regclass::text AS parent, \
             k.confdeltype::text AS action \
             FROM pg_constraint AS k \
             JOIN pg_namespace AS n ON n.oid = k.connamespace \
             CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS c (number, place) \
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number \
             WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd') \
             AND k.conparentid = 0 AND n.nspname = ANY (current_schemas(false)) \
             ORDER BY table_name, key_name, c.place",
            )
            .load::<KeyColumn>(conn)
        })
        .map(crate::repository::cascades)
}
