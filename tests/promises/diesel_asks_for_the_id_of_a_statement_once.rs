//! Diesel asks for the id of a statement once an execution, on the thread that executes it: the
//! updates of repositories, which stay prepared, leave their ids to be asked for once.

use std::any::TypeId;
use std::cell::Cell;
use std::marker::PhantomData;

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel::{Connection as _, QueryResult};

use crate::database::*;

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// A statement that counts how often it is asked for its id.
struct Asked<Kind>(&'static str, PhantomData<Kind>);

impl<Kind: 'static> QueryId for Asked<Kind> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;

    fn query_id() -> Option<TypeId> {
        ASKED.set(ASKED.get() + 1);
        Some(TypeId::of::<Self>())
    }
}

impl<Kind> QueryFragment<<Native as diesel::Connection>::Backend> for Asked<Kind> {
    fn walk_ast<'b>(
        &'b self,
        mut out: AstPass<'_, 'b, <Native as diesel::Connection>::Backend>,
    ) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<Kind> Query for Asked<Kind> {
    type SqlType = BigInt;
}

#[test]
fn rows_and_counts_are_asked_for_once() {
    struct Rows;
    struct Count;

    let Some(database) = Database::fresh() else {
        return;
    };
    let mut connection = database.connection();
    // The first time it is prepared, and then found.
    for _ in 0..3 {
        let statement = Asked("SELECT id FROM notes", PhantomData::<Rows>);
        let rows = LoadConnection::<DefaultLoadingMode>::load(&mut connection, statement).unwrap();
        assert_eq!(rows.count(), 0);
        assert_eq!(ASKED.take(), 1);

        let statement = Asked("DELETE FROM notes", PhantomData::<Count>);
        connection.execute_returning_count(&statement).unwrap();
        // Diesel passes on a reference, whose type does not ask: then the statement is found by its
        // text.
        assert!(ASKED.take() <= 1);
    }
}
