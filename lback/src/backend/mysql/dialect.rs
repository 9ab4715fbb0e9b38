//! What the statements of a repository need to know of MySQL.

use diesel::connection::LoadConnection;
use diesel::deserialize::FromSqlRow;
use diesel::dsl::sql;
use diesel::expression::IntoSql;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{MysqlConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use crate::repository::{Dialect, Duplicates, LeftOut, Lock, Syntax};

impl Dialect for MysqlConnection {
    const SYNTAX: Syntax = Syntax::Mysql;
    // The protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;
    // The least `max_allowed_packet` that a server has had in this century is 1 MiB.
    const SURE_BYTES: Option<usize> = Some(512 * 1024);
    const RETURNS: bool = false;
    const LEFT_OUT: LeftOut = LeftOut::AsDefault;
    const DUPLICATES: Duplicates = Duplicates::NameIndex;
    const TO_UPDATE: Lock = Lock::ForUpdate;
    const TO_CHANGE_KEY: Lock = Lock::ForUpdate;
    const TO_DELETE: Lock = Lock::ForUpdate;
    const LOCKS_AS_IT_FINDS: bool = true;

    /// MariaDB can since 10.5, and MySQL cannot: what stands in such a comment is read by the former
    /// alone.
    fn returns_inserted(&mut self) -> QueryResult<bool> {
        diesel::select(sql::<BigInt>("/*M!100500 1 + */ 0"))
            .get_result::<i64>(self)
            .map(|answer| answer == 1)
    }

    /// A trigger before the INSERT may set the key. One that the role may not see (it takes the right TRIGGER)
    /// is not noticed.
    fn rewrites_keys(&mut self, table: &str) -> QueryResult<bool> {
        let (schema, table) = Self::SYNTAX.unquoted(table);
        diesel::select(
            sql::<Bool>(
                "EXISTS (SELECT 1 FROM information_schema.triggers WHERE action_timing = 'BEFORE' \
                 AND event_manipulation = 'INSERT' AND event_object_schema = coalesce(",
            )
            .bind::<Nullable<Text>, _>(schema)
            .sql(", database()) AND event_object_table = ")
            .bind::<Text, _>(table)
            .sql(")"),
        )
        .get_result(self)
    }

    fn numbers(&mut self, table: &str, column: &str) -> QueryResult<bool> {
        let (schema, table) = Self::SYNTAX.unquoted(table);
        let (_, column) = Self::SYNTAX.unquoted(column);
        diesel::select(
            sql::<Bool>(
                "EXISTS (SELECT 1 FROM information_schema.columns \
                 WHERE extra LIKE '%auto_increment%' AND table_schema = coalesce(",
            )
            .bind::<Nullable<Text>, _>(schema)
            .sql(", database()) AND table_name = ")
            .bind::<Text, _>(table)
            .sql(" AND column_name = ")
            .bind::<Text, _>(column)
            .sql(")"),
        )
        .get_result(self)
    }

    fn max_bytes(&mut self) -> QueryResult<Option<usize>> {
        let most: i64 = diesel::select(sql::<BigInt>("CAST(@@max_allowed_packet AS SIGNED)"))
            .get_result(self)?;
        Ok(usize::try_from(most).ok())
    }

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

    fn columns_of_index(&mut self, table: &str, index: &str) -> QueryResult<Option<String>> {
        super::index::columns(self, table, index)
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
