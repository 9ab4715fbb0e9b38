//! What the statements of a repository need to know of PostgreSQL.

use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::deserialize::FromSqlRow;
use diesel::expression::IntoSql;
use diesel::pg::Pg;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl as _};

use crate::repository::{Dialect, Duplicates, LeftOut, Lock, ReadingBack, Suspects, Syntax};

impl Dialect for PgConnection {
    const SYNTAX: Syntax = Syntax::Postgres;
    // The protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;
    const READING_BACK: ReadingBack = ReadingBack::Returning;
    const LEFT_OUT: LeftOut = LeftOut::AsDefault;
    const DUPLICATES: Duplicates = Duplicates::NameColumns;
    const TO_UPDATE: Lock = Lock::ForNoKeyUpdate;
    const TO_CHANGE_KEY: Lock = Lock::ForUpdate;
    // Every lock needs the right to update, and a row that its policies show; DELETE does not.
    const TO_DELETE: Lock = Lock::None;

    fn suspects(&mut self, table: &str) -> QueryResult<Suspects> {
        // In `tgtype` 1 is FOR EACH ROW, 2 BEFORE, 8 DELETE, 64 INSTEAD OF; in `ev_type` 4 is DELETE.
        // (pg_trigger.h, and the page of the manual on pg_rewrite)
        let found = diesel::sql_query(
            "WITH this (id) AS (SELECT to_regclass($1))
             SELECT EXISTS (SELECT 1 FROM pg_trigger, this WHERE tgrelid = id
                            AND tgtype & 9 = 9 AND tgtype & 66 <> 0)
                 OR EXISTS (SELECT 1 FROM pg_rewrite, this WHERE ev_class = id AND ev_type = '4')
                 OR EXISTS (SELECT 1 FROM pg_class, this WHERE oid = id AND relkind = 'v') AS replaces,
                 EXISTS (SELECT 1 FROM pg_constraint, this WHERE conrelid = id
                         AND contype = 'f' AND confdeltype = 'c') AS cascades",
        );
        let found: Found = found.bind::<Text, _>(table).get_result(self)?;
        Ok(Suspects {
            replaces: found.replaces,
            cascades: found.cascades,
        })
    }

    fn fingerprint<'row>(row: &impl Row<'row, Pg>) -> u64 {
        let mut hasher = DefaultHasher::new();
        for place in 0..row.field_count() {
            let field = row.get(place);
            let value = field.as_ref().and_then(|field| field.value());
            value
                .map(|value| value.as_bytes().to_vec())
                .hash(&mut hasher);
        }
        hasher.finish()
    }

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

/// A row of the answer about suspects.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    replaces: bool,
    #[diesel(sql_type = Bool)]
    cascades: bool,
}
