//! What a repository remembers of the texts of its statements.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::Error;
use once_cell::sync::OnceCell;

use super::prepared::Shapes;
use super::text::{Syntax, text_of};
use crate::repository::bound::Makes;
use crate::repository::dialect::{Dialect, Narrow};
use crate::repository::keyed::Keyed;

/// A static of each repository.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Texts {
    names: OnceCell<Names>,
    pub(crate) updates: Shapes,
    /// Those of updates of a row as it was read.
    pub(crate) updates_of_version: Shapes,
    /// Those of updates of many rows.
    pub(crate) updates_of_many: Shapes,
}

impl Texts {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            names: OnceCell::new(),
            updates: Shapes::new(),
            updates_of_version: Shapes::new(),
            updates_of_many: Shapes::new(),
        }
    }

    /// The names in the statements of the repository that this is a static of.
    #[inline]
    pub(crate) fn names<C, Table, Key, Form, Columns, E>(
        &self,
        version: Option<&str>,
    ) -> QueryResult<&Names>
    where
        C: Dialect,
        Table: Keyed<C, Key, Form>,
        Columns: Makes<E, Table, C>,
    {
        self.names
            .get_or_try_init(|| Names::of::<C, Table, Key, Form, Columns, E>(version))
    }
}

/// What is the same in all statements, quoted once: each statement is walked several times, and an
/// UPDATE is the dearest.
pub(crate) struct Names {
    pub(crate) table: String,
    /// The key: its column, or all of them with commas between them.
    pub(crate) key: String,
    /// Each column of the key.
    pub(crate) keys: Vec<String>,
    /// `(@lback_key := key)`: MySQL keeps the key.
    pub(crate) keeping: String,
    /// `key = (@lback_key := key)`, for an UPDATE.
    pub(crate) keeping_set: String,
    /// `key = @lback_key`
    pub(crate) is_kept: String,
    /// `SELECT columns FROM table`
    pub(crate) select: String,
    /// `UPDATE table SET `
    pub(crate) update: String,
    /// ` RETURNING columns`
    pub(crate) returning: String,
    /// The same, or nothing where an UPDATE cannot return its row, which is then read back.
    pub(crate) returning_updated: String,
    /// The column that counts updates, if there is one.
    pub(crate) version: String,
    /// `, version = version + 1`, or nothing.
    pub(crate) next_version: String,
    pub(crate) narrow: Vec<Narrow>,
    /// The same without the key: where a row was found by it, it fits.
    pub(crate) narrow_beside_key: Vec<Narrow>,
}

impl Names {
    fn of<C, Table, Key, Form, Columns, E>(version: Option<&str>) -> QueryResult<Self>
    where
        C: Dialect,
        Table: Keyed<C, Key, Form>,
        Columns: Makes<E, Table, C>,
    {
        let table = text_of::<C::Backend, _>(&Table::from())?;
        let columns = text_of::<C::Backend, _>(&Columns::columns())?;
        if C::SYNTAX.binds(&columns) > 0 {
            let why = format!("`{columns}` binds values: a selection of a repository may not");
            return Err(Error::QueryBuilderError(why.into()));
        }
        let returning = match C::SYNTAX {
            Syntax::Sqlite => format!(" RETURNING {}", without_schema(&columns, &table)),
            Syntax::Postgres | Syntax::Mysql => format!(" RETURNING {columns}"),
        };
        let version = match version {
            Some(version) => text_of::<C::Backend, _>(&Name(version))?,
            None => String::new(),
        };
        let key = text_of::<C::Backend, _>(&Table::key())?;
        let narrow = Columns::narrow();
        let selected = C::SYNTAX.list(&columns);
        let keys: Vec<_> = C::SYNTAX
            .list(&key)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let each = |write: fn(&str, &str) -> String, between: &str| {
            let variable = |place| match place {
                0 => "@lback_key".to_owned(),
                other => format!("@lback_key_{other}"),
            };
            let texts = keys.iter().enumerate();
            let texts: Vec<_> = texts.map(|(i, key)| write(key, &variable(i))).collect();
            texts.join(between)
        };
        let is_key = |column: &Narrow| {
            let name = selected.get(column.place);
            name.is_some_and(|name| keys.iter().any(|key| key == name))
        };
        Ok(Self {
            narrow_beside_key: narrow.iter().filter(|it| !is_key(it)).copied().collect(),
            narrow,
            keeping: each(|key, kept| format!("({kept} := {key})"), ", "),
            keeping_set: each(|key, kept| format!("{key} = ({kept} := {key})"), ", "),
            is_kept: each(|key, kept| format!("{key} = {kept}"), " AND "),
            keys,
            key,
            select: format!("SELECT {columns} FROM {table}"),
            update: format!("UPDATE {table} SET "),
            returning_updated: if C::RETURNS {
                returning.clone()
            } else {
                String::new()
            },
            returning,
            next_version: if version.is_empty() {
                String::new()
            } else {
                format!(", {version} = {version} + 1")
            },
            version,
            table,
        })
    }
}

struct Name<'name>(&'name str);

impl<DB: Backend> QueryFragment<DB> for Name<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_identifier(self.0)
    }
}

/// Columns without the schema of their table, which SQLite does not know behind RETURNING.
fn without_schema(columns: &str, table: &str) -> String {
    let name = Syntax::Sqlite.last_name(table);
    if name == table {
        columns.to_owned()
    } else {
        columns.replace(&format!("{table}."), &format!("{name}."))
    }
}

#[cfg(test)]
mod tests {
    use super::without_schema;

    #[test]
    fn columns_lose_the_schema_of_their_table() {
        let columns = "`attached`.`t`.`id`, `attached`.`t`.`a`";
        let without = without_schema(columns, "`attached`.`t`");
        assert_eq!(without, "`t`.`id`, `t`.`a`");
        assert_eq!(without_schema("`t`.`id`", "`t`"), "`t`.`id`");
    }
}
