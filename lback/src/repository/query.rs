//! What a repository asks of the database.

use std::marker::PhantomData;

use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{Error, OptionalExtension};
use diesel::{Connection, QueryResult};

use super::bound::{Changes, Inserts, Makes};
use super::dialect::{Dialect, Lock};
use super::key::Entity;
use super::keyed::Keyed;
use super::measure;
use super::model::{BackendOf, Conn, Form, Key, Model, Updates};
use super::page::Page;
use super::sql::prepared::Shapes;
use super::sql::statement::{
    Count, CountWhere, Delete, DeleteReturning, ForNoKeyUpdate, ForUpdate, ForgetNumber, Insert,
    InsertKeeping, InsertReturning, OfVersion, Select, SelectInOrder, SelectInserted,
    SelectInsertedRows, SelectKept, SelectLocked, SelectPage, Unlocked, Update, names,
};
use super::sql::values::groups;
use crate::session::Unreadable;

type Found<R> = QueryResult<Option<<R as Model>::Entity>>;
pub(super) type Listed<R> = QueryResult<Vec<<R as Model>::Entity>>;
/// A row, and what tells it from the same row once it was changed.
pub(super) type Printed<R> = (<R as Model>::Entity, u64);

/// More rows were written than there may be of one key.
#[derive(Debug)]
pub(super) struct TooMany(pub(super) usize);

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows of one key were written", self.0)
    }
}

impl std::error::Error for TooMany {}

pub(super) fn select<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> Found<R> {
    let statement = Select::<R, _>::new(is::<R>(key));
    let narrow = &names::<R>()?.narrow_beside_key;
    <R::Columns as Makes<R::Entity, R::Table, Conn<R>>>::row(conn, statement, narrow).optional()
}

/// The row as it is now, which this transaction has locked by writing it, or by reading it to be written.
///
/// Where rows are read back by a SELECT, a plain one sees what was there when the transaction began, and what
/// this transaction has changed since. A row whose UPDATE found it to be so already has not been changed, and
/// what others have made of it would not be seen.
pub(super) fn select_now<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> Found<R> {
    if Conn::<R>::RETURNS {
        return select::<R>(conn, key);
    }
    let row = select_locked::<R>(conn, key, Conn::<R>::TO_UPDATE)?;
    Ok(row.map(|(row, _)| row))
}

/// With the row locked.
pub(super) fn select_locked<R: Model>(
    conn: &mut Conn<R>,
    key: &Key<R>,
    lock: Lock,
) -> QueryResult<Option<Printed<R>>> {
    let key = is::<R>(key);
    let found = if Conn::<R>::LOCKS_ROWS {
        match lock {
            Lock::None => {
                let rows = printed::<R, _>(conn, Select::<R, _>::new(key))?;
                return Ok(rows.into_iter().next());
            }
            Lock::ForNoKeyUpdate => {
                row::<R, _>(conn, SelectLocked::<R, _, _>::new(key, ForNoKeyUpdate))
            }
            Lock::ForUpdate => row::<R, _>(conn, SelectLocked::<R, _, _>::new(key, ForUpdate)),
        }
    } else {
        row::<R, _>(conn, Select::<R, _>::new(key))
    };
    Ok(found.optional()?.map(|row| (row, 0)))
}

/// In any order.
pub(super) fn select_many<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> Listed<R> {
    rows::<R, _>(conn, Select::<R, _>::new(is_any::<R>(keys)))
}

/// As [`select_now`].
pub(super) fn select_many_now<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> Listed<R> {
    if Conn::<R>::RETURNS {
        return select_many::<R>(conn, keys);
    }
    let rows = select_many_locked::<R>(conn, keys, Conn::<R>::TO_UPDATE)?;
    Ok(rows.into_iter().map(|(row, _)| row).collect())
}

/// In the order of their keys, locked.
pub(super) fn select_many_locked<R: Model>(
    conn: &mut Conn<R>,
    keys: &[Key<R>],
    lock: Lock,
) -> QueryResult<Vec<Printed<R>>> {
    select_in_order::<R>(conn, is_any::<R>(keys), lock)
}

