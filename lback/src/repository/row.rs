//! What the operations on one row and on many have in common.

use diesel::QueryResult;
use diesel::result::Error as DieselError;

use super::dialect::{Dialect, Duplicates};
use super::key::Entity;
use super::model::{Key, Model};
use crate::error::{Error, Result};
use crate::session::Session;

pub(super) type SessionOf<R> = Session<<R as Model>::Connection>;

/// A statement that writes rows of the repository's table.
pub(super) fn write<R: Model, T>(
    session: &mut SessionOf<R>,
    statement: impl FnOnce(&mut R::Connection) -> QueryResult<T>,
) -> Result<T> {
    session.write(statement).map_err(name_column::<R>)
}

/// Where a database names the index of a duplicate, and not its columns: an index is named after its
/// table and its column.
#[cold]
fn name_column<R: Model>(error: Error) -> Error {
    let (field, source) = match error {
        Error::Duplicate {
            field: Some(field),
            source,
        } if R::Connection::DUPLICATES == Duplicates::NameIndex => (field, source),
        error => return error,
    };
    let table = R::TABLE;
    let column = field
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix('_'));
    let field = Some(column.unwrap_or(&field).to_owned());
    Error::Duplicate { field, source }
}

#[cold]
pub(super) fn not_found<R: Model>(key: &Key<R>) -> Error {
    Error::NotFound {
        entity: R::Entity::NAME,
        key: format!("{key:?}"),
    }
}

#[cold]
pub(super) fn suppressed<R: Model>(key: Option<&Key<R>>) -> Error {
    Error::Suppressed {
        entity: R::Entity::NAME,
        key: key.map(|key| format!("{key:?}")),
    }
}

/// An INSERT that succeeded and gives no row back has not inserted it.
#[cold]
pub(super) fn suppressed_if_nothing_came_back<R: Model>(error: Error) -> Error {
    match error {
        Error::Database(DieselError::NotFound) => suppressed::<R>(None),
        error => error,
    }
}
