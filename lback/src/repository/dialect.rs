//! What the statements of a repository need to know of a database.

use diesel::QueryResult;
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::row::Row;
use diesel::sql_types::BigInt;

use super::sql::text::Syntax;
use crate::signal::AnySignals;

/// A connection whose database repositories can write to.
// Not public API. Public for `Model`, and for messages.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection that lback knows",
    label = "not a connection of lback",
    note = "it may be `SqliteConnection`, `PgConnection` or `MysqlConnection`, each with the feature `sqlite`, `postgres` or `mysql` of lback",
    note = "an enum of connections (`MultiConnection`) speaks no database's own language, so it is not supported: declare a repository for each database, the further ones with `shared_entity`"
)]
pub trait Dialect: AnySignals {
    /// How its statements are written.
    const SYNTAX: Syntax;

    /// How many values one statement may bind.
    const MAX_BINDS: usize;

    /// How many bytes a statement may have on every server, values included; more, if the server
    /// says so. `None` where there is more room than anybody needs.
    const SURE_BYTES: Option<usize> = None;

    /// Whether a row that was written comes back by RETURNING of the statement itself. Otherwise by a SELECT
    /// behind it; after an INSERT only where the server cannot return it.
    ///
    /// This and the next are `bool`: a branch on one that is false is dropped before code is made of it, and one on
    /// a comparison of enums is not.
    const RETURNS: bool;

    /// Whether rows are locked. Otherwise there is one writer at a time.
    const LOCKS_ROWS: bool = !matches!(Self::TO_UPDATE, Lock::None);

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

    /// The columns of an index, where [`DUPLICATES`](Self::DUPLICATES) name it; `None` if one of them is
    /// an expression. `table` is written as in a statement.
    fn columns_of_index(&mut self, _table: &str, _index: &str) -> QueryResult<Option<String>> {
        Ok(None)
    }

    /// How a row that is read to be changed is kept from others until it is.
    const TO_UPDATE: Lock;

    /// The same, where its key may be changed.
    const TO_CHANGE_KEY: Lock;

    /// The same, where it is read to be deleted.
    const TO_DELETE: Lock;

    /// Whether a statement locks all rows that it looks at, in the order in which an index gives them, and
    /// that index too. Where it finds many by their keys it may look at the whole table, so rows that were
    /// locked one after the other are also written so.
    const LOCKS_AS_IT_FINDS: bool = false;

    /// Whether a statement that fails may leave a part of what it did, where the schema lets it.
    const LEAVES_PARTS: bool = false;

    /// Whether a row of this table, written as in a statement, may be locked `FOR UPDATE` by whoever may delete it: that
    /// takes the right to update.
    fn may_lock(&mut self, _table: &str) -> QueryResult<bool> {
        Ok(true)
    }

    /// What may take a row of this table, written as in a statement, away from a DELETE, and what of a statement
    /// about it cannot be believed.
    fn suspects(&mut self, _table: &str) -> QueryResult<Suspects> {
        Ok(Suspects::default())
    }

    /// Whether a statement about one row of this table, written as in a statement, may have written though it
    /// found no row: by a trigger for each statement, or by one that took the row away before. It is asked
    /// behind such a statement, anew each time.
    fn writes_unseen(&mut self, _table: &str) -> QueryResult<bool> {
        Ok(false)
    }

    /// Whether an INSERT can tell the key of what it wrote, where only the server knows that.
    fn returns_inserted(&mut self) -> QueryResult<bool> {
        Ok(true)
    }

    /// Whether something may give a row another key than the one it is inserted with, and the statement does
    /// not return which.
    fn rewrites_keys(&mut self, _table: &str) -> QueryResult<bool> {
        Ok(false)
    }

    /// Whether this column, both quoted, is the one that `LAST_INSERT_ID()` is about.
    fn numbers(&mut self, _table: &str, _column: &str) -> QueryResult<bool> {
        Ok(false)
    }

    /// How many bytes a statement may have on this server.
    fn max_bytes(&mut self) -> QueryResult<Option<usize>> {
        Ok(None)
    }

    /// The columns of a row, by their places, that Diesel would read less of than the database may
    /// hold.
    fn narrow<Columns>() -> Vec<Narrow>
    where
        Self::Backend: QueryMetadata<Columns>,
    {
        Vec::new()
    }

    /// Fails where one of these columns holds more than Diesel would read.
    #[inline]
    fn check_narrow<'row>(
        _row: &impl Row<'row, Self::Backend>,
        _columns: &[Narrow],
    ) -> QueryResult<()> {
        Ok(())
    }

    /// What tells a row from the same row once it was changed, where [`TO_DELETE`](Self::TO_DELETE)
    /// keeps nobody from that.
    #[inline]
    fn fingerprint<'row>(_row: &impl Row<'row, Self::Backend>) -> u64 {
        0
    }

    /// A number in a statement. A database's own, like the next: for every database it would take
    /// `i64: ToSql<BigInt, Backend>` as a bound on all that call it.
    fn number(value: i64) -> impl QueryFragment<Self::Backend> + QueryId;

    /// The number that a statement answers with.
    fn read_number<S>(&mut self, statement: S) -> QueryResult<i64>
    where
        S: Query<SqlType = BigInt> + QueryFragment<Self::Backend> + QueryId;
}

/// How a row is kept from others between the statement that reads it and the one that writes it.
// Not public API. Public for `Dialect`, as the next are.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Not at all, or there is one writer at a time.
    None,
    /// `FOR NO KEY UPDATE`: others may insert rows that refer to it.
    ForNoKeyUpdate,
    /// `FOR UPDATE`
    ForUpdate,
}

/// What may take a row away from a DELETE, beside another transaction, and what else is not as it seems.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is true of a table, whatever the others are.
pub struct Suspects {
    /// A trigger or a view, which puts something else in its place; the row can be kept from others, so
    /// that none of them has taken it.
    pub replaces: bool,
    /// Foreign keys that cascade, by which it may go along with another row of its table; the rows can be kept from
    /// others, so that none of them has taken it.
    pub cascades: bool,
    /// It is a view, or a table of another server: then the DELETE may have written although it counts no row.
    pub is_view: bool,
    /// Triggers or rules write in its place: what a statement returns of it, or counts, is what they were asked
    /// for, whatever they did.
    pub echoes: bool,
    /// A row that is written may take the place of others, unasked.
    pub overwrites: bool,
    /// A statement that fails may leave a part of what it did.
    pub leaves_parts: bool,
}

impl Suspects {
    pub(crate) fn to_bits(self) -> i64 {
        let bits = [
            self.replaces,
            self.cascades,
            self.is_view,
            self.echoes,
            self.overwrites,
            self.leaves_parts,
        ];
        let place = |(place, bit): (usize, bool)| i64::from(bit) << place;
        bits.into_iter().enumerate().map(place).sum()
    }

    pub(crate) fn of_bits(bits: i64) -> Self {
        Self {
            replaces: bits & 1 != 0,
            cascades: bits & 2 != 0,
            is_view: bits & 4 != 0,
            echoes: bits & 8 != 0,
            overwrites: bits & 16 != 0,
            leaves_parts: bits & 32 != 0,
        }
    }
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

/// A column of integers that is declared with fewer bits than the database may hold.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// Its place in the row.
    pub place: usize,
    /// How many bits it is declared with.
    pub bits: u32,
}

/// The fact whether a server returns what it inserts.
pub(crate) struct ReturnsInserted;
