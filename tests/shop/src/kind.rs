//! Enums, stored as texts.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;

macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                match self { $(Self::$variant => $text.to_sql(out),)* }
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                match String::from_sql(value)?.as_str() {
                    $($text => Ok(Self::$variant),)*
                    other => Err(format!("`{other}` is no {}", stringify!($name)).into()),
                }
            }
        }
    };
}

text_enum! {
    /// What a product is.
    Kind {
        /// To be read.
        Book = "book",
        /// To be used.
        Tool = "tool",
    }
}

text_enum! {
    /// How far an order is.
    Status {
        /// It waits.
        Open = "open",
        /// It is on its way.
        Shipped = "shipped",
    }
}
