//! What the text of a statement tells.

use diesel::backend::Backend;
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::result::{EmptyChangeset, Error};
use diesel::{Connection, QueryResult};

/// How many values a statement binds, or might: another row may have a value where this one leaves
/// the column to the database.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn binds_of<C, Q>(statement: &Q) -> QueryResult<usize>
where
    C: Connection,
    C::Backend: Default,
    <C::Backend as Backend>::QueryBuilder: Default,
    Q: QueryFragment<C::Backend>,
{
    let text = text_of::<C, _>(statement)?;
    // Identifiers may hold all of this too: then a chunk is smaller than it could be.
    let sign = if text.contains("$1") { '$' } else { '?' };
    Ok(text.matches(sign).count() + text.matches("DEFAULT").count())
}

/// How many values what is behind SET binds; `Err(EmptyChangeset)` if there is nothing to set.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn binds_of_changes<C, Q>(changes: &Q) -> QueryResult<usize>
where
    C: Connection,
    C::Backend: Default,
    <C::Backend as Backend>::QueryBuilder: Default,
    Q: QueryFragment<C::Backend>,
{
    if changes.is_noop(&C::Backend::default())? {
        return Err(no_changes());
    }
    binds_of::<C, _>(changes)
}

#[cold]
pub(super) fn no_changes() -> Error {
    Error::QueryBuilderError(Box::new(EmptyChangeset))
}

/// Whether an INSERT names the key that its row shall have.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn gives_key<C, Q, K>(statement: &Q, key: &K) -> QueryResult<bool>
where
    C: Connection,
    C::Backend: Default,
    <C::Backend as Backend>::QueryBuilder: Default,
    Q: QueryFragment<C::Backend>,
    K: QueryFragment<C::Backend>,
{
    let text = text_of::<C, _>(statement)?;
    let key = text_of::<C, _>(key)?;
    let column = key.rsplit('.').next().unwrap_or(&key);
    let Some((columns, values)) = text.split_once(") VALUES (") else {
        return Ok(false);
    };
    let columns = columns.split_once(" (").map_or(columns, |(_, list)| list);
    let place = columns.split(", ").position(|each| each == column);
    // A value with a comma before it moves the place: then a key seems to be given that is not.
    let value = place.and_then(|place| values.split(", ").nth(place));
    Ok(value.is_some_and(|value| value.trim_end_matches(')') != "DEFAULT"))
}

pub(super) fn text_of<C, Q>(fragment: &Q) -> QueryResult<String>
where
    C: Connection,
    C::Backend: Default,
    <C::Backend as Backend>::QueryBuilder: Default,
    Q: QueryFragment<C::Backend>,
{
    let mut text = <C::Backend as Backend>::QueryBuilder::default();
    fragment.to_sql(&mut text, &C::Backend::default())?;
    Ok(text.finish())
}
