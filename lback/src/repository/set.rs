//! Changes that the database works out.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, AsExpression, NonAggregate, SelectableExpression, TypedExpressionType,
    ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::SqlType;
use diesel::{Column, Expression, QueryResult};

/// What a column is set to: a value, or something that the database works out of the row as it is then.
///
/// A field of a struct with `#[derive(AsChangeset)]` may be an `Option<Set<T>>` where it would be an
/// `Option<T>`. `DB` is Diesel's type of the database; each backend's module has an alias without it, such
/// as [`lback::sqlite::Set`](crate::sqlite::Set).
///
/// Receivers see in `update_data` what was asked for ([`value`](Self::value)), and in the row of the post
/// signal what became of it.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, Set};
///
/// diesel::table! {
///     counters (id) {
///         id -> BigInt,
///         hits -> Integer,
///     }
/// }
///
/// #[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
/// #[diesel(table_name = counters)]
/// pub struct Counter {
///     pub id: i64,
///     pub hits: i32,
/// }
///
/// #[derive(Clone, Debug, Insertable)]
/// #[diesel(table_name = counters)]
/// pub struct NewCounter {
///     pub hits: i32,
/// }
///
/// #[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
/// #[diesel(table_name = counters)]
/// pub struct CounterChanges {
///     pub hits: Option<Set<i32>>,
/// }
///
/// impl Validate for NewCounter {}
/// impl Validate for CounterChanges {}
///
/// #[repository(entity = Counter, table = counters, insert = NewCounter, update = CounterChanges, connection = SqliteConnection)]
/// pub struct Counters;
///
/// # let mut session = lback::sqlite::connect(":memory:")?;
/// # diesel::sql_query("CREATE TABLE counters (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL)")
/// #     .execute(session.conn())?;
/// let counter = Counters.create(&mut session, NewCounter { hits: 1 })?;
/// let more = CounterChanges { hits: Some(Set::plus(counters::hits, 1)) };
/// assert_eq!(Counters.update(&mut session, &counter, more)?.hits, 2);
/// let square = CounterChanges { hits: Some(Set::expression(counters::hits, counters::hits * counters::hits)) };
/// assert_eq!(Counters.update(&mut session, &counter, square)?.hits, 4);
/// # lback::Result::Ok(())
/// ```
pub struct Set<T, DB: Backend> {
    to: To<T, DB>,
}

enum To<T, DB: Backend> {
    Value(T),
    Plus(&'static str, T),
    Default,
    Expression(Arc<dyn QueryFragment<DB> + Send + Sync>),
}

impl<T, DB: Backend> Set<T, DB> {
    /// To this value.
    pub const fn to(value: T) -> Self {
        Self {
            to: To::Value(value),
        }
    }

    /// To what `column` holds, and this value more. It may be another column of the same row.
    ///
    /// Two at once both count, as they do not where a program reads the number first.
    pub fn plus<C>(column: C, value: T) -> Self
    where
        C: Column<SqlType: SqlType + TypedExpressionType>,
        T: AsExpression<C::SqlType>,
    {
        let _ = column;
        Self {
            to: To::Plus(C::NAME, value),
        }
    }

    /// To what the database works out, such as `diesel::dsl::now` or `posts::likes * 2`: whatever Diesel takes in
    /// `column.eq(..)`, and as it takes it there, also for a column that may be NULL.
    ///
    /// Of `column`, its type and its table are what counts.
    pub fn expression<C, E>(column: C, expression: E) -> Self
    where
        C: Column<SqlType: SqlType + TypedExpressionType>,
        T: AsExpression<C::SqlType>,
        E: AsExpression<
                C::SqlType,
                Expression: AppearsOnTable<C::Table>
                                + NonAggregate
                                + QueryFragment<DB>
                                + Send
                                + Sync
                                + 'static,
            >,
    {
        let _ = column;
        Self {
            to: To::Expression(Arc::new(expression.as_expression())),
        }
    }

    /// To the column's default. SQLite knows no `DEFAULT` in an UPDATE.
    pub const fn default_value() -> Self
    where
        DB: KnowsDefault,
    {
        Self { to: To::Default }
    }

    /// The value, if it is set to one.
    pub const fn value(&self) -> Option<&T> {
        match &self.to {
            To::Value(value) => Some(value),
            To::Plus(..) | To::Default | To::Expression(_) => None,
        }
    }
}

/// A database that knows `DEFAULT` in an UPDATE.
#[diagnostic::on_unimplemented(
    message = "`{Self}` knows no DEFAULT in an UPDATE",
    label = "not on this database",
    note = "set the column to the value itself: `Set::to(..)`"
)]
pub trait KnowsDefault: Backend {}

