//! The rows of one INSERT.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::text::text_of;
use crate::repository::bound::Inserts;
use crate::repository::dialect::{Dialect, LeftOut};
use crate::repository::model::{BackendOf, Model};

/// `(columns) VALUES (row), ..`
pub(crate) struct ValueRows<Row> {
    /// `(a, b) VALUES `, or `DEFAULT VALUES`, without values.
    columns: String,
    values: Vec<Row>,
    shape: String,
}

/// Rows that can be inserted together, as few times as possible.
///
/// Where the database knows DEFAULT among values, or no column can be left to it, that is all of them.
/// SQLite does not know it: a column that is left to it is left out, so only neighbours that leave out
/// the same go together. The keys that the database makes then ascend through all of them.
pub(crate) fn groups<R: Model>(
    data: &[R::Insert],
) -> QueryResult<Vec<ValueRows<impl QueryFragment<BackendOf<R>>>>> {
    let same_for_all = R::Connection::LEFT_OUT == LeftOut::AsDefault || R::Inserted::SAME_FOR_ALL;
    let mut all: Vec<ValueRows<_>> = Vec::new();
    let mut room = 0;
    for row in data {
        if same_for_all && !all.is_empty() {
            all[0].values.push(R::row_values(row));
            continue;
        }
        let shape = text_of::<BackendOf<R>, _>(&R::Inserted::values(row))?;
        match all.last_mut() {
            Some(last) if room > 0 && last.shape == shape => {
                last.values.push(R::row_values(row));
                room -= 1;
            }
            _ => {
                let end = shape.find(") VALUES (").map(|end| end + ") VALUES ".len());
                let binds = R::Connection::SYNTAX.binds(&shape);
                room = match end {
                    Some(_) => (R::Connection::MAX_BINDS / binds.max(1)).saturating_sub(1),
                    None => 0,
                };
                all.push(ValueRows {
                    columns: shape[..end.unwrap_or(shape.len())].to_owned(),
                    values: end.map(|_| R::row_values(row)).into_iter().collect(),
                    shape,
                });
            }
        }
    }
    Ok(all)
}

impl<DB: Backend, Row: QueryFragment<DB>> QueryFragment<DB> for ValueRows<Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.len() > 1 {
            // Each number of rows is another text, and hardly any comes again.
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(&self.columns);
        for (index, row) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            row.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        Ok(())
    }
}

impl<Row> QueryId for ValueRows<Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
