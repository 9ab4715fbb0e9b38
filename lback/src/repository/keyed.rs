//! Keys as Diesel gives them: one column, or two to four.
//!
//! They are as in `bound.rs`: bounds on the types of a repository, with the message for those who miss
//! them.

use std::any::TypeId;

use diesel::associations::HasTable;
use diesel::backend::Backend;
use diesel::dsl::{Eq, EqAny, SqlTypeOf};
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::SqlType;
use diesel::{Expression, ExpressionMethods, Identifiable, QueryResult, QuerySource, Table};

use super::dialect::Dialect;
use super::sql::text::Syntax;

/// The form of a key of one column.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub enum One {}

/// The form of a key of several.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub enum Several {}

/// A key, as `Identifiable` gives it.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the key of `{E}` has more than four columns",
    label = "its `Identifiable::Id` is `{Self}`",
    note = "a repository finds a row by one column, or by two to four: give the table an `id`, and make the others unique"
)]
pub trait KeyRef<E> {
    type Key;
    type Form;
}

impl<E, Key> KeyRef<E> for &'static Key {
    type Key = Key;
    type Form = One;
}

/// The key of an entity.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait KeyFor<E, Form> {
    fn of(entity: &E) -> Self;
}

impl<E, Key: Clone> KeyFor<E, One> for Key
where
    for<'a> &'a E: Identifiable<Id = &'a Key>,
{
    #[inline]
    fn of(entity: &E) -> Key {
        entity.id().clone()
    }
}

/// A table whose rows are found by keys of type `Key`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the rows of `{Self}` cannot be found by a `{Key}`",
    label = "its primary key is another, or Diesel cannot bind this type there",
    note = "the entity's `id` and the primary key of the table must be the same columns, in the same order; a type of your own needs `AsExpression` for itself and for references"
)]
pub trait Keyed<C: Dialect, Key, Form>: QuerySource + Sized + 'static {
    /// How many columns the key has.
    const COLUMNS: usize;

    fn from() -> impl QueryFragment<C::Backend>;
    fn key() -> impl QueryFragment<C::Backend>;
    /// The type of the key's column, if it has one.
    fn key_type() -> Option<TypeId>;
    /// The types of all its columns.
    fn key_types() -> Vec<TypeId>;
    fn is(key: &Key) -> impl QueryFragment<C::Backend> + QueryId;
    fn is_any(keys: &[Key]) -> impl QueryFragment<C::Backend> + QueryId;
}

#[diagnostic::do_not_recommend]
impl<T, C, Key> Keyed<C, Key, One> for T
where
    C: Dialect,
    Key: AsExpression<SqlTypeOf<T::PrimaryKey>> + Clone + 'static,
    T: Table<FromClause: QueryFragment<C::Backend>> + HasTable<Table = T> + 'static,
    T::PrimaryKey: Expression<SqlType: SqlType + TypedExpressionType + 'static>
        + ExpressionMethods
        + QueryFragment<C::Backend>
        + QueryId,
    for<'a> &'a Key: AsExpression<SqlTypeOf<T::PrimaryKey>>,
    for<'a> Eq<T::PrimaryKey, &'a Key>: QueryFragment<C::Backend> + QueryId,
    // Of a list of references the compiler cannot say this for every lifetime.
    EqAny<T::PrimaryKey, Vec<Key>>: QueryFragment<C::Backend> + QueryId,
{
    const COLUMNS: usize = 1;

    fn from() -> impl QueryFragment<C::Backend> {
        T::table().from_clause()
    }

    fn key() -> impl QueryFragment<C::Backend> {
        T::table().primary_key()
    }

    fn key_type() -> Option<TypeId> {
        Some(TypeId::of::<SqlTypeOf<T::PrimaryKey>>())
    }

    fn key_types() -> Vec<TypeId> {
        vec![TypeId::of::<SqlTypeOf<T::PrimaryKey>>()]
    }

    fn is(key: &Key) -> impl QueryFragment<C::Backend> + QueryId {
        T::table().primary_key().eq(key)
    }

    fn is_any(keys: &[Key]) -> impl QueryFragment<C::Backend> + QueryId {
        T::table().primary_key().eq_any(keys.to_vec())
    }
}

#[diagnostic::do_not_recommend]
impl<T, C, Key> Keyed<C, Key, Several> for T
where
    C: Dialect,
    Key: Parts<T::PrimaryKey, C>,
    T: Table<FromClause: QueryFragment<C::Backend>> + HasTable<Table = T> + 'static,
    T::PrimaryKey: QueryFragment<C::Backend>,
{
    const COLUMNS: usize = Key::COUNT;

    fn from() -> impl QueryFragment<C::Backend> {
        T::table().from_clause()
    }

    fn key() -> impl QueryFragment<C::Backend> {
        T::table().primary_key()
    }

    fn key_type() -> Option<TypeId> {
        None
    }

    fn key_types() -> Vec<TypeId> {
        Key::types()
    }

    fn is(key: &Key) -> impl QueryFragment<C::Backend> + QueryId {
        Key::is(T::table().primary_key(), key)
    }

    fn is_any(keys: &[Key]) -> impl QueryFragment<C::Backend> + QueryId {
        Key::is_any(T::table().primary_key(), keys)
    }
}

