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
use crate::repository::model::{Form, Key, Model};

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
    SelectLocked { predicate: P, lock: L }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        this.lock.walk_ast(out)
    }
}

statement! {
    /// The same for many rows, by key: two who lock the same rows then wait, and do not block each
    /// other.
    SelectInOrder { predicate: P, lock: L }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        in_order(names, &mut out);
        this.lock.walk_ast(out)
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
    /// Forgets which number MySQL made last: it keeps that of an earlier INSERT, of another table
    /// even, where this one makes none.
    ForgetNumber {}
    write: |_this, _names, out| {
        out.push_sql("SELECT CAST(LAST_INSERT_ID(0) AS SIGNED)");
        Ok(())
    }
}

statement! {
    /// The row that MySQL has just inserted, if it made the key; none if it did not.
    SelectInserted {}
    write: |_this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        out.push_sql(&names.key);
        out.push_sql(" = NULLIF(LAST_INSERT_ID(), 0)");
        Ok(())
    }
}

statement! {
    /// The rows that MySQL has just inserted. The keys of one INSERT, of which it knows how many
    /// rows it has, are as far apart as the session says, in the order of its rows, whatever
    /// `innodb_autoinc_lock_mode` is; `LAST_INSERT_ID()` is the first. `others` is how many come
    /// behind it.
    SelectInsertedRows { others: N }
    write: |this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        out.push_sql(&names.key);
        out.push_sql(" >= NULLIF(LAST_INSERT_ID(), 0) AND ");
        out.push_sql(&names.key);
        out.push_sql(" <= LAST_INSERT_ID() + @@auto_increment_increment * ");
        this.others.walk_ast(out.reborrow())?;
        out.push_sql(" AND (");
        out.push_sql(&names.key);
        out.push_sql(" - LAST_INSERT_ID()) % @@auto_increment_increment = 0");
        in_order(names, &mut out);
        Ok(())
    }
}

statement! {
    /// The row whose key `InsertKeeping` or `UpdateKey` has just kept.
    SelectKept {}
    write: |_this, names, out| {
        out.push_sql(&names.select);
        out.push_sql(" WHERE ");
        out.push_sql(&names.is_kept);
        Ok(())
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
    /// The same, and the rows as they were.
    DeleteReturning { predicate: P }
    write: |this, names, out| {
        out.push_sql("DELETE FROM ");
        out.push_sql(&names.table);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        out.push_sql(&names.returning);
        Ok(())
    }
}

statement! {
    /// `INSERT INTO table (columns) VALUES (values), ..`
    Insert { values: V }
    write: |this, names, out| {
        out.push_sql("INSERT INTO ");
        out.push_sql(&names.table);
        out.push_sql(" ");
        this.values.walk_ast(out)
    }
}

statement! {
    /// The same on MariaDB, where the key, whoever made it, is kept for `SelectKept`: Diesel asks what
    /// columns a statement has before it executes it, and for those of RETURNING MariaDB tells that
    /// only afterwards.
    InsertKeeping { values: V }
    write: |this, names, out| {
        out.push_sql("INSERT INTO ");
        out.push_sql(&names.table);
        out.push_sql(" ");
        this.values.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        out.push_sql(&names.keeping);
        Ok(())
    }
}

statement! {
    /// `INSERT INTO table (columns) VALUES (values), .. RETURNING columns`
    InsertReturning { values: V }
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
    /// Its text depends on its values, since an unset `Option` leaves its column out.
    Update { changes: C, predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.update);
        this.changes.walk_ast(out.reborrow())?;
        out.push_sql(&names.next_version);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out.reborrow())?;
        out.push_sql(&names.returning_updated);
        Ok(())
    }
}

