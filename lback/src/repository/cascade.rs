use std::fmt;

use diesel::QueryableByName;
use diesel::sql_types::Text;

/// A foreign key by which the database itself deletes or changes rows, when the row goes that they
/// refer to. It tells nobody: such rows send no signal.
///
/// Listed by `cascades` of each backend's module, such as
/// [`lback::sqlite::cascades`](crate::sqlite::cascades).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Cascade {
    /// The table whose rows go, or are changed.
    pub table: String,
    /// Its columns that refer to the other table.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub parent: String,
    /// What happens to the rows.
    pub action: CascadeAction,
}

/// What the database does to rows when the row goes that they refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CascadeAction {
    /// ON DELETE CASCADE: they go too.
    Delete,
    /// ON DELETE SET NULL: they refer to nothing then.
    SetNull,
    /// ON DELETE SET DEFAULT: they refer to another row then.
    SetDefault,
}

impl fmt::Display for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            columns,
            parent,
            action,
        } = self;
        let action = match action {
            CascadeAction::Delete => "CASCADE",
            CascadeAction::SetNull => "SET NULL",
            CascadeAction::SetDefault => "SET DEFAULT",
        };
        let columns = columns.join(", ");
        write!(
            f,
            "{table} ({columns}) REFERENCES {parent} ON DELETE {action}"
        )
    }
}

/// One column of such a key, as the catalogue of a database tells of it.
#[derive(QueryableByName)]
pub(crate) struct KeyColumn {
    #[diesel(sql_type = Text)]
    table_name: String,
    /// What tells the keys of a table apart.
    #[diesel(sql_type = Text)]
    key_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Text)]
    action: String,
}

/// The keys of these columns, which come key by key, in the order of the key.
pub(crate) fn cascades(columns: Vec<KeyColumn>) -> Vec<Cascade> {
    let mut cascades: Vec<Cascade> = Vec::new();
    let mut last = None;
    for column in columns {
        let action = match &*column.action {
            "CASCADE" | "c" => CascadeAction::Delete,
            "SET NULL" | "n" => CascadeAction::SetNull,
            _ => CascadeAction::SetDefault,
        };
        let key = Some((column.table_name.clone(), column.key_name));
        match cascades.last_mut() {
            Some(cascade) if key == last => cascade.columns.push(column.column_name),
            _ => cascades.push(Cascade {
                table: column.table_name,
                columns: vec![column.column_name],
                parent: column.parent,
                action,
            }),
        }
        last = key;
    }
    cascades.sort();
    cascades
}
