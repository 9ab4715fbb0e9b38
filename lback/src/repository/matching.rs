//! Rows that are named by a condition, and not by their keys.

use std::collections::BTreeSet;

use diesel::expression::{AppearsOnTable, NonAggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::BoolOrNullableBool;
use diesel::{Connection as _, Expression, QueryResult};

use super::bound::Changes;
use super::dialect::{Dialect, Lock};
use super::key::Entity;
use super::model::{BackendOf, Conn, Key, Model, SessionOf, Updates};
use super::query::{self, Listed, rows};
use super::row::write;
use super::rows::Rows;
use super::sql::statement::{
    Delete, OfTwo, OfTwoForNoKeyUpdate, OfTwoForUpdate, SelectInOrder, Unlocked, UpdateAll,
};
use crate::error::{Error, Result};

/// A condition on the rows of a table: whatever Diesel's `filter` takes, boxed ones too.
///
/// ```
/// use lback::sqlite::{prelude::*, users::*};
///
/// # let mut session = lback::sqlite::connect(":memory:")?;
/// # lback::sqlite::migrate(&mut session)?;
/// let of_example = users::email.like("%@example.com");
/// let gone = UserRepository::new().delete_where(&mut session, of_example.and(users::is_active.eq(false)))?;
/// assert_eq!(gone, 0);
/// # lback::Result::Ok(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no condition on the rows of `{Table}`",
    label = "not a condition on this table",
    note = "pass what Diesel's `filter` takes, such as `posts::author.eq(7)`; a boxed one is a `Box<dyn BoxableExpression<posts::table, Sqlite, SqlType = Bool>>`"
)]
pub trait Filter<Table, C: Dialect>: QueryFragment<C::Backend> + QueryId {}

#[diagnostic::do_not_recommend]
impl<F, Table, C> Filter<Table, C> for F
where
    C: Dialect,
    F: AppearsOnTable<Table>
        + Expression<SqlType: BoolOrNullableBool>
        + NonAggregate
        + QueryFragment<C::Backend>
        + QueryId,
{
}

/// A condition as a part of a statement.
pub(super) struct Matching<'f, F>(pub(super) &'f F);

impl<DB, F> QueryFragment<DB> for Matching<'_, F>
where
    DB: diesel::backend::Backend,
    F: QueryFragment<DB> + QueryId,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if !F::HAS_STATIC_QUERY_ID {
            // Diesel would keep each text that it has ever had.
            out.unsafe_to_cache_prepared();
        }
        self.0.walk_ast(out)
    }
}

impl<F: QueryId> QueryId for Matching<'_, F> {
    type QueryId = Matching<'static, F::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = F::HAS_STATIC_QUERY_ID;
}

/// The rows that meet a condition, by key, and two of them at most.
fn select_two<R: Model>(
    conn: &mut Conn<R>,
    predicate: impl QueryFragment<BackendOf<R>> + QueryId,
    lock: Lock,
) -> Listed<R> {
    if Conn::<R>::LOCKS_ROWS {
        match lock {
            Lock::None => {}
            Lock::ForNoKeyUpdate => {
                let statement = SelectInOrder::<R, _, _>::new(predicate, OfTwoForNoKeyUpdate);
                return rows::<R, _>(conn, statement);
            }
            Lock::ForUpdate => {
                let statement = SelectInOrder::<R, _, _>::new(predicate, OfTwoForUpdate);
                return rows::<R, _>(conn, statement);
            }
        }
    }
    rows::<R, _>(conn, SelectInOrder::<R, _, _>::new(predicate, OfTwo))
}

/// The one row that meets a condition, if there is one.
pub(super) fn one<R: Model>(
    session: &mut SessionOf<R>,
    predicate: impl QueryFragment<BackendOf<R>> + QueryId,
    lock: Lock,
) -> Result<Option<R::Entity>> {
    let mut found = session.statement(|conn| select_two::<R>(conn, predicate, lock))?;
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Error::Ambiguous {
            entity: R::Entity::NAME,
            table: R::TABLE,
        }),
    }
}

/// All rows that meet a condition, by key.
pub(super) fn all<R: Model>(
    session: &mut SessionOf<R>,
    filter: &(impl QueryFragment<BackendOf<R>> + QueryId),
) -> Result<Vec<R::Entity>> {
    session.look_up(|conn| {
        let statement = SelectInOrder::<R, _, _>::new(Matching(filter), Unlocked);
        rows::<R, _>(conn, statement)
    })
}

/// The keys of the rows that meet a condition, before the transaction is begun in which they are locked;
/// `None` where they need not be known, or a transaction is open.
///
/// A database that locks rows as it finds them does so in the order of whatever index it finds them by,
/// and locks that index too. Two that find some of the same rows by different ones would block each other,
/// the latest when the rows are deleted from both. By their keys all lock them in one order.
pub(super) fn before<R: Model>(
    session: &mut SessionOf<R>,
    filter: &(impl QueryFragment<BackendOf<R>> + QueryId),
) -> Result<Option<Vec<Key<R>>>> {
    if R::Connection::LOCKS_AS_IT_FINDS && !session.in_transaction() {
        let rows = all::<R>(session, filter)?;
        return Ok(Some(rows.iter().map(Entity::key).collect()));
    }
    Ok(None)
}

/// All rows that meet a condition, locked until they are changed or deleted: of those that were known
/// before, if they were asked for, the ones that still do.
pub(super) fn locked<R: Model>(
    session: &mut SessionOf<R>,
    filter: &(impl QueryFragment<BackendOf<R>> + QueryId),
    lock: Lock,
    known: Option<Vec<Key<R>>>,
) -> Result<Rows<R>> {
    let Some(known) = known else {
        let found =
            session.statement(|conn| query::select_in_order::<R>(conn, Matching(filter), lock))?;
        return Ok(Rows::read_before(found, lock));
    };
    let mut rows = Rows::read(session, &known, Some(lock))?;
    if !rows.found.is_empty() {
        // The first plain SELECT of the transaction, so it sees what the locks have waited for.
        let still: BTreeSet<_> = all::<R>(session, filter)?.iter().map(Entity::key).collect();
        rows.keep(|row: &R::Entity| still.contains(&row.key()));
    }
    Ok(rows)
}

/// Changes rows that nobody has to see: how many there were.
pub(super) fn update<R: Updates>(
    session: &mut SessionOf<R>,
    filter: &(impl QueryFragment<BackendOf<R>> + QueryId),
    changes: &R::Update,
) -> Result<usize> {
    let changes = R::Changed::changes(changes);
    if session.statement(|_| changes.is_noop(&BackendOf::<R>::default()))? {
        return Ok(0);
    }
    write::<R, _>(session, |conn| {
        conn.execute_returning_count(&UpdateAll::<R, _, _>::new(changes, Matching(filter)))
    })
}

/// Deletes rows that nobody has to see: how many there were.
pub(super) fn delete<R: Model>(
    session: &mut SessionOf<R>,
    filter: &(impl QueryFragment<BackendOf<R>> + QueryId),
) -> Result<usize> {
    write::<R, _>(session, |conn| {
        conn.execute_returning_count(&Delete::<R, _>::new(Matching(filter)))
    })
}