statement! {
    /// The same on MySQL, where the changes set the key: assignments are made from left to right,
    /// so the last one sees the new key, and keeps it for `SelectKept`.
    UpdateKey { changes: C, predicate: P }
    write: |this, names, out| {
        out.push_sql(&names.update);
        this.changes.walk_ast(out.reborrow())?;
        out.push_sql(&names.next_version);
        out.push_sql(", ");
        out.push_sql(&names.keeping_set);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out)
    }
}

statement! {
    /// `UPDATE table SET changes WHERE predicate`, of which the rows do not come back.
    UpdateAll { changes: C, predicate: P }
    write: |this, names, out| {
        // Its text depends on its values, and on the caller's condition: it is given back.
        out.unsafe_to_cache_prepared();
        out.push_sql(&names.update);
        this.changes.walk_ast(out.reborrow())?;
        out.push_sql(&names.next_version);
        out.push_sql(" WHERE ");
        this.predicate.walk_ast(out)
    }
}

impl<R, C, P> Update<R, C, P> {
    pub(crate) fn changes(&self) -> &C {
        &self.changes
    }

    pub(crate) fn with_key(self) -> UpdateKey<R, C, P> {
        UpdateKey::new(self.changes, self.predicate)
    }
}

/// `predicate AND version = number`
pub(crate) struct OfVersion<R, P, N> {
    pub(crate) predicate: P,
    pub(crate) number: N,
    pub(crate) of: PhantomData<fn() -> R>,
}

impl<R, P, N, DB> QueryFragment<DB> for OfVersion<R, P, N>
where
    R: Model<Connection: Dialect<Backend = DB>>,
    DB: Backend,
    P: QueryFragment<DB>,
    N: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.predicate.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        out.push_sql(&names::<R>()?.version);
        out.push_sql(" = ");
        self.number.walk_ast(out)
    }
}

/// How a row is locked, and whether there may be more than one.
macro_rules! locks {
    ($($name:ident: $text:literal)*) => {$(
        #[derive(QueryId)]
        pub(crate) struct $name;

        impl<DB: Backend> QueryFragment<DB> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                out.push_sql($text);
                Ok(())
            }
        }
    )*};
}

locks! {
    Unlocked: ""
    ForUpdate: " FOR UPDATE"
    ForNoKeyUpdate: " FOR NO KEY UPDATE"
    OfTwo: " LIMIT 2"
    OfTwoForUpdate: " LIMIT 2 FOR UPDATE"
    OfTwoForNoKeyUpdate: " LIMIT 2 FOR NO KEY UPDATE"
}

pub(crate) fn names<R: Model>() -> QueryResult<&'static Names> {
    R::texts().names::<R::Connection, R::Table, Key<R>, Form<R>, R::Columns, R::Entity>(R::VERSION)
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
    SelectLocked<P, L>
    SelectInOrder<P, L>
    SelectPage<L, O>
    ForgetNumber<>
    SelectInserted<>
    SelectInsertedRows<N>
    SelectKept<>
    Count<>
    CountWhere<P>
    Delete<P>
    DeleteReturning<P>
    Insert<V>
    InsertKeeping<V>
    InsertReturning<V>
}

/// Those whose text depends on their values.
macro_rules! known_by_text {
    ($($name:ident<$($Part:ident),*>)*) => {$(
        impl<R $(, $Part)*> QueryId for $name<R $(, $Part)*> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )*};
}

known_by_text! {
    Update<C, P>
    UpdateAll<C, P>
    UpdateKey<C, P>
    OfVersion<P, N>
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
    SelectLocked<P, L>
    SelectInOrder<P, L>
    SelectPage<L, O>
    SelectInserted<>
    SelectInsertedRows<N>
    SelectKept<>
    DeleteReturning<P>
    InsertReturning<V>
    Update<C, P>
}

impl<R> Query for ForgetNumber<R> {
    type SqlType = BigInt;
}

impl<R> Query for Count<R> {
    type SqlType = BigInt;
}

impl<R, P> Query for CountWhere<R, P> {
    type SqlType = BigInt;
}