/// In the order of their keys, locked: two who lock some of the same rows then wait for each other, and do
/// not block each other.
pub(super) fn select_in_order<R: Model>(
    conn: &mut Conn<R>,
    predicate: impl QueryFragment<BackendOf<R>> + QueryId,
    lock: Lock,
) -> QueryResult<Vec<Printed<R>>> {
    if Conn::<R>::LOCKS_ROWS {
        return match lock {
            Lock::None => printed_in_order::<R, _>(conn, predicate, Unlocked),
            Lock::ForNoKeyUpdate => printed_in_order::<R, _>(conn, predicate, ForNoKeyUpdate),
            Lock::ForUpdate => printed_in_order::<R, _>(conn, predicate, ForUpdate),
        };
    }
    printed_in_order::<R, _>(conn, predicate, Unlocked)
}

fn printed_in_order<R: Model, L: QueryFragment<BackendOf<R>> + QueryId>(
    conn: &mut Conn<R>,
    predicate: impl QueryFragment<BackendOf<R>> + QueryId,
    lock: L,
) -> QueryResult<Vec<Printed<R>>> {
    printed::<R, _>(conn, SelectInOrder::<R, _, _>::new(predicate, lock))
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

/// Inserts a row, which comes back.
pub(super) fn insert<R: Model>(conn: &mut Conn<R>, data: &R::Insert) -> QueryResult<R::Entity> {
    let statement = InsertReturning::<R, _>::new(values::<R>(data));
    only::<R, _>(conn, statement)?.ok_or(Error::NotFound)
}

/// Inserts a row, keeps its key, and reads it by that.
pub(super) fn insert_and_keep<R: Model>(
    conn: &mut Conn<R>,
    data: &R::Insert,
) -> QueryResult<R::Entity> {
    conn.execute_returning_count(&InsertKeeping::<R, _>::new(values::<R>(data)))?;
    read_back(row::<R, _>(conn, SelectKept::<R>::new()))
}

/// Inserts a row, and reads it by its key, which is given or the last number that the database made.
pub(super) fn insert_and_select<R: Model>(
    conn: &mut Conn<R>,
    data: &R::Insert,
) -> QueryResult<R::Entity> {
    let given = R::given_key(data);
    if given.is_none() {
        conn.read_number(ForgetNumber::<R>::new())?;
    }
    conn.execute_returning_count(&Insert::<R, _>::new(values::<R>(data)))?;
    let inserted = match given {
        Some(key) => select::<R>(conn, &key).and_then(|row| row.ok_or(Error::NotFound)),
        None => row::<R, _>(conn, SelectInserted::<R>::new())
            .optional()
            .and_then(|row| row.ok_or_else(untold_key)),
    };
    read_back(inserted)
}

/// In one statement, or one for each run of rows that leave the same columns to the database; the
/// rows as they come.
pub(super) fn insert_many<R: Model>(conn: &mut Conn<R>, data: &[R::Insert]) -> Listed<R> {
    let mut inserted = Vec::with_capacity(data.len());
    for group in groups::<R>(data)? {
        let statement = InsertReturning::<R, _>::new(group);
        each::<R, _>(conn, statement, false, &mut |row, _| inserted.push(row))?;
    }
    Ok(inserted)
}

/// The same, and the rows are read by their keys, which are given or follow each other.
pub(super) fn insert_and_select_many<R: Model>(
    conn: &mut Conn<R>,
    data: &[R::Insert],
) -> Listed<R> {
    let given = data.iter().map(R::given_key).collect::<Option<Vec<_>>>();
    if given.is_none() {
        conn.read_number(ForgetNumber::<R>::new())?;
    }
    let groups = groups::<R>(data)?;
    debug_assert!(groups.len() <= 1, "only the last would be read");
    for group in groups {
        conn.execute_returning_count(&Insert::<R, _>::new(group))?;
    }
    if let Some(keys) = given {
        return read_back(select_many::<R>(conn, &keys));
    }
    let others = i64::try_from(data.len()).unwrap_or(i64::MAX) - 1;
    let others = Conn::<R>::number(others);
    read_back(rows::<R, _>(conn, SelectInsertedRows::<R, _>::new(others)))
}

/// `Err(EmptyChangeset)` if there is nothing to set; `None` if there is no such row, or it is of
/// another version than this one. The first `kept` shapes stay prepared.
pub(super) fn update<R: Updates>(
    conn: &mut Conn<R>,
    key: &Key<R>,
    version: Option<i64>,
    update: &R::Update,
    kept: usize,
) -> Found<R> {
    let Some(version) = version else {
        let statement = Update::<R, _, _>::new(R::Changed::changes(update), is::<R>(key));
        return update_where::<R, R, _, _>(conn, key, statement, &R::texts().updates, update, kept);
    };
    let predicate = OfVersion::<R, _, _> {
        predicate: is::<R>(key),
        number: Conn::<R>::number(version),
        of: PhantomData,
    };
    let statement = Update::<R, _, _>::new(R::Changed::changes(update), predicate);
    let shapes = &R::texts().updates_of_version;
    update_where::<R, Versioned<R>, _, _>(conn, key, statement, shapes, update, kept)
}

/// The shapes of updates that ask for a version are others than those of the same repository's that
/// do not.
struct Versioned<R>(PhantomData<R>);

/// The same of those of many rows.
struct Many<R>(PhantomData<R>);

fn update_where<R, Of, C, P>(
    conn: &mut Conn<R>,
    key: &Key<R>,
    statement: Update<R, C, P>,
    shapes: &Shapes,
    update: &R::Update,
    kept: usize,
) -> Found<R>
where
    R: Updates,
    Of: 'static,
    C: QueryFragment<BackendOf<R>>,
    P: QueryFragment<BackendOf<R>>,
{
    if Conn::<R>::RETURNS {
        let statement = shapes.know::<Conn<R>, Of, _, _>(statement, Update::changes, kept)?;
        return only::<R, _>(conn, statement);
    }
    // The statement sees rows as they are, the SELECT behind it as they were when the transaction
    // began: a row that is gone since would come back. Diesel asks the server to count the rows that
    // match, changed or not.
    if measure::sets_key::<R>(update)? {
        let statement = statement.with_key();
        return match conn.execute_returning_count(&statement)? {
            0 => Ok(None),
            1 => {
                let kept = row::<R, _>(conn, SelectKept::<R>::new()).optional();
                let kept = read_back(kept.and_then(|row| row.ok_or_else(lost_row)))?;
                if kept.key() == *key {
                    let row = select_now::<R>(conn, key);
                    return read_back(row.and_then(|row| row.ok_or_else(lost_row).map(Some)));
                }
                Ok(Some(kept))
            }
            many => Err(too_many(many)),
        };
    }
    let statement = shapes.know::<Conn<R>, Of, _, _>(statement, Update::changes, kept)?;
    match conn.execute_returning_count(&statement)? {
        0 => Ok(None),
        1 => {
            read_back(select_now::<R>(conn, key).and_then(|row| row.ok_or_else(lost_row).map(Some)))
        }
        many => Err(too_many(many)),
    }
}

/// In one statement; the rows in any order. There must be changes.
pub(super) fn update_many<R: Updates>(
    conn: &mut Conn<R>,
    keys: &[Key<R>],
    update: &R::Update,
    kept: usize,
) -> Listed<R> {
    let statement = Update::<R, _, _>::new(R::Changed::changes(update), is_any::<R>(keys));
    let shapes = &R::texts().updates_of_many;
    let statement = shapes.know::<Conn<R>, Many<R>, _, _>(statement, Update::changes, kept)?;
    if Conn::<R>::RETURNS {
        let updated = rows::<R, _>(conn, statement)?;
        return match updated.len() {
            many if many > keys.len() => Err(too_many(many)),
            _ => Ok(updated),
        };
    }
    match conn.execute_returning_count(&statement)? {
        many if many > keys.len() => Err(too_many(many)),
        _ => read_back(select_many_now::<R>(conn, keys)),
    }
}

/// How many rows went: no more than one.
pub(super) fn delete<R: Model>(conn: &mut Conn<R>, key: &Key<R>) -> QueryResult<usize> {
    match conn.execute_returning_count(&Delete::<R, _>::new(is::<R>(key)))? {
        many if many > 1 => Err(too_many(many)),
        deleted => Ok(deleted),
    }
}

/// How many rows went, no more than there are keys.
pub(super) fn delete_many<R: Model>(conn: &mut Conn<R>, keys: &[Key<R>]) -> QueryResult<usize> {
    let statement = Delete::<R, _>::new(is_any::<R>(keys));
    match conn.execute_returning_count(&statement)? {
        many if many > keys.len() => Err(too_many(many)),
        deleted => Ok(deleted),
    }
}

/// The row as it was when it went.
pub(super) fn delete_returning<R: Model>(
    conn: &mut Conn<R>,
    key: &Key<R>,
) -> QueryResult<Option<Printed<R>>> {
    let statement = DeleteReturning::<R, _>::new(is::<R>(key));
    let mut deleted = printed::<R, _>(conn, statement)?;
    match deleted.len() {
        many if many > 1 => Err(too_many(many)),
        _ => Ok(deleted.pop()),
    }
}

/// The rows as they were when they went.
pub(super) fn delete_many_returning<R: Model>(
    conn: &mut Conn<R>,
    keys: &[Key<R>],
) -> QueryResult<Vec<Printed<R>>> {
    let statement = DeleteReturning::<R, _>::new(is_any::<R>(keys));
    let deleted = printed::<R, _>(conn, statement)?;
    match deleted.len() {
        many if many > keys.len() => Err(too_many(many)),
        _ => Ok(deleted),
    }
}

pub(super) fn is<R: Model>(key: &Key<R>) -> impl QueryFragment<BackendOf<R>> + QueryId {
    <R::Table as Keyed<Conn<R>, Key<R>, Form<R>>>::is(key)
}

fn is_any<R: Model>(keys: &[Key<R>]) -> impl QueryFragment<BackendOf<R>> + QueryId {
    <R::Table as Keyed<Conn<R>, Key<R>, Form<R>>>::is_any(keys)
}

fn values<R: Model>(data: &R::Insert) -> impl QueryFragment<BackendOf<R>> + QueryId {
    R::Inserted::values(data)
}

/// The first row.
#[inline]
fn row<R, S>(conn: &mut Conn<R>, statement: S) -> QueryResult<R::Entity>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    let narrow = &names::<R>()?.narrow;
    <R::Columns as Makes<R::Entity, R::Table, Conn<R>>>::row(conn, statement, narrow)
}

