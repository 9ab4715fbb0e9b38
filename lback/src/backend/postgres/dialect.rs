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

    fn may_lock(&mut self, table: &str) -> QueryResult<bool> {
        diesel::select(
            sql::<Bool>(
                "COALESCE((SELECT has_any_column_privilege(oid, 'UPDATE') \
                 FROM pg_class WHERE oid = to_regclass(",
            )
            .bind::<Text, _>(table)
            .sql(")), true)"),
        )
        .get_result(self)
    }

    /// What is asked takes no lock on a table: `pg_get_ruledef` and its like do, and the planner may ask them about
    /// tables of others.
    fn suspects(&mut self, table: &str) -> QueryResult<Suspects> {
        // In `tgtype` 1 is FOR EACH ROW, 2 BEFORE, 8 DELETE, 64 INSTEAD OF (pg_trigger.h). A partition may have
        // triggers of its own. What stands behind a view may have such a trigger too; only a view that could be
        // updated without triggers of its own takes a lock on its rows (of what `pg_relation_is_updatable` answers,
        // 8 and 16 are UPDATE and DELETE). Of a rule, the type 1 is the view, and 4 is DELETE. What is written to a
        // view may reach triggers of a view behind it, and what is written to a foreign table ('f') reaches those of
        // another server.
        diesel::select(
            sql::<BigInt>(
                "COALESCE((SELECT (EXISTS (SELECT 1 FROM pg_trigger WHERE tgtype & 11 = 11 AND tgrelid IN (\
                 WITH RECURSIVE tree (part) AS (SELECT it.oid UNION SELECT inhrelid \
                 FROM pg_inherits JOIN tree ON inhparent = part) SELECT part FROM tree)) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = it.oid AND ev_type = '4' AND NOT is_instead) \
                 OR relkind IN ('v', 'f') AND pg_relation_is_updatable(it.oid, false) & 24 = 24)::int \
                 + 2 * (it.oid IN (\
                 WITH RECURSIVE along (gone) AS (SELECT conrelid FROM pg_constraint \
                 WHERE contype = 'f' AND confdeltype = 'c' AND confrelid = it.oid \
                 UNION SELECT conrelid FROM pg_constraint JOIN along ON confrelid = gone \
                 WHERE contype = 'f' AND confdeltype = 'c') SELECT gone FROM along))::int \
                 + 4 * (relkind IN ('v', 'f'))::int \
                 + 8 * EXISTS (WITH RECURSIVE behind (rel) AS (SELECT it.oid UNION SELECT next \
                 FROM behind CROSS JOIN LATERAL (SELECT refobjid FROM pg_rewrite JOIN pg_depend \
                 ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid AND refclassid = 'pg_class'::regclass \
                 WHERE ev_class = rel AND ev_type = '1' \
                 UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = rel) AS step (next)) \
                 SELECT 1 FROM behind WHERE \
                 EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = rel AND tgtype & 64 = 64) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = rel AND ev_type <> '1' AND is_instead) \
                 OR EXISTS (SELECT 1 FROM pg_class AS far WHERE far.oid = rel AND far.relkind = 'f'))::int \
                 FROM pg_class AS it WHERE it.oid = to_regclass(",
            )
            .bind::<Text, _>(table)
            .sql(")), 0)::bigint"),
        )
        .get_result(self)
        .map(Suspects::of_bits)
    }

    /// Three things may have written: rules that put something in the statement's place, or before it; what stands
    /// behind a view, or in another server; and triggers of any kind but AFTER .. FOR EACH ROW (1 in `tgtype`, with
    /// neither 2, BEFORE, nor 64, INSTEAD OF), which nothing sets off where no row is written.
    ///
    /// A rule's action is read as it is stored, where 2 is UPDATE and 4 is DELETE (`CmdType`, nodes.h). One that
    /// inserts, calls no function that somebody has defined (their numbers begin at 16384, transam.h), and names no
    /// other table with triggers or rules, or of another server, leaves the row where it is.
    ///
    /// A function in PL/pgSQL writes by one of a few words, or by a function that it calls: that is looked for in a
    /// trigger for each statement. One for each row must answer NULL, or an empty record, if its row is not to be
    /// found; and where an update moves a row to another partition, one before the INSERT (4) there may do so.
    fn writes_unseen(&mut self, table: &str) -> QueryResult<bool> {
        let writes =
            "(insert|update|delete|merge|truncate|copy|perform|select|execute|call|notify)";
        let gives_another = "\\m(new|old)\\M\\s*:=|(;|\\*/|--[^\\n]*\\n|\\m(begin|then|else|loop)\\M)\\s*(new|old)\\s*=|\
             \\minto\\s+(strict\\s+)?(new|old)\\M(?!\\s*\\.)|\\mreturn\\M\\s*(?!\\s|(new|old|coalesce)\\M)";
        diesel::select(
            sql::<Bool>(
                "(WITH RECURSIVE tree (part) AS (SELECT oid FROM pg_class WHERE oid = to_regclass(",
            )
            .bind::<Text, _>(table)
            .sql(&format!(
                ") UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = part) \
                 SELECT EXISTS (SELECT 1 FROM pg_class JOIN tree ON oid = part WHERE relkind IN ('v', 'f')) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite JOIN tree ON ev_class = part WHERE ev_type IN ('2', '4') \
                 AND (is_instead OR ev_action::text ~ ':commandType [24]\\M' \
                 OR EXISTS (SELECT 1 FROM regexp_matches(ev_action::text, ':(?:op)?funcid (\\d+)', 'g') AS called (id) \
                 WHERE id[1]::bigint >= 16384) \
                 OR EXISTS (SELECT 1 FROM regexp_matches(ev_action::text, ':relid (\\d+)', 'g') AS other (id) \
                 WHERE id[1]::oid <> ev_class \
                 AND (EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = id[1]::oid AND NOT tgisinternal) \
                 OR EXISTS (SELECT 1 FROM pg_rewrite AS another WHERE another.ev_class = id[1]::oid) \
                 OR EXISTS (SELECT 1 FROM pg_class WHERE oid = id[1]::oid AND relkind = 'f'))))) \
                 OR EXISTS (SELECT 1 FROM pg_trigger JOIN tree ON tgrelid = part \
                 JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang \
                 WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 67 <> 1 AND lanname <> 'internal' \
                 AND (tgtype & 24 <> 0 AND CASE WHEN lanname <> 'plpgsql' THEN true \
                 WHEN tgtype & 1 = 0 THEN prosrc ~* '\\m{writes}\\M|\\(' \
                 ELSE prosrc ~* '\\m{writes}\\M' AND prosrc ~* '\\mnull\\M' \
                 OR prosrc ~* '\\m{writes}\\M|\\(' AND prosrc ~* '{gives_another}' END \
                 OR tgtype & 7 = 7 AND (lanname <> 'plpgsql' OR prosrc ~* '\\mnull\\M|{gives_another}') \
                 AND EXISTS (SELECT 1 FROM pg_class WHERE oid = part AND (relispartition OR relkind = 'p')))))"
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
