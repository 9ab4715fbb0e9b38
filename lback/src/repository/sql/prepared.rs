//! Statements whose text depends on their values, kept prepared.
//!
//! Diesel keeps a statement prepared under an id that its *type* gives, `QueryId::query_id()`, or, if
//! the type gives none, under its whole text, which must be written at every execution. The text of an
//! UPDATE depends on which columns are set, so its type cannot say it, and Diesel's own UPDATE is
//! prepared anew each time: 3.5 times the work on SQLite. `query_id()` takes no `self`, so the value
//! leaves its id where the type finds it, in a cell of its thread, at the last moment before it is
//! executed. That is right for as long as Diesel asks at most once an execution, on the same thread,
//! and for the statement that is executed: all three connections of Diesel 2.3 do, before anything else
//! (`connection/statement_cache`). If it asked twice, the second answer would be none, and the statement
//! would be found by its text: slower, and still right. Where it does not ask at all (an UPDATE that
//! returns no rows, on MySQL), `Drop` empties the cell. An id is refused to statements of another type.
//! `tests/promises/diesel_asks_for_the_id_of_a_statement_once.rs` fails when Diesel changes that.

use std::any::TypeId;
use std::cell::Cell;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{EmptyChangeset, Error};
use once_cell::sync::OnceCell;

use super::text::text_of;
use crate::repository::dialect::Dialect;

/// How many shapes of an update a repository has ids for.
pub(crate) const REMEMBERED: usize = 16;

/// The shapes that one statement of a repository has had: those seen first get a static query id.
///
/// All others are prepared anew each time, and given back: Diesel never evicts a statement, and
/// under its text it would keep each of the 65,535 shapes that sixteen optional columns have.
pub(crate) struct Shapes([OnceCell<String>; REMEMBERED]);

impl Shapes {
    pub(crate) const fn new() -> Self {
        Self([const { OnceCell::new() }; REMEMBERED])
    }

    /// `statement`, of which only the text of this part depends on its values;
    /// `Err(EmptyChangeset)` if that is empty. The first `kept` shapes stay prepared.
    pub(crate) fn know<C, Of, Part, Statement>(
        &self,
        statement: Statement,
        part: impl FnOnce(&Statement) -> &Part,
        kept: usize,
    ) -> QueryResult<Known<Of, Statement>>
    where
        C: Dialect,
        Of: 'static,
        Part: QueryFragment<C::Backend>,
    {
        let text = text_of::<C::Backend, _>(part(&statement))?;
        if text.is_empty() {
            return Err(no_changes());
        }
        let known = |shape: &OnceCell<String>| *shape.get_or_init(|| text.clone()) == text;
        let id = self.0.iter().take(kept).position(known).and_then(id::<Of>);
        ASKED_NEXT.set(id.map(|id| (TypeId::of::<Of>(), id)));
        Ok(Known {
            statement,
            is_kept: id.is_some(),
            of: PhantomData,
        })
    }
}

// Diesel asks the type for its id, and only the value knows its shape.
thread_local! {
    static ASKED_NEXT: Cell<Option<(TypeId, TypeId)>> = const { Cell::new(None) };
}

/// The statement of `Of` that is executed next on this thread.
pub(crate) struct Known<Of, Statement> {
    statement: Statement,
    is_kept: bool,
    of: PhantomData<fn() -> Of>,
}

// What is not executed leaves its id to nobody.
impl<Of, Statement> Drop for Known<Of, Statement> {
    fn drop(&mut self) {
        ASKED_NEXT.set(None);
    }
}

struct Shape<Of, const PLACE: usize>(PhantomData<Of>);

fn id<Of: 'static>(place: usize) -> Option<TypeId> {
    macro_rules! ids {
        ($($place:literal)*) => {
            [$(TypeId::of::<Shape<Of, $place>>),*]
        };
    }
    // As many as there are places, or it does not compile.
    let ids: [fn() -> TypeId; REMEMBERED] = ids!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    ids.get(place).map(|id| id())
}

// Diesel must not answer for the type before it asks it.
const _: () = assert!(!<Known<(), ()> as QueryId>::HAS_STATIC_QUERY_ID);

impl<Of: 'static, Statement> QueryId for Known<Of, Statement> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;

    fn query_id() -> Option<TypeId> {
        match ASKED_NEXT.take() {
            Some((of, id)) if of == TypeId::of::<Of>() => Some(id),
            _ => None,
        }
    }
}

impl<DB, Of, Statement> QueryFragment<DB> for Known<Of, Statement>
where
    DB: Backend,
    Statement: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if !self.is_kept {
            out.unsafe_to_cache_prepared();
        }
        self.statement.walk_ast(out)
    }
}

impl<Of, Statement: Query> Query for Known<Of, Statement> {
    type SqlType = Statement::SqlType;
}

#[cold]
pub(crate) fn no_changes() -> Error {
    Error::QueryBuilderError(Box::new(EmptyChangeset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_an_id_of_its_own() {
        let ids: std::collections::HashSet<_> = (0..REMEMBERED).map(id::<()>).collect();
        assert_eq!(ids.len(), REMEMBERED);
        assert!(!ids.contains(&None) && !ids.contains(&id::<u8>(0)));
        assert_eq!(id::<()>(REMEMBERED), None);
    }

    #[test]
    fn an_id_is_given_once_and_to_its_own_type_alone() {
        let left = || {
            ASKED_NEXT.set(id::<u8>(3).map(|id| (TypeId::of::<u8>(), id)));
            Known::<u8, _> {
                statement: (),
                is_kept: true,
                of: PhantomData,
            }
        };
        let statement = left();
        assert_eq!(Known::<u8, ()>::query_id(), id::<u8>(3));
        assert_eq!(Known::<u8, ()>::query_id(), None);
        drop(statement);

        let statement = left();
        assert_eq!(Known::<u16, ()>::query_id(), None);
        drop(statement);

        drop(left());
        assert_eq!(Known::<u8, ()>::query_id(), None);
    }
}
