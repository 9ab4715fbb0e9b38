//! What a repository asks of its types, with the message for those who miss it.
//!
//! A repository names its types, and these traits are bounds on them: where one is missing, that is
//! one error, at the option that names the type. Two things are needed for that. Without
//! `do_not_recommend`, the message would be Diesel's own. And what others depend on goes [`Through`]
//! what Diesel gives: where that is missing, it is of unknown type, about which the compiler is silent.
//!
//! Each gives its part of the statements, so that Diesel's bounds stand here and not in all of them.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::deserialize::FromSqlRow;
use diesel::dsl::SqlTypeOf;
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::{
    AsChangeset, Identifiable, Insertable, QueryResult, Selectable, SelectableExpression,
};

use super::dialect::{Dialect, Narrow};

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

/// A type of which a key can be.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key: rows are found, put in order and named in errors by it",
    label = "its key needs `Clone`, `Debug` and `Ord`",
    note = "add `#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]` to the type of the key"
)]
pub trait KeyType {
    type Itself;
}

#[diagnostic::do_not_recommend]
impl<Key: 'static> KeyType for Key
where
    (): CanBeKey<Key>,
{
    type Itself = Key;
}

/// Asked by way of another type, or the compiler would speak of the one trait that is missing.
// Not public API.
#[doc(hidden)]
pub trait CanBeKey<Key> {}

impl<Key: Clone + Ord + std::fmt::Debug> CanBeKey<Key> for () {}

/// The backend of an entity that knows its columns.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{E}` does not say which columns it has",
    label = "needs `Selectable`",
    note = "add `#[derive(Queryable, Selectable, Identifiable)]` and `#[diesel(table_name = ..)]`"
)]
pub trait Selects<E> {
    type Columns;
}

#[diagnostic::do_not_recommend]
impl<DB: Backend, E: Selectable<DB>> Selects<E> for DB {
    type Columns = SqlTypeOf<E::SelectExpression>;
}

/// The types of the columns of an entity that can be made of them.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{E}` cannot be made from the columns that it selects, or they are of another table",
    label = "needs `Queryable`, and the table of the repository",
    note = "add `#[derive(Queryable, Selectable, Identifiable)]`, with the table of the repository; if it is there, `#[diesel(check_for_backend(..))]` names the field that does not fit its column"
)]
pub trait Makes<E, Table, C: Dialect>: Sized {
    /// What stands behind SELECT: it has one text, and binds nothing.
    fn columns() -> impl QueryFragment<C::Backend>;

    /// The columns that would be cut off where they hold much.
    fn narrow() -> Vec<Narrow>;

    /// The first row.
    fn row<S>(conn: &mut C, statement: S, narrow: &[Narrow]) -> QueryResult<E>
    where
        S: Query<SqlType = Self> + QueryFragment<C::Backend> + QueryId;

    /// Each row, to the end of the statement, with its fingerprint if that is asked for.
    fn rows<S>(
        conn: &mut C,
        statement: S,
        narrow: &[Narrow],
        is_printed: bool,
        take: &mut dyn FnMut(E, u64),
    ) -> QueryResult<()>
    where
        S: Query<SqlType = Self> + QueryFragment<C::Backend> + QueryId;
}

#[diagnostic::do_not_recommend]
impl<Columns, E, Table, C> Makes<E, Table, C> for Columns
where
    Columns: 'static,
    C: Dialect<Backend: QueryMetadata<Columns> + 'static>,
    E: FromSqlRow<Columns, C::Backend>
        + Selectable<
            C::Backend,
            SelectExpression: QueryFragment<C::Backend> + SelectableExpression<Table>,
        > + 'static,
{
    fn columns() -> impl QueryFragment<C::Backend> {
        E::construct_selection()
    }

    fn narrow() -> Vec<Narrow> {
        C::narrow::<Columns>()
    }

    fn row<S>(conn: &mut C, statement: S, narrow: &[Narrow]) -> QueryResult<E>
    where
        S: Query<SqlType = Columns> + QueryFragment<C::Backend> + QueryId,
    {
        let row = conn.load(statement)?.next().ok_or(Error::NotFound)??;
        C::check_narrow(&row, narrow)?;
        E::build_from_row(&row).map_err(Error::DeserializationError)
    }

    fn rows<S>(
        conn: &mut C,
        statement: S,
        narrow: &[Narrow],
        is_printed: bool,
        take: &mut dyn FnMut(E, u64),
    ) -> QueryResult<()>
    where
        S: Query<SqlType = Columns> + QueryFragment<C::Backend> + QueryId,
    {
        for row in conn.load(statement)? {
            let row = row?;
            C::check_narrow(&row, narrow)?;
            let fingerprint = if is_printed { C::fingerprint(&row) } else { 0 };
            let entity = E::build_from_row(&row).map_err(Error::DeserializationError)?;
            take(entity, fingerprint);
        }
        Ok(())
    }
}

