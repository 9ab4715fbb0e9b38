//! What the text of a statement tells.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::result::{EmptyChangeset, Error};

use crate::session::SessionConnection;

/// How many values a statement binds, or might: another row may have a value where this one leaves
/// the column to the database.
pub(super) fn binds_of<C, Q>(statement: &Q) -> QueryResult<usize>
where
    C: SessionConnection,
    Q: QueryFragment<C::Backend>,
{
    let text = text_of::<C, _>(statement)?;
    // Identifiers may hold all of this too: then a chunk is smaller than it could be.
    let sign = if text.contains("$1") { '$' } else { '?' };
    Ok(text.matches(sign).count() + text.matches("DEFAULT").count())
}

#[cold]
pub(super) fn no_changes() -> Error {
    Error::QueryBuilderError(Box::new(EmptyChangeset))
}

/// Whether `(columns) VALUES (values)` names the key that its row shall have.
pub(super) fn gives_key<C, Q, K>(values: &Q, key: &K) -> QueryResult<bool>
where
    C: SessionConnection,
    Q: QueryFragment<C::Backend>,
    K: QueryFragment<C::Backend>,
{
    let text = text_of::<C, _>(values)?;
    let key = text_of::<C, _>(key)?;
    let column = key.rsplit('.').next().unwrap_or(&key);
    let Some((columns, values)) = text.split_once(") VALUES (") else {
        return Ok(false);
    };
    let columns = columns.trim_start_matches('(');
    let place = columns.split(", ").position(|each| each == column);
    // A value with a comma before it moves the place: then a key seems to be given that is not.
    let value = place.and_then(|place| values.split(", ").nth(place));
    Ok(value.is_some_and(|value| value.trim_end_matches(')') != "DEFAULT"))
}

pub(super) fn text_of<C, Q>(fragment: &Q) -> QueryResult<String>
where
    C: SessionConnection,
    Q: QueryFragment<C::Backend>,
{
    let mut text = <C::Backend as Backend>::QueryBuilder::default();
    fragment.to_sql(&mut text, &C::Backend::default())?;
    Ok(text.finish())
}

pub(super) fn binds_something<C, Q>(fragment: &Q) -> bool
where
    C: SessionConnection,
    Q: QueryFragment<C::Backend>,
{
    let printed = diesel::debug_query::<C::Backend, _>(fragment).to_string();
    !printed.ends_with("-- binds: []")
}

/// Columns without the schema of their table, which SQLite does not know behind RETURNING. Others quote
/// otherwise, and know it.
pub(super) fn without_schema(columns: &str, table: &str) -> String {
    match table.rsplit_once("`.`") {
        Some((_, last)) => columns.replace(&format!("{table}."), &format!("`{last}.")),
        None => columns.to_owned(),
    }
}
