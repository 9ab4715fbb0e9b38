//! What the statements of a repository need to know of PostgreSQL.

use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::deserialize::FromSqlRow;
use diesel::dsl::sql;
use diesel::expression::IntoSql;
use diesel::pg::Pg;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryResult, RunQueryDsl as _};

use super::Postgres;
use crate::repository::{Dialect, Duplicates, LeftOut, Lock, Suspects, Syntax};
use crate::signal::AnySignals;

impl<C: Postgres + AnySignals> Dialect for C {
    const SYNTAX: Syntax = Syntax::Postgres;
    // The protocol counts them in 16 bits.
    const MAX_BINDS: usize = 65_535;
    const RETURNS: bool = true;
    const LEFT_OUT: LeftOut = LeftOut::AsDefault;
    const DUPLICATES: Duplicates = Duplicates::NameColumns;
    const TO_UPDATE: Lock = Lock::ForNoKeyUpdate;
    const TO_CHANGE_KEY: Lock = Lock::ForUpdate;
    // Every lock needs the right to update, and a row that its policies show; DELETE does not.
    const TO_DELETE: Lock = Lock::None;

    fn suspects(&mut self, table: &str) -> QueryResult<Suspects> {
        // In `tgtype` 1 is FOR EACH ROW, 2 BEFORE, 8 DELETE (pg_trigger.h). A partition may have triggers of
        // its own. What stands behind a view may
        // have such a trigger too; only one that could be updated without triggers of its own (8 and 16
        // are UPDATE and DELETE) takes a lock on its rows. 64 is INSTEAD OF. Of a rule, the type 1 is the view and 4
        // is DELETE.
        diesel::select(
            sql::<BigInt>(
                "COALESCE((SELECT (has_any_column_privilege(oid, 'UPDATE') \
                 AND (EXISTS (SELECT 1 FROM pg_trigger WHERE tgtype & 11 = 11 AND tgrelid IN (\
                 WITH RECURSIVE tree (part) AS (SELECT pg_class.oid UNION SELECT inhrelid \
                 FROM pg_inherits JOIN tree ON inhparent = part) SELECT part FROM tree)) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = pg_class.oid AND ev_type = '4' AND NOT is_instead) \
                 OR relkind = 'v' AND pg_relation_is_updatable(oid, false) & 24 = 24))::int \
                 + 2 * (has_any_column_privilege(oid, 'UPDATE') AND oid IN (\
                 WITH RECURSIVE along (gone) AS (SELECT conrelid FROM pg_constraint \
                 WHERE contype = 'f' AND confdeltype = 'c' AND confrelid = pg_class.oid \
                 UNION SELECT conrelid FROM pg_constraint JOIN along ON confrelid = gone \
                 WHERE contype = 'f' AND confdeltype = 'c') SELECT gone FROM along))::int \
                 + 4 * (relkind = 'v')::int \
                 + 8 * (EXISTS (SELECT 1 FROM pg_trigger \
                 WHERE tgrelid = pg_class.oid AND tgtype & 64 = 64) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite \
                 WHERE ev_class = pg_class.oid AND ev_type <> '1' AND is_instead))::int \
                 FROM pg_class WHERE oid = to_regclass(",
            )
            .bind::<Text, _>(table)
            .sql(")), 0)::bigint"),
        )
        .get_result(self)
        .map(Suspects::of_bits)
    }

    /// Rules that put something else in place, or beside it, before it, write to rows that are there; what stands
    /// behind a view; and triggers of any kind but
    /// AFTER .. FOR EACH ROW (1 in `tgtype`, with neither 2, BEFORE, nor 64, INSTEAD OF), which nothing sets off
    /// where no row is written. A function in PL/pgSQL writes by one of a few words, or by a function that it
    /// calls: that is looked for in a trigger for each statement. One for each row must answer NULL, or an empty
    /// record, if its row is not to be found. A rule's action is read as it is stored, where 2 is UPDATE and 4 is
    /// DELETE (`CmdType`, nodes.h): `pg_get_ruledef` takes a lock on the table of each rule that it is asked about,
    /// and the planner may ask it about those of other tables.
    fn writes_unseen(&mut self, table: &str) -> QueryResult<bool> {
        let writes =
            "(insert|update|delete|merge|truncate|copy|perform|select|execute|call|notify)";
        diesel::select(
            sql::<Bool>(
                "(WITH RECURSIVE tree (part) AS (SELECT oid FROM pg_class WHERE oid = to_regclass(",
            )
            .bind::<Text, _>(table)
            .sql(&format!(
                ") UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = part) \
                 SELECT EXISTS (SELECT 1 FROM pg_class JOIN tree ON oid = part WHERE relkind = 'v') \
                 OR EXISTS (SELECT 1 FROM pg_rewrite JOIN tree ON ev_class = part WHERE ev_type IN ('2', '4') \
                 AND (is_instead OR ev_action::text ~ ':commandType [24]\\M')) \
                 OR EXISTS (SELECT 1 FROM pg_trigger JOIN tree ON tgrelid = part \
                 JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang \
                 WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 24 <> 0 AND tgtype & 67 <> 1 \
                 AND CASE lanname WHEN 'plpgsql' THEN CASE tgtype & 1 \
                 WHEN 0 THEN prosrc ~* '\\m{writes}\\M|\\(' \
                 ELSE prosrc ~* '\\m{writes}\\M' AND prosrc ~* '\\mnull\\M' \
                 OR prosrc ~* '\\m{writes}\\M|\\(' AND prosrc ~* '\\mreturn\\M\\s+(?!(new|old|coalesce)\\M)' END \
                 WHEN 'internal' THEN false ELSE true END))"
            )),
        )
        .get_result(self)
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
