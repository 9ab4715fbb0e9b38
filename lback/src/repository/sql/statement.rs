//! The statements as Diesel sees them: text around the parts that the roles give.
//!
//! Diesel's own would do, but for three things. Its UPDATE is prepared anew at every execution. Its
//! INSERT of many rows is a statement a row on SQLite, where a column may be left to the database. And
//! with its statements in each expansion, 200 repositories took twice the check build of what Diesel's
//! own derives on their types take (`tests/build_time/measure entities`).

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::names::Names;
use crate::repository::dialect::Dialect;
use crate::repository::model::{Key, Model};

/// What each statement is: its name, its parts, and how it is written.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $name:ident { $($part:ident: $Part:ident),* }
        write: |$this:ident, $names:ident, $out:ident| $write:expr
    ) => {
        $(#[$doc])*
        pub(crate) struct $name<R $(, $Part)*> {
            $($part: $Part,)*
            of: PhantomData<fn() -> R>,
        }

        impl<R $(, $Part)*> $name<R $(, $Part)*> {
            #[inline]
            pub(crate) fn new($($part: $Part),*) -> Self {
                Self { $($part,)* of: PhantomData }
            }
        }

        impl<R, DB $(, $Part)*> QueryFragment<DB> for $name<R $(, $Part)*>
        where
            R: Model<Connection: Dialect<Backend = DB>>,
            DB: Backend,
            $($Part: QueryFragment<DB>,)*
        {
            fn walk_ast<'b>(&'b self, mut $out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                let ($this, $names) = (self, names::<R>()?);
                $write
            }
        }
    };
}

statement! {
    /// `SELECT columns FROM table WHERE predicate`
    Select { predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out)
    }
}

statement! {
    /// The same, with the row locked.
    SelectForUpdate { predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE");
        Ok(())
    }
}

statement! {
    /// The same for many rows, by key: two who lock the same rows then wait, and do not block each
    /// other.
    SelectInOrderForUpdate { predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        in_order(names, &mut out);
        out.push_sql(" FOR UPDATE");
        Ok(())
    }
}

statement! {
    /// `SELECT columns FROM table ORDER BY key LIMIT limit OFFSET offset`
    SelectPage { limit: L, offset: O }
    write: |this, names, out| {
        out.push_sql(&names.select);
        in_order(names, &mut out);
        out.push_sql(" LIMIT ");
        this.limit.walk_ast(out.reborrow())?;
        out.push_sql(" OFFSET ");
        this.offset.walk_ast(out)
    }
}

statement! {
    /// The row that MySQL has just inserted, if it made the key.
    SelectInserted {}
    write: |_this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        out.push_sql(&names.key);
        out.push_sql(" = LAST_INSERT_ID()");
        Ok(())
    }
}

statement! {
    /// The rows that MySQL has just inserted. The keys of one INSERT follow each other, in the order
    /// of its rows, whatever `innodb_autoinc_lock_mode` is; `LAST_INSERT_ID()` is the first.
    SelectInsertedRows { rows: N }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        out.push_sql(&names.key);
        out.push_sql(" >= LAST_INSERT_ID()");
        in_order(names, &mut out);
        out.push_sql(" LIMIT ");
        this.rows.walk_ast(out)
    }
}

statement! {
    /// `SELECT COUNT(*) FROM table`
    Count {}
    write: |_this, names, out| {
        out.push_sql("SELECT COUNT(*) FROM ");
        out.push_sql(&names.table);
        Ok(())
    }
}

statement! {
    /// `SELECT COUNT(*) FROM table WHERE predicate`
    CountWhere { predicate: P }
    write: |this, names, out| {
        out.push_sql("SELECT COUNT(*) FROM ");
        out.push_sql(&names.table);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out)
    }
}

statement! {
    /// `DELETE FROM table WHERE predicate`
    Delete { predicate: P }
    write: |this, names, out| {
        out.push_sql("DELETE FROM ");
        out.push_sql(&names.table);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out)
    }
}

statement! {
    /// `INSERT INTO table (columns) VALUES (values), .. [RETURNING columns]`
    Insert { values: V }
    write: |this, names, out| {
        out.push_sql("INSERT INTO ");
        out.push_sql(&names.table);
        out.push_sql(" ");
        this.values.walk_ast(out.reborrow())?;
        out.push_sql(&names.returning);
        Ok(())
    }
}

statement! {
    /// `UPDATE table SET changes WHERE predicate [RETURNING columns]`: there must be changes.
    ///
    /// Its text depends on its values, since an unset `Option` leaves its column out. Without a
    /// static query id Diesel's cache is keyed by the text itself, which is right for every shape.
    Update { changes: C, predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.update);
        this.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        out.push_sql(&names.returning);
        Ok(())
    }
}

impl<R, C, P> Update<R, C, P> {
    pub(crate) fn changes(&self) -> &C {
        &self.changes
    }
}

pub(in crate::repository) fn names<R: Model>() -> QueryResult<&'static Names> {
    R::texts().names::<R::Connection, R::Table, Key<R>, R::Columns, R::Entity>()
}

fn in_order<DB: Backend>(names: &Names, out: &mut AstPass<'_, '_, DB>) {
    out.push_sql(" ORDER BY ");
    out.push_sql(&names.key);
}

/// Those whose type tells their text, if the types of their parts do.
macro_rules! known_by_type {
    ($($name:ident<$($Part:ident),*>)*) => {$(
        impl<R: 'static $(, $Part: QueryId)*> QueryId for $name<R $(, $Part)*> {
            type QueryId = $name<R $(, $Part::QueryId)*>;
            const HAS_STATIC_QUERY_ID: bool = true $(&& $Part::HAS_STATIC_QUERY_ID)*;
        }
    )*};
}

known_by_type! {
    Select<P>
    SelectForUpdate<P>
    SelectInOrderForUpdate<P>
    SelectPage<L, O>
    SelectInserted<>
    SelectInsertedRows<N>
    Count<>
    CountWhere<P>
    Delete<P>
    Insert<V>
}

impl<R, C, P> QueryId for Update<R, C, P> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

macro_rules! gives_rows {
    ($($name:ident<$($Part:ident),*>)*) => {$(
        impl<R: Model $(, $Part)*> Query for $name<R $(, $Part)*> {
            type SqlType = R::Columns;
        }
    )*};
}

gives_rows! {
    Select<P>
    SelectForUpdate<P>
    SelectInOrderForUpdate<P>
    SelectPage<L, O>
    SelectInserted<>
    SelectInsertedRows<N>
    Insert<V>
    Update<C, P>
}

impl<R> Query for Count<R> {
    type SqlType = BigInt;
}

impl<R, P> Query for CountWhere<R, P> {
    type SqlType = BigInt;
}
