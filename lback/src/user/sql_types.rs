//! The SQL types of the columns that Diesel has no type for.

/// The type of [`users::password`](super::schema::users::password): text that only
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

/// The type of the timestamps of [`users`](super::schema::users), that of
/// [`Timestamp`](super::Timestamp).
///
/// It is Diesel's [`Timestamp`](diesel::sql_types::Timestamp), but on MySQL what the columns are:
/// `DATETIME`. A value that is bound as `TIMESTAMP` ends in 2038 on MariaDB, and one beyond that is
/// stored as NULL, without a word: a token that expires late would never expire.
// 1114 and 1115 are PostgreSQL's OIDs of `timestamp` and `timestamp[]` (pg_type.dat).
#[derive(
    Clone, Copy, Debug, Default, diesel::sql_types::SqlType, diesel::query_builder::QueryId,
)]
#[diesel(sqlite_type(name = "Text"))]
#[diesel(postgres_type(oid = 1114, array_oid = 1115))]
#[diesel(mysql_type(name = "DateTime"))]
pub struct Instant;

impl diesel::sql_types::SqlOrd for Instant {}
