//! What the statements of a repository need to know of MySQL.

use diesel::connection::LoadConnection;
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{MysqlConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use crate::repository::{Dialect, Duplicates, LeftOut, Locking, ReadingBack, Syntax};

impl Dialect for MysqlConnection {
    const SYNTAX: Syntax = Syntax::Mysql;
    // The protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;
    const READING_BACK: ReadingBack = ReadingBack::Select;
    const LOCKING: Locking = Locking::ForUpdate;
    const LEFT_OUT: LeftOut = LeftOut::AsDefault;
    const DUPLICATES: Duplicates = Duplicates::NameIndex;

    const HAS_ENGINES: bool = true;

    fn engine_without_transactions(&mut self, table: &str) -> QueryResult<Option<String>> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = Text)]
            engine: String,
        }

        let mut names = table.rsplitn(2, "`.`").map(|name| name.trim_matches('`'));
        let (name, schema) = (names.next().unwrap_or(table), names.next());
        let found = sql_query(
            "SELECT engines.ENGINE AS engine FROM information_schema.TABLES AS tables
             JOIN information_schema.ENGINES AS engines ON engines.ENGINE = tables.ENGINE
             WHERE tables.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND tables.TABLE_NAME = ?
             AND COALESCE(engines.TRANSACTIONS, 'NO') <> 'YES'",
        )
        .bind::<Nullable<Text>, _>(schema.map(|schema| schema.replace("``", "`")))
        .bind::<Text, _>(name.replace("``", "`"))
        .load::<Found>(self)?;
        Ok(found.into_iter().next().map(|found| found.engine))
    }

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
