//! [`UserId`]: the key of a user.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The key of a user, given by the database.
///
/// A table that the Python framework made on PostgreSQL has 32-bit keys; they are read as well.
///
/// ```
/// use lback::UserId;
///
/// let id = UserId::from(7);
/// assert_eq!((id.to_string(), i64::from(id)), ("7".to_owned(), 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub struct UserId(i64);

impl From<i64> for UserId {
    fn from(id: i64) -> Self {
        Self(id)
    }
}

impl From<UserId> for i64 {
    fn from(id: UserId) -> Self {
        id.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

impl<DB> ToSql<BigInt, DB> for UserId
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

// One by one, because PostgreSQL's differs.
#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::backend::Backend;
    use diesel::deserialize::{self, FromSql};
    use diesel::sql_types::BigInt;
    use diesel::sqlite::Sqlite;

    use super::UserId;

    impl FromSql<BigInt, Sqlite> for UserId {
        fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
            <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Self)
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use diesel::deserialize::{self, FromSql};
    use diesel::mysql::{Mysql, MysqlValue};
    use diesel::sql_types::BigInt;

    use super::UserId;

    impl FromSql<BigInt, Mysql> for UserId {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            <i64 as FromSql<BigInt, Mysql>>::from_sql(value).map(Self)
        }
    }
}

#[cfg(any(feature = "postgres", feature = "diesel-async"))]
mod postgres {
    use diesel::deserialize::{self, FromSql};
    use diesel::pg::{Pg, PgValue};
    use diesel::sql_types::{BigInt, Integer};

    use super::UserId;

    impl FromSql<BigInt, Pg> for UserId {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            // Values arrive in binary, and Diesel accepts eight bytes for BigInt and nothing else.
            if value.as_bytes().len() == size_of::<i32>() {
                return <i32 as FromSql<Integer, Pg>>::from_sql(value).map(|id| Self(id.into()));
            }
            <i64 as FromSql<BigInt, Pg>>::from_sql(value).map(Self)
        }
    }
}
