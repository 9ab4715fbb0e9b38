//! What a repository asks of the database.

use std::any::TypeId;

use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{Error, OptionalExtension};
use diesel::sql_types::{BigInt, Integer, SmallInt};
use diesel::{Connection, QueryResult};

use super::bound::{Changes, Inserts, Keyed, Makes};
use super::dialect::{Dialect, Locking, ReadingBack};
use super::model::{BackendOf, Key, Model};
use super::page::Page;
use super::sql::prepared::no_changes;
use super::sql::statement::{
    Count, CountWhere, Delete, Insert, Select, SelectForUpdate, SelectInOrderForUpdate,
    SelectInserted, SelectInsertedRows, SelectPage, Update,
};
use super::sql::text::text_of;
use super::sql::values::groups;
use crate::session::Unreadable;

type Conn<R> = <R as Model>::Connection;
type Found<R> = QueryResult<Option<<R as Model>::Entity>>;
type Listed<R> = QueryResult<Vec<<R as Model>::Entity>>;

pub(super) fn select<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> Found<R> {
    row::<R, _>(conn, Select::<R, _>::new(is::<R>(key))).optional()
}

/// With the row locked, where the database can.
pub(super) fn select_for_update<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> Found<R> {
    if Conn::<R>::LOCKING == Locking::ForUpdate {
        row::<R, _>(conn, SelectForUpdate::<R, _>::new(is::<R>(key))).optional()
    } else {
        select::<R>(conn, key)
    }
}

/// In any order.
pub(super) fn select_many<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> Listed<R> {
    rows::<R, _>(conn, Select::<R, _>::new(is_any::<R>(keys)))
}

/// In any order, with the rows locked, where the database can.
pub(super) fn select_many_for_update<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> Listed<R> {
    if Conn::<R>::LOCKING == Locking::ForUpdate {
        let statement = SelectInOrderForUpdate::<R, _>::new(is_any::<R>(keys));
        rows::<R, _>(conn, statement)
    } else {
        select_many::<R>(conn, keys)
    }
}

pub(super) fn list<R: Model>(conn: &mut Conn<R>, page: Page) -> Listed<R> {
    let number = Conn::<R>::number;
    let (limit, offset) = (number(page.limit()), number(page.offset()));
    rows::<R, _>(conn, SelectPage::<R, _, _>::new(limit, offset))
}

pub(super) fn exists<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> QueryResult<bool> {
    let rows = conn.read_number(CountWhere::<R, _>::new(is::<R>(key)))?;
    Ok(rows > 0)
}

pub(super) fn count<R: Model>(conn: &mut Conn<R>) -> QueryResult<i64> {
    conn.read_number(Count::<R>::new())
}

pub(super) fn insert<R: Model>(conn: &mut Conn<R>, data: &R::Insert) -> QueryResult<R::Entity> {
    let statement = Insert::<R, _>::new(values::<R>(data));
    if Conn::<R>::READING_BACK == ReadingBack::Returning {
        return row::<R, _>(conn, statement);
    }
    let given = R::given_key(data);
    if given.is_none() && !makes_ascending_keys::<R>(std::slice::from_ref(data))? {
        return Err(untold_key());
    }
    conn.execute_returning_count(&statement)?;
    let inserted = match given {
        Some(key) => select::<R>(conn, &key).and_then(|row| row.ok_or(Error::NotFound)),
        None => row::<R, _>(conn, SelectInserted::<R>::new()),
    };
    read_back(inserted)
}

/// In one statement, or one for each run of rows that leave the same columns to the database; the
/// rows in any order.
pub(super) fn insert_many<R: Model>(conn: &mut Conn<R>, data: &[R::Insert]) -> Listed<R> {
    let mut inserted = Vec::with_capacity(data.len());
    let groups = groups::<R>(data)?;
    debug_assert!(
        groups.len() <= 1 || Conn::<R>::READING_BACK == ReadingBack::Returning,
        "only the last would be read"
    );
    for group in groups {
        let statement = Insert::<R, _>::new(group);
        if Conn::<R>::READING_BACK == ReadingBack::Select {
            conn.execute_returning_count(&statement)?;
        } else {
            inserted.extend(rows::<R, _>(conn, statement)?);
        }
    }
    if Conn::<R>::READING_BACK == ReadingBack::Returning {
        return Ok(inserted);
    }
    if let Some(keys) = data.iter().map(R::given_key).collect::<Option<Vec<_>>>() {
        return select_many::<R>(conn, &keys);
    }
    let count = Conn::<R>::number(i64::try_from(data.len()).unwrap_or(i64::MAX));
    rows::<R, _>(conn, SelectInsertedRows::<R, _>::new(count))
}

/// `Err(EmptyChangeset)` if there is nothing to set; `None` if there is no such row.
pub(super) fn update<R: Model>(conn: &mut Conn<R>, key: &Key<R>, update: &R::Update) -> Found<R> {
    let statement = Update::<R, _, _>::new(R::Changed::changes(update), is::<R>(key));
    let statement = R::texts()
        .updates
        .know::<Conn<R>, R, _, _>(statement, Update::changes)?;
    if Conn::<R>::READING_BACK == ReadingBack::Returning {
        return row::<R, _>(conn, statement).optional();
    }
    // The statement sees rows as they are, the SELECT behind it as they were when the transaction
    // began: a row that is gone since would come back. Diesel asks the server to count the rows that
    // match, changed or not.
    if conn.execute_returning_count(&statement)? == 0 {
        return Ok(None);
    }
    read_back(select::<R>(conn, key))
}