fn each<R, S>(
    conn: &mut Conn<R>,
    statement: S,
    is_printed: bool,
    take: &mut dyn FnMut(R::Entity, u64),
) -> QueryResult<()>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    let narrow = &names::<R>()?.narrow;
    <R::Columns as Makes<R::Entity, R::Table, Conn<R>>>::rows(
        conn, statement, narrow, is_printed, take,
    )
}

/// The one row that was written, if any was.
fn only<R, S>(conn: &mut Conn<R>, statement: S) -> Found<R>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    let (mut first, mut count) = (None, 0);
    each::<R, _>(conn, statement, false, &mut |row, _| {
        count += 1;
        first.get_or_insert(row);
    })?;
    match count {
        0 | 1 => Ok(first),
        many => Err(too_many(many)),
    }
}

pub(super) fn rows<R, S>(conn: &mut Conn<R>, statement: S) -> Listed<R>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    let mut rows = Vec::new();
    each::<R, _>(conn, statement, false, &mut |row, _| rows.push(row))?;
    Ok(rows)
}

pub(super) fn printed<R, S>(conn: &mut Conn<R>, statement: S) -> QueryResult<Vec<Printed<R>>>
where
    R: Model,
    S: Query<SqlType = R::Columns> + QueryFragment<BackendOf<R>> + QueryId,
{
    let mut rows = Vec::new();
    each::<R, _>(conn, statement, true, &mut |row, print| {
        rows.push((row, print));
    })?;
    Ok(rows)
}

/// What became of reading back a row that has been written: if it failed, the write stands, and only
/// a rollback undoes it.
fn read_back<T>(row: QueryResult<T>) -> QueryResult<T> {
    row.map_err(|error| match error {
        error @ Error::DeserializationError(_) => error,
        error => written_in_vain(error),
    })
}

/// An error behind a statement that wrote.
pub(super) fn written_in_vain(error: Error) -> Error {
    Error::DeserializationError(Box::new(Unreadable(error)))
}

#[cold]
fn too_many(rows: usize) -> Error {
    written_in_vain(Error::QueryBuilderError(Box::new(TooMany(rows))))
}

#[cold]
fn lost_row() -> Error {
    let why = "MySQL has changed this row, and it is not found afterwards: a view shows it no more, or a \
               trigger gave it another key; write the table behind the view, or set the key in the changes";
    Error::QueryBuilderError(why.into())
}

/// MySQL has only `LAST_INSERT_ID()` to tell which key it made.
#[cold]
pub(super) fn untold_key() -> Error {
    let why = "MySQL does not tell the key of this row, which is no AUTO_INCREMENT integer: let the \
               insert type hold it, and name the field as `given_key = ..` in `#[repository]`";
    Error::QueryBuilderError(why.into())
}
