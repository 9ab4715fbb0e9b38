//! The columns of an index.

use diesel::sql_types::{Nullable, Text};
use diesel::{MysqlConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// A row of `SHOW INDEX`: one column of one index, in their order.
#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Text, column_name = "Key_name")]
    index: String,
    /// NULL for an expression.
    #[diesel(sql_type = Nullable<Text>, column_name = "Column_name")]
    column: Option<String>,
}

/// The columns of an index of `table`, which is written as in a statement; `None` if one of them is an
/// expression, or if there is no such index.
pub(super) fn columns(
    connection: &mut MysqlConnection,
    table: &str,
    index: &str,
) -> QueryResult<Option<String>> {
    let parts: Vec<Part> = sql_query(format!("SHOW INDEX FROM {table}")).load(connection)?;
    let columns: Option<Vec<String>> = parts
        .into_iter()
        .filter(|part| part.index == index)
        .map(|part| part.column)
        .collect();
    Ok(columns
        .filter(|columns| !columns.is_empty())
        .map(|columns| columns.join(", ")))
}