/// In one statement; the rows in any order. There must be changes.
pub(super) fn update_many<R: Model>(
    conn: &mut Conn<R>,
    keys: &[Key<R>],
    update: &R::Update,
) -> Listed<R> {
    let statement = Update::<R, _, _>::new(R::Changed::changes(update), is_any::<R>(keys));
    if Conn::<R>::READING_BACK == ReadingBack::Returning {
        return rows::<R, _>(conn, statement);
    }
    if conn.execute_returning_count(&statement)? < keys.len() {
        // With locks, to see what is there now.
        return select_many_for_update::<R>(conn, keys);
    }
    select_many::<R>(conn, keys)
}

pub(super) fn delete<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> QueryResult<usize> {
    conn.execute_returning_count(&Delete::<R, _>::new(is::<R>(key)))
}

pub(super) fn delete_many<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> QueryResult<usize> {
    conn.execute_returning_count(&Delete::<R, _>::new(is_any::<R>(keys)))
}

/// How many values the insert of a row binds.
pub(super) fn binds_of_insert<R: Model>(data: &R::Insert) -> QueryResult<usize> {
    let row = text_of::<BackendOf<R>, _>(&values::<R>(data))?;
    Ok(Conn::<R>::SYNTAX.binds(&row))
}

/// How many values an update binds beside keys; `Err(EmptyChangeset)` if there is nothing to set.
pub(super) fn binds_of_update<R: Model>(update: &R::Update) -> QueryResult<usize> {
    let changes = R::Changed::changes(update);
    if changes.is_noop(&BackendOf::<R>::default())? {
        return Err(no_changes());
    }
    Ok(Conn::<R>::SYNTAX.binds(&text_of::<BackendOf<R>, _>(&changes)?))
}

/// Whether the database makes the keys of all these rows, and they then tell which row is which.
pub(super) fn makes_ascending_keys<R: Model>(data: &[R::Insert]) -> QueryResult<bool> {
    if !ascends::<R>() {
        return Ok(false);
    }
    let same_for_all = R::Inserted::SAME_FOR_ALL;
    let key = text_of::<BackendOf<R>, _>(&<R::Table as Keyed<Conn<R>, Key<R>>>::key())?;
    let asked = if same_for_all { 1 } else { data.len() };
    for row in data.iter().take(asked) {
        let row = text_of::<BackendOf<R>, _>(&values::<R>(row))?;
        if Conn::<R>::SYNTAX.gives(&row, &key) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is<R: Model>(key: &Key<R>) -> impl QueryFragment<BackendOf<R>> + QueryId {
    <R::Table as Keyed<Conn<R>, Key<R>>>::is(key)
}

fn is_any<R: Model>(keys: &[Key<R>]) -> impl QueryFragment<BackendOf<R>> + QueryId {
    <R::Table as Keyed<Conn<R>, Key<R>>>::is_any(keys)
}

fn values<R: Model>(data: &R::Insert) -> impl QueryFragment<BackendOf<R>> + QueryId {
    R::Inserted::values(data)
}

fn row<R, S>(conn: &mut Conn<R>, statement: S) -> QueryResult<R::Entity>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    <R::Columns as Makes<R::Entity, R::Table, Conn<R>>>::row(conn, statement)
}

fn rows<R, S>(conn: &mut Conn<R>, statement: S) -> Listed<R>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    <R::Columns as Makes<R::Entity, R::Table, Conn<R>>>::rows(conn, statement)
}

/// What became of reading back a row that has been written: if it failed, the write stands, and only
/// a rollback undoes it.
fn read_back<T>(row: QueryResult<T>) -> QueryResult<T> {
    row.map_err(|error| match error {
        error @ Error::DeserializationError(_) => error,
        error => Error::DeserializationError(Box::new(Unreadable(error))),
    })
}

/// Whether keys of this SQL type, made by the database, ascend in the order of the rows of one
/// INSERT. Others (a random UUID) say nothing about which row is which.
fn ascends<R: Model>() -> bool {
    let key = <R::Table as Keyed<Conn<R>, Key<R>>>::key_type();
    #[cfg(feature = "mysql")]
    {
        use diesel::sql_types::Unsigned;
        let unsigned = [
            TypeId::of::<Unsigned<SmallInt>>(),
            TypeId::of::<Unsigned<Integer>>(),
            TypeId::of::<Unsigned<BigInt>>(),
        ];
        if unsigned.contains(&key) {
            return true;
        }
    }
    [
        TypeId::of::<SmallInt>(),
        TypeId::of::<Integer>(),
        TypeId::of::<BigInt>(),
    ]
    .contains(&key)
}

/// MySQL has only `LAST_INSERT_ID()` to tell which key it made.
#[cold]
fn untold_key() -> Error {
    let why = "MySQL does not tell the key of this row, which is no AUTO_INCREMENT integer: let the \
               insert type hold it, and name the field as `given_key = ..` in `#[repository]`";
    Error::QueryBuilderError(why.into())
}
