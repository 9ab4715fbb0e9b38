//! Statements whose text depends on their values, known by the part that does.

use std::any::TypeId;
use std::cell::Cell;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use once_cell::sync::OnceCell;

use super::text::{no_changes, text_of};
use crate::session::SessionConnection;

const REMEMBERED: usize = 16;

/// The shapes that one statement of a repository has had: those seen first get a static query id.
///
/// Without one, Diesel asks its cache by the whole text, and has to write that first: 8,000
/// instructions, where an update of two columns takes 48,000 (`tests/cost/count`).
pub(super) struct Shapes([OnceCell<String>; REMEMBERED]);

impl Shapes {
    pub(super) const fn new() -> Self {
        Self([const { OnceCell::new() }; REMEMBERED])
    }

    /// `statement`, of which only the text of this part depends on its values;
    /// `Err(EmptyChangeset)` if that is empty.
    pub(super) fn know<C, Of, Part, Statement>(
        &self,
        statement: Statement,
        part: impl FnOnce(&Statement) -> &Part,
    ) -> QueryResult<Known<Of, Statement>>
    where
        C: SessionConnection,
        Of: 'static,
        Part: QueryFragment<C::Backend>,
    {
        let text = text_of::<C, _>(part(&statement))?;
        if text.is_empty() {
            return Err(no_changes());
        }
        let known = |shape: &OnceCell<String>| *shape.get_or_init(|| text.clone()) == text;
        let id = self.0.iter().position(known).and_then(id::<Of>);
        ASKED_NEXT.set(id.map(|id| (TypeId::of::<Of>(), id)));
        Ok(Known {
            statement,
            of: PhantomData,
        })
    }
}

// Diesel asks the type for its id, and only the value knows its shape.
thread_local! {
    static ASKED_NEXT: Cell<Option<(TypeId, TypeId)>> = const { Cell::new(None) };
}

/// The statement of `Of` that is executed next on this thread.
pub(super) struct Known<Of, Statement> {
    statement: Statement,
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
            match place {
                $($place => Some(TypeId::of::<Shape<Of, $place>>()),)*
                _ => None,
            }
        };
    }
    ids!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

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
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }
}

impl<Of, Statement: Query> Query for Known<Of, Statement> {
    type SqlType = Statement::SqlType;
}
