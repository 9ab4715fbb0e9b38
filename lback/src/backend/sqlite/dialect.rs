//! What the statements of a repository need to know of SQLite.

use diesel::connection::LoadConnection;
use diesel::deserialize::FromSqlRow;
use diesel::expression::{IntoSql, QueryMetadata};
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::row::{Field, Row};
use diesel::sql_types::BigInt;
use diesel::sqlite::{Sqlite, SqliteType};
use diesel::{QueryResult, SqliteConnection};

use super::schema::{Definition, definitions_around};
use crate::repository::{Dialect, Duplicates, LeftOut, Lock, Narrow, Suspects, Syntax};

impl Dialect for SqliteConnection {
    const SYNTAX: Syntax = Syntax::Sqlite;
    // SQLITE_MAX_VARIABLE_NUMBER, since 3.32.
    const MAX_BINDS: usize = 32_766;
    const RETURNS: bool = true;
    const LEFT_OUT: LeftOut = LeftOut::Unnamed;
    const DUPLICATES: Duplicates = Duplicates::NameColumns;
    const TO_UPDATE: Lock = Lock::None;
    const TO_CHANGE_KEY: Lock = Lock::None;
    const TO_DELETE: Lock = Lock::None;
    const LEAVES_PARTS: bool = true;

    fn suspects(&mut self, table: &str) -> QueryResult<Suspects> {
        let (schema, name) = Self::SYNTAX.unquoted(table);
        let definitions = definitions_around(self, schema.as_deref(), &name)?;
        // Only triggers can write behind a view.
        let is_view = definitions.iter().any(|it| it.is_view_named(&name));
        Ok(Suspects {
            is_view,
            replaces: definitions
                .iter()
                .any(|it| it.may_take_away(&name, true, &definitions)),
            cascades: false,
            echoes: is_view,
            overwrites: definitions
                .iter()
                .any(|it| it.may_overwrite(&name, &definitions)),
            leaves_parts: definitions.iter().any(Definition::may_leave_part),
        })
    }

    fn writes_unseen(&mut self, table: &str) -> QueryResult<bool> {
        let (schema, name) = Self::SYNTAX.unquoted(table);
        let definitions = definitions_around(self, schema.as_deref(), &name)?;
        let writes = |it: &Definition| {
            it.is_view_named(&name) || it.may_take_away(&name, false, &definitions)
        };
        Ok(definitions.iter().any(writes))
    }

    /// SQLite's integers have 64 bits, whatever the column was declared as.
    fn narrow<Columns>() -> Vec<Narrow>
    where
        Sqlite: QueryMetadata<Columns>,
    {
        let mut types = Vec::new();
        <Sqlite as QueryMetadata<Columns>>::row_metadata(&mut (), &mut types);
        let bits = |ty| match ty {
            Some(SqliteType::SmallInt) => Some(16),
            Some(SqliteType::Integer) => Some(32),
            _ => None,
        };
        let columns = types.into_iter().enumerate();
        columns
            .filter_map(|(place, ty)| {
                Some(Narrow {
                    place,
                    bits: bits(ty)?,
                })
            })
            .collect()
    }

    #[inline]
    fn check_narrow<'row>(row: &impl Row<'row, Sqlite>, columns: &[Narrow]) -> QueryResult<()> {
        for column in columns {
            let Some(field) = row.get(column.place) else {
                continue;
            };
            let Some(mut value) = field.value() else {
                continue;
            };
            let beyond = value.read_long() >> (column.bits - 1);
            if beyond != 0 && beyond != -1 {
                return Err(too_wide(field.field_name(), column.bits));
            }
        }
        Ok(())
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

#[cold]
fn too_wide(column: Option<&str>, bits: u32) -> DieselError {
    let why = format!(
        "the column `{}` holds an integer of more than {bits} bits, which would be cut off: \
         declare it as `BigInt` in `diesel::table!`, and read an `i64`",
        column.unwrap_or("?")
    );
    DieselError::DeserializationError(Box::new(crate::value::WithoutValue(why.into())))
}
