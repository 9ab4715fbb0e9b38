//! What the statements of a repository need to know of PostgreSQL.

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryResult};

use crate::repository::{Dialect, Duplicates, LeftOut, Locking, ReadingBack, Syntax};

impl Dialect for PgConnection {
    const SYNTAX: Syntax = Syntax::Postgres;
    // The protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;
    const READING_BACK: ReadingBack = ReadingBack::Returning;
    const LOCKING: Locking = Locking::ForUpdate;
    const LEFT_OUT: LeftOut = LeftOut::AsDefault;
    const DUPLICATES: Duplicates = Duplicates::NameColumns;

    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId {
        value.into_sql::<BigInt>()
    }

    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId,
    {
        let mut numbers = LoadConnection::<DefaultLoadingMode>::load(self, statement)?;
        let number = numbers.next().ok_or(DieselError::NotFound)?;
        i64::build_from_row(&number?).map_err(DieselError::DeserializationError)
    }
}