#[cfg(any(feature = "postgres", feature = "diesel-async"))]
impl KnowsDefault for diesel::pg::Pg {}
#[cfg(feature = "mysql")]
impl KnowsDefault for diesel::mysql::Mysql {}

impl<T, DB: Backend> From<T> for Set<T, DB> {
    fn from(value: T) -> Self {
        Self::to(value)
    }
}

impl<T: Clone, DB: Backend> Clone for Set<T, DB> {
    fn clone(&self) -> Self {
        Self {
            to: match &self.to {
                To::Value(value) => To::Value(value.clone()),
                To::Plus(column, value) => To::Plus(column, value.clone()),
                To::Default => To::Default,
                To::Expression(expression) => To::Expression(Arc::clone(expression)),
            },
        }
    }
}

/// Two expressions are equal if one is a clone of the other.
impl<T: PartialEq, DB: Backend> PartialEq for Set<T, DB> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.to, &other.to) {
            (To::Value(one), To::Value(other)) => one == other,
            (To::Plus(column, one), To::Plus(of, other)) => column == of && one == other,
            (To::Default, To::Default) => true,
            (To::Expression(one), To::Expression(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl<T: fmt::Debug, DB: Backend> fmt::Debug for Set<T, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Value(value) => value.fmt(f),
            To::Plus(column, value) => write!(f, "{column} + {value:?}"),
            To::Default => f.write_str("DEFAULT"),
            // It has no text without a connection.
            To::Expression(_) => f.write_str("(expression)"),
        }
    }
}

/// What stands behind `column =`.
// Not public API. It is what Diesel sees.
#[doc(hidden)]
pub struct Assigned<E, DB: Backend, ST> {
    to: To<E, DB>,
    of: PhantomData<ST>,
}

impl<E, DB: Backend, ST> Assigned<E, DB, ST> {
    fn new<T>(to: To<T, DB>, bind: impl FnOnce(T) -> E) -> Self {
        Self {
            to: match to {
                To::Value(value) => To::Value(bind(value)),
                To::Plus(column, value) => To::Plus(column, bind(value)),
                To::Default => To::Default,
                To::Expression(expression) => To::Expression(expression),
            },
            of: PhantomData,
        }
    }
}

impl<T, DB, ST> AsExpression<ST> for Set<T, DB>
where
    DB: Backend,
    ST: SqlType + TypedExpressionType,
    T: AsExpression<ST>,
{
    type Expression = Assigned<T::Expression, DB, ST>;

    fn as_expression(self) -> Self::Expression {
        Assigned::new(self.to, T::as_expression)
    }
}

impl<'t, T, DB, ST> AsExpression<ST> for &'t Set<T, DB>
where
    DB: Backend,
    ST: SqlType + TypedExpressionType,
    &'t T: AsExpression<ST>,
{
    type Expression = Assigned<<&'t T as AsExpression<ST>>::Expression, DB, ST>;

    fn as_expression(self) -> Self::Expression {
        let to = match &self.to {
            To::Value(value) => To::Value(value),
            To::Plus(column, value) => To::Plus(column, value),
            To::Default => To::Default,
            To::Expression(expression) => To::Expression(Arc::clone(expression)),
        };
        Assigned::new(to, AsExpression::as_expression)
    }
}

impl<E, DB: Backend, ST: SqlType + TypedExpressionType> Expression for Assigned<E, DB, ST> {
    type SqlType = ST;
}

impl<E, DB: Backend, ST, Table> AppearsOnTable<Table> for Assigned<E, DB, ST> where Self: Expression {}

impl<E, DB: Backend, ST, Table> SelectableExpression<Table> for Assigned<E, DB, ST> where
    Self: AppearsOnTable<Table>
{
}

impl<E, DB: Backend, ST, By> ValidGrouping<By> for Assigned<E, DB, ST> {
    type IsAggregate = is_aggregate::No;
}

impl<E, DB: Backend, ST> QueryId for Assigned<E, DB, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E, DB, ST> QueryFragment<DB> for Assigned<E, DB, ST>
where
    DB: Backend,
    E: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match &self.to {
            To::Value(value) => value.walk_ast(out),
            To::Plus(column, value) => {
                out.push_identifier(column)?;
                out.push_sql(" + ");
                value.walk_ast(out)
            }
            To::Default => {
                out.push_sql("DEFAULT");
                Ok(())
            }
            To::Expression(expression) => {
                // Two may have the same text, and bind values of other types, for which a server has not prepared it.
                out.unsafe_to_cache_prepared();
                expression.walk_ast(out)
            }
        }
    }
}
