//! [`Instant`]: the SQL type of a timestamp, where Diesel's own would lose some.

/// The type of the timestamps of the built-in users, that of
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