/// What can be inserted into a table.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be inserted into the repository's table",
    label = "needs `Insertable`",
    note = "add `#[derive(Insertable)]` and `#[diesel(table_name = ..)]`, with the table of the repository",
    note = "a repository inserts by reference, and `serialize_as` makes it insertable by value only: implement `ToSql` for the field's type instead"
)]
pub trait InsertedInto<Table> {
    type Role;
}

#[diagnostic::do_not_recommend]
impl<Table, I: 'static> InsertedInto<Table> for I
where
    for<'a> &'a I: Insertable<Table>,
{
    // By way of what is missing where this does not hold: the compiler looks in here even then.
    type Role = <<&'static I as Insertable<Table>>::Values as Through<Inserted<I, Table>>>::Itself;
}

/// `T`, if the type that this is implemented for exists.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Through<T> {
    type Itself;
}

impl<T, Evidence> Through<T> for Evidence {
    type Itself = T;
}

/// How an `I` is inserted.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Inserted<I, Table>(PhantomData<fn() -> (I, Table)>);

impl<I, Table> Inserted<I, Table>
where
    for<'a> &'a I: Insertable<Table>,
{
    /// For expansions: the type has no name that a trait could give. Called as others are, for the
    /// compiler says of a name that it has never seen that an unknown type lacks it.
    pub fn values(data: &I) -> <&I as Insertable<Table>>::Values {
        data.values()
    }
}

/// The part of an INSERT that an `I` gives.
// Not public API. Public for `Model`, and for messages.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{I}` cannot be inserted by a `{C}`",
    label = "a field does not fit its column on this database"
)]
pub trait Inserts<I, C: Dialect> {
    /// Whether what is true of one row's SQL is true of all.
    const SAME_FOR_ALL: bool;

    /// `(columns) VALUES (values)`, or `DEFAULT VALUES`.
    fn values(data: &I) -> impl QueryFragment<C::Backend> + QueryId;
}

#[diagnostic::do_not_recommend]
impl<I: 'static, Table, C> Inserts<I, C> for Inserted<I, Table>
where
    C: Dialect,
    for<'a> &'a I: Insertable<Table, Values: QueryFragment<C::Backend> + QueryId>,
{
    const SAME_FOR_ALL: bool =
        <<&'static I as Insertable<Table>>::Values as QueryId>::HAS_STATIC_QUERY_ID;

    fn values(data: &I) -> impl QueryFragment<C::Backend> + QueryId {
        data.values()
    }
}

/// What can be changed in the rows of a table.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what changes in the repository's table",
    label = "needs `AsChangeset`",
    note = "add `#[derive(AsChangeset)]` and `#[diesel(table_name = ..)]`, with the table of the repository",
    note = "if there is nothing to change in its rows, leave `update` out",
    note = "a repository changes by reference, and `serialize_as` makes that possible by value only: implement `ToSql` for the field's type instead"
)]
pub trait ChangesOf<Table> {
    type Role;
}

#[diagnostic::do_not_recommend]
impl<Table, U: 'static> ChangesOf<Table> for U
where
    for<'a> &'a U: AsChangeset<Target = Table>,
{
    type Role = Changed<U>;
}

/// How a `U` is changed.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Changed<U>(PhantomData<fn() -> U>);

/// The part of an UPDATE that a `U` gives.
// Not public API. Public for `Model`, and for messages.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the changes of a `{U}` cannot be made by a `{C}`",
    label = "a field does not fit its column on this database"
)]
pub trait Changes<U, C: Dialect> {
    /// What stands behind SET.
    fn changes(update: &U) -> impl QueryFragment<C::Backend>;
}

#[diagnostic::do_not_recommend]
impl<U: 'static, C> Changes<U, C> for Changed<U>
where
    C: Dialect,
    for<'a> &'a U: AsChangeset<Changeset: QueryFragment<C::Backend>>,
{
    fn changes(update: &U) -> impl QueryFragment<C::Backend> {
        update.as_changeset()
    }
}
