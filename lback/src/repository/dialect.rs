//! What the statements of a repository need to know of a database.

use diesel::QueryResult;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::sql::text::Syntax;
use crate::session::SessionConnection;

/// A connection whose database repositories can write to.
// Not public API. Public for `Model`, and for messages.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection that lback knows",
    label = "not a connection of lback",
    note = "it may be `SqliteConnection`, `PgConnection` or `MysqlConnection`, each with the feature `sqlite`, `postgres` or `mysql` of lback"
)]
pub trait Dialect: SessionConnection {
    /// How its statements are written.
    const SYNTAX: Syntax;

    /// How many values one statement may bind.
    const MAX_BINDS: usize;

    /// How a row comes back that was written.
    const READING_BACK: ReadingBack;

    /// How a row is kept from others between the statement that reads it and the one that writes it.
    const LOCKING: Locking;

    /// What stands in an INSERT for a column that is left to the database.
    const LEFT_OUT: LeftOut;

    /// What a duplicate is reported with.
    const DUPLICATES: Duplicates;

    /// Whether a table may be of an engine that knows no transactions.
    const HAS_ENGINES: bool = false;

    /// The engine of a table, written as in a statement, if it cannot roll back.
    fn engine_without_transactions(&mut self, _table: &str) -> QueryResult<Option<String>> {
        Ok(None)
    }

    /// A number in a statement. A database's own, like the next: for every database it would take
    /// `i64: ToSql<BigInt, Backend>` as a bound on all that call it.
    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId;

    /// The number that a statement answers with.
    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId;
}

/// How a row comes back that was written.
// Not public API. Public for `Dialect`, as the next are.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingBack {
    /// By the statement itself, with RETURNING.
    Returning,
    /// By a SELECT behind it.
    Select,
}

/// How a row is kept from others between the statement that reads it and the one that writes it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// There is one writer at a time.
    OneWriter,
    /// `SELECT .. FOR UPDATE`
    ForUpdate,
}

/// What stands in an INSERT for a column that is left to the database.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// DEFAULT, among the values.
    AsDefault,
    /// Nothing: the column is not named.
    Unnamed,
}

/// What a duplicate is reported with.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The columns.
    NameColumns,
    /// The index.
    NameIndex,
}
