//! What a repository remembers of the texts of its statements.

use diesel::QueryResult;
use diesel::result::Error;
use once_cell::sync::OnceCell;

use super::model::{Key, Model};
use super::role::{Keyed, Makes};
use super::shape::Shapes;
use super::text::{binds_something, text_of, without_schema};
use crate::session::SessionConnection;

/// A static of each repository.
// Not public API. Used by generated code.
#[doc(hidden)]
pub struct Texts {
    names: OnceCell<Names>,
    pub(super) updates: Shapes,
}

impl Texts {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            names: OnceCell::new(),
            updates: Shapes::new(),
        }
    }
}

/// What is the same in all statements, quoted once: each statement is walked several times, and an
/// UPDATE is the dearest.
pub(super) struct Names {
    pub(super) table: String,
    pub(super) key: String,
    /// `SELECT columns FROM table`
    pub(super) select: String,
    /// `UPDATE table SET `
    pub(super) update: String,
    /// ` RETURNING columns`, where the database can: elsewhere the row is read back.
    pub(super) returning: String,
}

pub(super) fn names<R: Model>() -> QueryResult<&'static Names> {
    R::texts().names.get_or_try_init(|| {
        let table = <R::Table as Keyed<R::Connection, Key<R>>>::from();
        let table = text_of::<R::Connection, _>(&table)?;
        let key = <R::Table as Keyed<R::Connection, Key<R>>>::key();
        let selection = <R::Columns as Makes<R::Entity, R::Table, R::Connection>>::columns();
        let columns = text_of::<R::Connection, _>(&selection)?;
        if binds_something::<R::Connection, _>(&selection) {
            let why = format!("`{columns}` binds values: a selection of a repository may not");
            return Err(Error::QueryBuilderError(why.into()));
        }
        let returned = without_schema(&columns, &table);
        Ok(Names {
            key: text_of::<R::Connection, _>(&key)?,
            select: format!("SELECT {columns} FROM {table}"),
            update: format!("UPDATE {table} SET "),
            returning: if R::Connection::READS_BACK {
                String::new()
            } else {
                format!(" RETURNING {returned}")
            },
            table,
        })
    })
}
