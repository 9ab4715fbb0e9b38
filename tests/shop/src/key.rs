//! Keys of the shop's own.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{BigInt, Text};

macro_rules! key {
    ($(#[$meta:meta])* $name:ident($inner:ty) as $sql:ty) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
        #[diesel(sql_type = $sql)]
        pub struct $name(pub $inner);

        impl<DB: Backend> ToSql<$sql, DB> for $name
        where
            $inner: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<$sql, DB> for $name
        where
            $inner: FromSql<$sql, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                <$inner>::from_sql(value).map(Self)
            }
        }
    };
}

key! {
    /// The key of an order, made by the database.
    #[derive(Copy)]
    OrderId(i64) as BigInt
}

key! {
    /// The key of a movement of stock, made by the database.
    #[derive(Copy)]
    MoveId(i64) as BigInt
}

key! {
    /// A UUID, where the database has no type for it.
    TextUuid(String) as Text
}

impl TextUuid {
    /// As [`uuid::Uuid::from_u128`].
    pub fn from_u128(number: u128) -> Self {
        Self(uuid::Uuid::from_u128(number).to_string())
    }
}
