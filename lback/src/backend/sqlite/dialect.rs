//! What the statements of a repository need to know of SQLite.

use diesel::connection::LoadConnection;
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::BigInt;
use diesel::{QueryResult, SqliteConnection};

use crate::repository::{Dialect, Duplicates, LeftOut, Locking, ReadingBack, Syntax};

impl Dialect for SqliteConnection {
    const SYNTAX: Syntax = Syntax::Sqlite;
    // SQLITE_MAX_VARIABLE_NUMBER, since 3.32.
    const MAX_BINDS: usize = 32_766;
    const READING_BACK: ReadingBack = ReadingBack::Returning;
    const LOCKING: Locking = Locking::OneWriter;
    const LEFT_OUT: LeftOut = LeftOut::Unnamed;
    const DUPLICATES: Duplicates = Duplicates::NameColumns;

    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId {
        value.into_sql::<BigInt>()
    }

    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId,
    {
        let number = self.load(statement)?.next().ok_or(DieselError::NotFound)?;
        i64::build_from_row(&number?).map_err(DieselError::DeserializationError)
    }
}
