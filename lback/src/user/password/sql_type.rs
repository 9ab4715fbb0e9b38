//! [`PasswordHash`]: the SQL type of the column that holds the hashes.

/// The type of [`users::password`](crate::schema::users::password): text that only
/// [`Password`](super::Password) can be read from and written to.
///
/// To the databases it is text. To Diesel it is a type of its own, so that a hash cannot be loaded,
/// compared or searched as text:
///
/// ```compile_fail,E0277
/// # fn leak(conn: &mut diesel::SqliteConnection) -> diesel::QueryResult<Vec<String>> {
/// use diesel::prelude::*;
/// use lback::schema::users;
///
/// users::table.select(users::password).load::<String>(conn)
/// # }
/// ```
///
/// ```
/// # fn load(conn: &mut diesel::SqliteConnection) -> diesel::QueryResult<Vec<lback::Password>> {
/// use diesel::prelude::*;
/// use lback::schema::users;
///
/// users::table.select(users::password).load::<lback::Password>(conn)
/// # }
/// ```
// 25 and 1009 are PostgreSQL's OIDs of `text` and `text[]` (pg_type.dat).
#[derive(
    Clone, Copy, Debug, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId,
)]
#[diesel(sqlite_type(name = "Text"))]
#[diesel(postgres_type(oid = 25, array_oid = 1009))]
#[diesel(mysql_type(name = "String"))]
pub struct PasswordHash;
