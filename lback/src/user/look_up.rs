//! What the look-ups of users have in common on all databases.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::{AppearsOnTable, AsExpression, Expression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Nullable, Text};

use crate::error::{Error, Result, is_beyond_characters};
use crate::value::{Instant, Timestamp};

/// A comparison that Diesel has not: a column and a value, with what each database writes before, between
/// and behind them.
macro_rules! comparison {
    (
        $(#[$doc:meta])*
        $function:ident $Name:ident:
        $($(#[$about:meta])+ $database:meta, $backend:ty: $before:literal $between:literal $behind:literal)*
    ) => {
        $(#[$doc])*
        pub(crate) fn $function<C, V>(column: C, value: V) -> $Name<C, V::Expression>
        where
            V: AsExpression<Text>,
        {
            let value = value.as_expression();
            $Name { column, value }
        }

        #[derive(Clone, Copy, Debug, QueryId, ValidGrouping)]
        pub(crate) struct $Name<C, V> {
            column: C,
            value: V,
        }

        impl<C: Expression, V: Expression> Expression for $Name<C, V> {
            type SqlType = Nullable<Bool>;
        }

        impl<C, V, QS> AppearsOnTable<QS> for $Name<C, V>
        where
            C: AppearsOnTable<QS>,
            V: AppearsOnTable<QS>,
            Self: Expression,
        {
        }

        $(
            $(#[$about])+
            #[cfg($database)]
            impl<C, V> QueryFragment<$backend> for $Name<C, V>
            where
                C: QueryFragment<$backend>,
                V: QueryFragment<$backend>,
            {
                fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                    out.push_sql($before);
                    self.column.walk_ast(out.reborrow())?;
                    out.push_sql($between);
                    self.value.walk_ast(out.reborrow())?;
                    out.push_sql($behind);
                    Ok(())
                }
            }
        )*
    };
}

comparison! {
    /// `column = value`, byte for byte, whatever the collation of the column.
    ///
    /// Beside Diesel's `eq`, which decides by the column's collation and so can use its index: that one
    /// finds who may be meant, this one who is.
    same_bytes SameBytes:
    /// Its own collation of bytes.
    feature = "sqlite", diesel::sqlite::Sqlite: "" " COLLATE BINARY = " ""
    /// The type may be `citext`, which has an `=` of its own.
    any(feature = "postgres", feature = "diesel-async"), diesel::pg::Pg: "" "::text COLLATE \"C\" = " ""
    /// The column may be of another character set, and so of other bytes; values come in utf8mb4.
    feature = "mysql", diesel::mysql::Mysql: "CAST(CONVERT(" " USING utf8mb4) AS BINARY) = " ""
}

comparison! {
    /// `column LIKE pattern`, as [`pattern`] makes it.
    like Like:
    /// As Diesel writes it.
    feature = "sqlite", diesel::sqlite::Sqlite: "" " LIKE " " ESCAPE '!'"
    /// Collations that are not deterministic, such as one that knows no case, have no LIKE before
    /// PostgreSQL 18. The database's own is deterministic, and among those LIKE compares alike.
    any(feature = "postgres", feature = "diesel-async"), diesel::pg::Pg: "" " COLLATE \"default\" LIKE " " ESCAPE '!'"
    /// As Diesel writes it.
    feature = "mysql", diesel::mysql::Mysql: "" " LIKE " " ESCAPE '!'"
}

/// Until when a token counts, from a row that may be unreadable otherwise.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub(crate) enum Expiry {
    Never,
    At(Timestamp),
    /// No instant, or one that is out of range: whether it is over nobody can tell.
    Unreadable,
}

impl Expiry {
    pub(crate) fn is_to_come(self, without: bool) -> bool {
        match self {
            Self::Never => without,
            Self::At(expiry) => expiry > Timestamp::now(),
            Self::Unreadable => false,
        }
    }
}

impl From<Option<Timestamp>> for Expiry {
    fn from(expiry: Option<Timestamp>) -> Self {
        expiry.map_or(Self::Never, Self::At)
    }
}

impl<DB> FromSql<Nullable<Instant>, DB> for Expiry
where
    DB: Backend,
    Timestamp: FromSql<Instant, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Timestamp::from_sql(bytes).map_or(Self::Unreadable, Self::At))
    }

    fn from_nullable_sql(bytes: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        bytes.map_or(Ok(Self::Never), Self::from_sql)
    }
}

/// `term` as a pattern for LIKE that finds it anywhere, with `!` as the escape character; `None` if it is
/// longer than SQLite's `SQLITE_MAX_LIKE_PATTERN_LENGTH`, and so than any name or address.
pub(crate) fn pattern(term: &str) -> Option<String> {
    const MOST_BYTES: usize = 50_000;
    if term.len() > MOST_BYTES {
        return None;
    }
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for character in term.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    (pattern.len() <= MOST_BYTES).then_some(pattern)
}

/// Whether no row holds `text`: validation refuses NUL, and PostgreSQL refuses to look for it, which
/// would abort the caller's transaction.
pub(crate) fn is_never_stored(text: &str) -> bool {
    text.contains('\0')
}

/// The same for a token. An empty one is none, whoever has stored it.
pub(crate) fn is_never_a_token(text: &str) -> bool {
    text.is_empty() || is_never_stored(text)
}

/// Whether a query failed because of a row that was there, and not of the database.
pub(crate) fn is_of_a_row(error: &Error) -> bool {
    matches!(error, Error::Database(DieselError::DeserializationError(_)))
}

/// Nothing, where the column's character set has no such characters as are looked for, which MySQL
/// reports as an error.
pub(crate) fn nothing_beyond_its_characters<T: Default>(found: Result<T>) -> Result<T> {
    match found {
        Err(Error::Database(error)) if is_beyond_characters(&error) => Ok(T::default()),
        found => found,
    }
}
