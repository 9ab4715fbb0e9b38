//! What a repository asks of its types, with the message for those who miss it.
//!
//! The statements get all that they work with, the table too, from these traits: where one is
//! missing, that is one error, at the option that names the type, and what follows is of unknown
//! types, about which the compiler is silent. Three things are needed for that. Without
//! `do_not_recommend`, the message would be Diesel's own. What a trait gives goes [`Through`] what
//! Diesel gives, since the compiler looks into an impl even where its bounds do not hold. And each
//! role is a value with methods, since a path would be reported missing a second time.

// A method of a value is silent where the value is of unknown type; a path would not be.
#![allow(clippy::unused_self)]

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::dsl::AsSelect;
use diesel::query_builder::QueryId;
use diesel::{
    AsChangeset, Expression, Identifiable, Insertable, QueryResult, Queryable, Selectable,
    SelectableHelper,
};

/// `T`, if the type that this is implemented for exists.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Through<T> {
    type Itself;
    fn through(it: T) -> Self::Itself;
}

impl<T, Evidence> Through<T> for Evidence {
    type Itself = T;

    #[inline]
    fn through(it: T) -> T {
        it
    }
}

/// An entity that knows its key.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no key by which a repository could find it",
    label = "needs `Identifiable`",
    note = "add `#[derive(Queryable, Selectable, Identifiable)]` and `#[diesel(table_name = ..)]`"
)]
pub trait Identified {
    type Id;
}

#[diagnostic::do_not_recommend]
impl<E: 'static> Identified for E
where
    for<'a> &'a E: Identifiable,
{
    type Id = <&'static E as Identifiable>::Id;
}

/// A key of one column, as `Identifiable` gives it.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the key of `{E}` is not one column",
    label = "its `Identifiable::Id` is `{Self}`",
    note = "a repository finds a row by one column: give the table an `id`, and make the others unique"
)]
pub trait KeyRef<E> {
    type Key;
}

impl<E, Key> KeyRef<E> for &'static Key {
    type Key = Key;
}

/// The key of an entity.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait KeyFor<E> {
    fn of(entity: &E) -> Self;
}

impl<E, Key: Clone> KeyFor<E> for Key
where
    for<'a> &'a E: Identifiable<Id = &'a Key>,
{
    #[inline]
    fn of(entity: &E) -> Key {
        entity.id().clone()
    }
}

/// The backend of an entity that knows its columns.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{E}` does not say which columns it has",
    label = "needs `Selectable`",
    note = "add `#[derive(Queryable, Selectable, Identifiable)]` and `#[diesel(table_name = ..)]`"
)]
pub trait Selects<E> {
    type SqlType;
}

#[diagnostic::do_not_recommend]
impl<DB: Backend, E: Selectable<DB>> Selects<E> for DB {
    type SqlType = <E::SelectExpression as Expression>::SqlType;
}

/// The types of the columns of an entity that can be made of them.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{E}` cannot be made from the columns that it selects",
    label = "needs `Queryable`",
    note = "add `#[derive(Queryable, Selectable, Identifiable)]`; if it is there, `#[diesel(check_for_backend(..))]` names the field that does not fit its column"
)]
pub trait Makes<E, DB> {
    type Role;
    const ROLE: Self::Role;
}

#[diagnostic::do_not_recommend]
impl<DB, E, SqlType> Makes<E, DB> for SqlType
where
    DB: Backend,
    E: Selectable<DB> + Queryable<SqlType, DB>,
{
    type Role = <E::Row as Through<Loaded<E, DB>>>::Itself;
    const ROLE: Loaded<E, DB> = Loaded(PhantomData);
}

/// How an entity is loaded.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Loaded<E, DB>(PhantomData<fn() -> (E, DB)>);

impl<DB: Backend, E: Selectable<DB>> Loaded<E, DB> {
    #[inline]
    pub fn columns(self) -> AsSelect<E, DB> {
        E::as_select()
    }

    #[inline]
    pub fn row(self, loaded: QueryResult<E>) -> QueryResult<E> {
        loaded
    }

    #[inline]
    pub fn rows(self, loaded: QueryResult<Vec<E>>) -> QueryResult<Vec<E>> {
        loaded
    }
}

/// What can be inserted into a table.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be inserted into the repository's table",
    label = "needs `Insertable`",
    note = "add `#[derive(Insertable)]` and `#[diesel(table_name = ..)]`, with the table of the repository"
)]
pub trait InsertedInto<Table> {
    type Role;
    const ROLE: Self::Role;
}

#[diagnostic::do_not_recommend]
impl<Table, I: 'static> InsertedInto<Table> for I
where
    for<'a> &'a I: Insertable<Table>,
{
    type Role = <<&'static I as Insertable<Table>>::Values as Through<Inserted<I, Table>>>::Itself;
    const ROLE: Inserted<I, Table> = Inserted(PhantomData);
}

/// How a row is inserted.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Inserted<I, Table>(PhantomData<fn() -> (I, Table)>);

impl<I: 'static, Table> Inserted<I, Table>
where
    for<'a> &'a I: Insertable<Table>,
{
    #[inline]
    pub fn row(self, data: &I) -> &I {
        data
    }

    #[inline]
    pub fn rows(self, data: &[I]) -> &[I] {
        data
    }

    pub fn values(self, data: &I) -> <&I as Insertable<Table>>::Values {
        data.values()
    }

    /// Whether what is true of one row's SQL is true of all.
    pub fn same_for_all(self) -> bool
    where
        <&'static I as Insertable<Table>>::Values: QueryId,
    {
        <&'static I as Insertable<Table>>::Values::HAS_STATIC_QUERY_ID
    }
}

/// What can be changed in the rows of a table.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what changes in the repository's table",
    label = "needs `AsChangeset`",
    note = "add `#[derive(AsChangeset)]` and `#[diesel(table_name = ..)]`, with the table of the repository"
)]
pub trait ChangesOf<Table> {
    type Role;
    const ROLE: Self::Role;
}

#[diagnostic::do_not_recommend]
impl<Table, U: 'static> ChangesOf<Table> for U
where
    for<'a> &'a U: AsChangeset<Target = Table>,
{
    type Role = <<&'static U as AsChangeset>::Changeset as Through<Changed<U>>>::Itself;
    const ROLE: Changed<U> = Changed(PhantomData);
}

/// How rows are changed.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Changed<U>(PhantomData<fn() -> U>);

impl<U: 'static> Changed<U>
where
    for<'a> &'a U: AsChangeset,
{
    #[inline]
    pub fn changeset(self, update: &U) -> <&U as AsChangeset>::Changeset {
        update.as_changeset()
    }
}
