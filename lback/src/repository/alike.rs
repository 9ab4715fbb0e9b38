//! Rows that leave the same columns to the database, in one INSERT: for SQLite, where Diesel inserts
//! them one by one.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{Expression, QueryResult, QuerySource, RunQueryDsl};

use super::text::text_of;
use crate::session::SessionConnection;

/// Rows of the same columns, no more than one statement may bind.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Alike<Row> {
    /// `(a, b) VALUES `, or `DEFAULT VALUES`.
    pub columns: String,
    pub rows: Vec<Row>,
    shape: String,
}

/// Neighbours that are alike: the keys that the database makes then ascend through all of them.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn alike<C, Row>(rows: impl Iterator<Item = Row>) -> QueryResult<Vec<Alike<Row>>>
where
    C: SessionConnection,
    C::Backend: Default,
    <C::Backend as Backend>::QueryBuilder: Default,
    Row: QueryFragment<C::Backend>,
{
    let mut all: Vec<Alike<Row>> = Vec::new();
    let mut room = 0;
    for row in rows {
        let shape = text_of::<C, _>(&row)?;
        match all.last_mut() {
            Some(last) if room > 0 && last.shape == shape => {
                last.rows.push(row);
                room -= 1;
            }
            _ => {
                let end = shape.find(") VALUES (").map(|end| end + ") VALUES ".len());
                // Identifiers may hold the sign too: then a statement has fewer rows than it could.
                let binds = shape.matches('?').count();
                room = match end {
                    Some(_) => (C::MAX_BINDS / binds.max(1)).saturating_sub(1),
                    None => 0,
                };
                all.push(Alike {
                    columns: shape[..end.unwrap_or(shape.len())].to_owned(),
                    rows: vec![row],
                    shape,
                });
            }
        }
    }
    Ok(all)
}

/// `INSERT INTO table (columns) VALUES (row), .. RETURNING columns`.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct InsertAlike<From, Row, Returning> {
    from: From,
    columns: String,
    rows: Vec<Row>,
    returning: Returning,
}

impl<From, Row, Returning> InsertAlike<From, Row, Returning> {
    pub fn new<Source: QuerySource<FromClause = From>>(
        source: &Source,
        columns: String,
        rows: Vec<Row>,
        returning: Returning,
    ) -> Self {
        Self {
            from: source.from_clause(),
            columns,
            rows,
            returning,
        }
    }
}

impl<DB, From, Row, Returning> QueryFragment<DB> for InsertAlike<From, Row, Returning>
where
    DB: Backend,
    From: QueryFragment<DB>,
    Row: QueryFragment<DB>,
    Returning: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.rows.len() > 1 {
            // Each number of rows is another text, and hardly any comes again.
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("INSERT INTO ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" ");
        out.push_sql(&self.columns);
        for (index, row) in self.rows.iter().enumerate() {
            if row.is_noop(out.backend())? {
                break;
            }
            out.push_sql(if index == 0 { "(" } else { ", (" });
            row.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(" RETURNING ");
        self.returning.walk_ast(out)
    }
}

impl<From, Row, Returning> QueryId for InsertAlike<From, Row, Returning> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<From, Row, Returning: Expression> Query for InsertAlike<From, Row, Returning> {
    type SqlType = Returning::SqlType;
}

impl<Conn, From, Row, Returning> RunQueryDsl<Conn> for InsertAlike<From, Row, Returning> {}