/// A tuple of values for a tuple of columns.
// Not public API. Public for `Keyed`.
#[doc(hidden)]
pub trait Parts<Columns, C: Dialect>: Sized {
    const COUNT: usize;

    fn types() -> Vec<TypeId>;
    fn is(columns: Columns, key: &Self) -> impl QueryFragment<C::Backend> + QueryId;
    fn is_any(columns: Columns, keys: &[Self]) -> impl QueryFragment<C::Backend> + QueryId;
}

/// `first AND second`
#[derive(QueryId)]
struct Both<First, Second>(First, Second);

impl<DB: Backend, First, Second> QueryFragment<DB> for Both<First, Second>
where
    First: QueryFragment<DB>,
    Second: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        self.1.walk_ast(out)
    }
}

/// `(columns) IN ((row), ..)`
struct AnyOf<Columns, Row> {
    columns: Columns,
    rows: Vec<Row>,
    syntax: Syntax,
}

impl<DB: Backend, Columns, Row> QueryFragment<DB> for AnyOf<Columns, Row>
where
    Columns: QueryFragment<DB>,
    Row: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Each number of rows is another text.
        out.unsafe_to_cache_prepared();
        if self.rows.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        out.push_sql("(");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(") IN (");
        // SQLite knows lists of rows only as VALUES, and a chain of ORs is too deep for it.
        if self.syntax == Syntax::Sqlite {
            out.push_sql("VALUES ");
        }
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ", (" });
            row.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<Columns, Row> QueryId for AnyOf<Columns, Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

macro_rules! both {
    ($last:expr) => { $last };
    ($first:expr, $($others:expr),+) => { Both($first, both!($($others),+)) };
}

macro_rules! several {
    ($count:literal: $($Key:ident $Column:ident $key:ident $column:ident),+) => {
        impl<E, $($Key),+> KeyRef<E> for ($(&'static $Key,)+) {
            type Key = ($($Key,)+);
            type Form = Several;
        }

        impl<E, $($Key: Clone),+> KeyFor<E, Several> for ($($Key,)+)
        where
            for<'a> &'a E: Identifiable<Id = ($(&'a $Key,)+)>,
        {
            #[inline]
            fn of(entity: &E) -> Self {
                let ($($key,)+) = entity.id();
                ($($key.clone(),)+)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<C, $($Key, $Column),+> Parts<($($Column,)+), C> for ($($Key,)+)
        where
            C: Dialect,
            ($($Column,)+): QueryFragment<C::Backend>,
            $(
                $Column: Expression<SqlType: SqlType + TypedExpressionType + 'static>
                    + ExpressionMethods
                    + QueryFragment<C::Backend>
                    + QueryId,
                $Key: AsExpression<SqlTypeOf<$Column>, Expression: QueryFragment<C::Backend>>
                    + Clone
                    + 'static,
                for<'a> &'a $Key: AsExpression<SqlTypeOf<$Column>>,
                for<'a> Eq<$Column, &'a $Key>: QueryFragment<C::Backend> + QueryId,
            )+
        {
            const COUNT: usize = $count;

            fn types() -> Vec<TypeId> {
                vec![$(TypeId::of::<SqlTypeOf<$Column>>()),+]
            }

            fn is(columns: ($($Column,)+), key: &Self) -> impl QueryFragment<C::Backend> + QueryId {
                let (($($column,)+), ($($key,)+)) = (columns, key);
                both!($($column.eq($key)),+)
            }

            fn is_any(
                columns: ($($Column,)+),
                keys: &[Self],
            ) -> impl QueryFragment<C::Backend> + QueryId {
                let row = |key: &Self| {
                    let ($($key,)+) = key;
                    ($(AsExpression::<SqlTypeOf<$Column>>::as_expression($key.clone()),)+)
                };
                AnyOf {
                    columns,
                    rows: keys.iter().map(row).collect(),
                    syntax: C::SYNTAX,
                }
            }
        }
    };
}

several!(2: K0 C0 k0 c0, K1 C1 k1 c1);
several!(3: K0 C0 k0 c0, K1 C1 k1 c1, K2 C2 k2 c2);
several!(4: K0 C0 k0 c0, K1 C1 k1 c1, K2 C2 k2 c2, K3 C3 k3 c3);
