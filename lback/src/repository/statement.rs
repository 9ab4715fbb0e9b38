//! Fragments that Diesel does not have, or does not keep prepared.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use once_cell::sync::OnceCell;
use std::any::TypeId;
use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::{Connection, Expression, QueryResult, QuerySource, RunQueryDsl, Table};

use super::shape::{Known, Shapes};
use super::text::text_of;
use crate::session::Unreadable;

/// What became of reading back a row that has been written: if it failed, the write stands, and only
/// a rollback undoes it.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn read_back<T>(row: QueryResult<T>) -> QueryResult<T> {
    row.map_err(|error| match error {
        error @ Error::DeserializationError(_) => error,
        error => Error::DeserializationError(Box::new(Unreadable(error))),
    })
}

/// `UPDATE table SET changes WHERE predicate [RETURNING columns]`.
///
/// Diesel's own `UpdateStatement` is prepared anew at every execution (`unsafe_to_cache_prepared`
/// in its `walk_ast`), because its text depends on its values: an unset `Option` leaves its column
/// out. Without a static query id the cache is keyed by the text itself, which is right for every
/// shape, and each shape is prepared once.
///
/// There must be changes: [`binds_of_changes`](super::binds_of_changes) and
/// [`known`](Self::known) say when there are none.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct UpdateByKey<From, Changes, Predicate, Returning = ()> {
    from: From,
    changes: Changes,
    predicate: Predicate,
    returning: Returning,
}

impl<From, Changes, Predicate> UpdateByKey<From, Changes, Predicate> {
    pub fn new<Source: QuerySource<FromClause = From>>(
        source: &Source,
        changes: Changes,
        predicate: Predicate,
    ) -> Self {
        Self {
            from: source.from_clause(),
            changes,
            predicate,
            returning: (),
        }
    }

    /// `columns` must be the same at every call with the same `text`.
    pub fn returning<C, Returning>(
        self,
        text: &'static OnceCell<String>,
        columns: &Returning,
    ) -> QueryResult<UpdateByKey<From, Changes, Predicate, QuotedOnce<Returning>>>
    where
        C: Connection,
        C::Backend: Default,
        <C::Backend as Backend>::QueryBuilder: Default,
        Returning: QueryFragment<C::Backend>,
    {
        let Self {
            from,
            changes,
            predicate,
            ..
        } = self;
        let text = text.get_or_try_init(|| text_of::<C, _>(columns))?;
        Ok(UpdateByKey {
            from,
            changes,
            predicate,
            returning: QuotedOnce {
                text,
                columns: PhantomData,
            },
        })
    }
}

impl<From, Changes, Predicate, Returning> UpdateByKey<From, Changes, Predicate, Returning> {
    /// With a static id for the columns that it sets: where `predicate` does not depend on values.
    pub fn known<C, Of>(self, shapes: &'static Shapes) -> QueryResult<Known<Of, Self>>
    where
        C: Connection,
        C::Backend: Default,
        <C::Backend as Backend>::QueryBuilder: Default,
        Of: 'static,
        Changes: QueryFragment<C::Backend>,
    {
        shapes.know::<C, _, _, _>(self, |statement| &statement.changes)
    }
}

/// What stands behind RETURNING, as a text made once: each column is walked several times otherwise.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct QuotedOnce<Returning> {
    text: &'static str,
    columns: PhantomData<Returning>,
}

impl<DB: Backend, Returning> QueryFragment<DB> for QuotedOnce<Returning> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(" RETURNING ");
        out.push_sql(self.text);
        Ok(())
    }
}

impl<DB, From, Changes, Predicate, Returning> QueryFragment<DB>
    for UpdateByKey<From, Changes, Predicate, Returning>
where
    DB: Backend,
    From: QueryFragment<DB>,
    Changes: QueryFragment<DB>,
    Predicate: QueryFragment<DB>,
    Returning: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.predicate.walk_ast(out.reborrow())?;
        self.returning.walk_ast(out)
    }
}

impl<From, Changes, Predicate, Returning> QueryId
    for UpdateByKey<From, Changes, Predicate, Returning>
{
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<From, Changes, Predicate, Returning> Query
    for UpdateByKey<From, Changes, Predicate, QuotedOnce<Returning>>
where
    Returning: Expression,
{
    type SqlType = Returning::SqlType;
}

impl<Conn, From, Changes, Predicate, Returning> RunQueryDsl<Conn>
    for UpdateByKey<From, Changes, Predicate, Returning>
{
}

/// MySQL's `LAST_INSERT_ID()`, of the key's own SQL type.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct LastInsertId<SqlType>(PhantomData<SqlType>);

impl<SqlType> LastInsertId<SqlType> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<SqlType: diesel::sql_types::SqlType + TypedExpressionType> Expression
    for LastInsertId<SqlType>
{
    type SqlType = SqlType;
}

impl<SqlType, DB: Backend> QueryFragment<DB> for LastInsertId<SqlType> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("LAST_INSERT_ID()");
        Ok(())
    }
}

impl<SqlType: 'static> QueryId for LastInsertId<SqlType> {
    type QueryId = Self;
}

impl<SqlType> ValidGrouping<()> for LastInsertId<SqlType> {
    type IsAggregate = is_aggregate::Never;
}

impl<SqlType, Source> AppearsOnTable<Source> for LastInsertId<SqlType> where Self: Expression {}

impl<SqlType, Source> SelectableExpression<Source> for LastInsertId<SqlType> where
    Self: AppearsOnTable<Source>
{
}

/// A value that stands for the SQL type of a table's key.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn key_type<T>(_: &T) -> TypeId
where
    T: Table,
    <T::PrimaryKey as Expression>::SqlType: 'static,
    T::PrimaryKey: Expression,
{
    TypeId::of::<<T::PrimaryKey as Expression>::SqlType>()
}

/// Whether keys of this SQL type, made by the database, ascend in the order of the rows of one
/// INSERT. Others (a random UUID) say nothing about which row is which.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn ascends(key: TypeId) -> bool {
    use diesel::sql_types::{BigInt, Integer, SmallInt};
    [
        TypeId::of::<SmallInt>(),
        TypeId::of::<Integer>(),
        TypeId::of::<BigInt>(),
    ]
    .contains(&key)
}

/// MySQL has only `LAST_INSERT_ID()` to tell which key it made.
// Not public API. Used by generated code.
#[doc(hidden)]
#[cold]
pub fn untold_key() -> Error {
    let why = "MySQL does not tell the key of this row, which is no AUTO_INCREMENT integer: let the \
               insert type hold it, and name the field as `given_key = ..` in `#[repository]`";
    Error::QueryBuilderError(why.into())
}

/// As many rows as there are in `data`.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn limit_of<T>(data: &[T]) -> i64 {
    i64::try_from(data.len()).unwrap_or(i64::MAX)
}
