//! What the operations on one row and on many have in common.

use std::any::TypeId;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, EmptyChangeset, Error as DieselError};

use super::dialect::{Dialect, Duplicates, Lock, ReturnsInserted};
use super::key::Entity;
use super::measure;
use super::model::{Key, Model, SessionOf, Updates};
use super::query::{self, TooMany};
use super::sql::statement::names;
use super::suspects::{is_read_again, may_hide};
use crate::error::{Error, Result, text_of_key};

/// Inserts a row.
pub(super) fn insert<R: Model>(session: &mut SessionOf<R>, data: &R::Insert) -> Result<R::Entity> {
    let is_read_again = is_read_again::<R>(session)?;
    let inserted = if R::Connection::RETURNS {
        write::<R, _>(session, |conn| query::insert::<R>(conn, data))
    } else {
        insert_and_read::<R>(session, data)
    };
    let inserted = inserted.map_err(suppressed_if_nothing_came_back::<R>)?;
    if !is_read_again {
        return Ok(inserted);
    }
    let key = inserted.key();
    reread::<R>(session, &key)?.ok_or_else(|| suppressed::<R>(Some(&key)))
}

/// Inserts a row that does not come back by itself.
fn insert_and_read<R: Model>(session: &mut SessionOf<R>, data: &R::Insert) -> Result<R::Entity> {
    let only = std::slice::from_ref(data);
    if inserting::<R>(session, only)? == Inserting::Keeping {
        return write::<R, _>(session, |conn| query::insert_and_keep::<R>(conn, data));
    }
    if R::given_key(data).is_none() && !are_keys_told::<R>(session, only)? {
        return untold::<R, _>(session);
    }
    let is_taken = may_get_another_key::<R>(session, data)?;
    write::<R, _>(session, |conn| {
        let row = query::insert_and_select::<R>(conn, data)?;
        if is_taken {
            return Err(query::written_in_vain(query::untold_key()));
        }
        Ok(row)
    })
}

/// Changes a row. `None` if there was nothing to set.
pub(super) fn update<R: Updates>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    version: Option<i64>,
    changes: &R::Update,
) -> Result<Option<R::Entity>> {
    let is_read_again = is_read_again::<R>(session)?;
    let kept = session.kept_updates();
    let updated = write::<R, _>(session, |conn| {
        match query::update::<R>(conn, key, version, changes, kept) {
            Err(DieselError::QueryBuilderError(error)) if error.is::<EmptyChangeset>() => Ok(None),
            updated => updated.map(Some),
        }
    })?;
    match updated {
        Some(Some(entity)) if is_read_again => match reread::<R>(session, &entity.key())? {
            Some(row) => Ok(Some(row)),
            // It was there, so something was written; and it may be one that the view shows no more.
            None if may_hide::<R>(session)? => Ok(Some(entity)),
            None => Err(suppressed::<R>(Some(&entity.key()))),
        },
        Some(Some(entity)) => Ok(Some(entity)),
        Some(None) => Err(match left::<R>(session, key)? {
            Some(row) if version.is_some() && R::version_of(&row) != version => {
                found_nothing::<R>(session)?;
                stale::<R>(key)
            }
            Some(_) => suppressed::<R>(Some(key)),
            None => {
                found_nothing::<R>(session)?;
                not_found::<R>(key)
            }
        }),
        None => {
            session.wrote_nothing();
            Ok(None)
        }
    }
}

/// A statement about one row has found none. It has written nothing then, unless something that it sets off
/// wrote all the same. Where the operation is undone alone it need not be known.
#[cold]
pub(super) fn found_nothing<R: Model>(session: &mut SessionOf<R>) -> Result<()> {
    if session.is_undone_alone()
        || !session.look_up(|conn| conn.writes_unseen(&names::<R>()?.table))?
    {
        session.wrote_nothing();
    }
    Ok(())
}

/// The row that a statement says it has not found, if it is there.
///
/// Asked with a lock: a plain SELECT sees, on MySQL, what was there when the transaction began.
#[cold]
pub(super) fn left<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
) -> Result<Option<R::Entity>> {
    let lock = R::Connection::TO_DELETE;
    let row = session.statement(|conn| query::select_locked::<R>(conn, key, lock))?;
    Ok(row.map(|(row, _)| row))
}

/// The row as it stands, which is locked by now.
pub(super) fn stored_now<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<R::Entity> {
    session
        .statement(|conn| query::select_now::<R>(conn, key))?
        .ok_or_else(|| not_found::<R>(key))
}

/// The row as it stands.
pub(super) fn stored<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<R::Entity> {
    session
        .statement(|conn| query::select::<R>(conn, key))?
        .ok_or_else(|| not_found::<R>(key))
}

/// The row as it stands, locked as it must be for these changes.
pub(super) fn to_update<R: Updates>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    changes: &R::Update,
) -> Result<R::Entity> {
    let lock = lock_to_update::<R>(session, changes)?;
    let (entity, _) = session
        .statement(|conn| query::select_locked::<R>(conn, key, lock))?
        .ok_or_else(|| not_found::<R>(key))?;
    Ok(entity)
}

pub(super) fn lock_to_update<R: Updates>(
    session: &mut SessionOf<R>,
    changes: &R::Update,
) -> Result<Lock> {
    if R::Connection::TO_UPDATE == R::Connection::TO_CHANGE_KEY {
        return Ok(R::Connection::TO_UPDATE);
    }
    let sets_key = session.statement(|_| measure::sets_key::<R>(changes))?;
    Ok(if sets_key {
        R::Connection::TO_CHANGE_KEY
    } else {
        R::Connection::TO_UPDATE
    })
}

/// How an inserted row is known again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserting {
    /// It comes back.
    Returning,
    /// The server keeps its key.
    Keeping,
    /// By a key that was given, or by the number that the server made last.
    Counting,
}

/// A server is asked once a session.
pub(super) fn inserting<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
) -> Result<Inserting> {
    if R::Connection::RETURNS {
        return Ok(Inserting::Returning);
    }
    // The number is preferred: when an INSERT with RETURNING has waited for a lock in vain, MariaDB's
    // client library (3.3) waits for the rest of the answer for ever.
    let is_given = data.iter().all(|row| R::given_key(row).is_some());
    if is_given && !gives_other_keys::<R>(session, data)?
        || !is_given && are_keys_told::<R>(session, data)?
    {
        return Ok(Inserting::Counting);
    }
    let can_return = session.fact(TypeId::of::<ReturnsInserted>(), &|conn| {
        conn.returns_inserted().map(i64::from)
    })?;
    Ok(if can_return == 1 {
        Inserting::Keeping
    } else {
        Inserting::Counting
    })
}

/// Whether a row that is inserted may get another key than the one it gives.
fn rewrites_keys<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    struct Rewrites<R>(PhantomData<R>);
    let rewrites = session.fact(TypeId::of::<Rewrites<R>>(), &|conn| {
        let table = &names::<R>()?.table;
        conn.rewrites_keys(table).map(i64::from)
    })?;
    Ok(rewrites == 1)
}

/// Whether one of these rows, which give their keys, may get another.
pub(super) fn gives_other_keys<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
) -> Result<bool> {
    if rewrites_keys::<R>(session)? {
        return Ok(true);
    }
    let is_zero = |row| R::given_key(row).is_some_and(|key| measure::may_be_zero::<R>(&key));
    Ok(!R::Connection::RETURNS && data.iter().any(is_zero) && is_key_numbered::<R>(session)?)
}

/// Whether there is a row already of the key that this one gives, and something may give it another. Then
/// the row that is found by that key afterwards is the old one.
fn may_get_another_key<R: Model>(session: &mut SessionOf<R>, data: &R::Insert) -> Result<bool> {
    let Some(key) = R::given_key(data) else {
        return Ok(false);
    };
    let gives_another = gives_other_keys::<R>(session, std::slice::from_ref(data))?;
    Ok(gives_another && left::<R>(session, &key)?.is_some())
}

/// Whether the server makes the keys of rows, none of which gives one, and tells them by their
/// number.
pub(super) fn are_keys_told<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
) -> Result<bool> {
    Ok(
        session.statement(|_| measure::makes_ascending_keys::<R>(data))?
            && is_key_numbered::<R>(session)?,
    )
}

/// Whether the server numbers the rows, by their key.
fn is_key_numbered<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    struct Numbers<R>(PhantomData<R>);
    let is_number = session.fact(TypeId::of::<Numbers<R>>(), &|conn| {
        let names = names::<R>()?;
        conn.numbers(&names.table, &names.key).map(i64::from)
    })?;
    Ok(is_number == 1)
}

#[cold]
pub(super) fn untold<R: Model, T>(session: &mut SessionOf<R>) -> Result<T> {
    session.statement(|_| Err(query::untold_key()))
}

/// The row as triggers and rules left it that run behind the statement.
fn reread<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<Option<R::Entity>> {
    write::<R, _>(session, |conn| query::select_now::<R>(conn, key))
}

/// Fails if a row that somebody has is not the one that is stored.
pub(super) fn require_version<R: Model>(expected: Option<i64>, stored: &R::Entity) -> Result<()> {
    if expected.is_some() && expected != R::version_of(stored) {
        return Err(stale::<R>(&stored.key()));
    }
    Ok(())
}

#[cold]
fn stale<R: Model>(key: &Key<R>) -> Error {
    Error::Stale {
        entity: R::Entity::NAME,
        key: text_of_key(key),
    }
}

/// Receivers have seen another row than the one that went.
#[cold]
pub(super) fn changed_meanwhile() -> Error {
    let what = "the row was changed by another between the pre receivers and the DELETE";
    let kind = DatabaseErrorKind::SerializationFailure;
    Error::Database(DieselError::DatabaseError(kind, Box::new(what.to_owned())))
}

/// A statement that writes rows of the repository's table.
pub(super) fn write<R: Model, T>(
    session: &mut SessionOf<R>,
    statement: impl FnOnce(&mut R::Connection) -> QueryResult<T>,
) -> Result<T> {
    session.check_level()?;
    match session.write(statement) {
        Err(error @ Error::Duplicate { field: None, .. })
            if R::Connection::DUPLICATES == Duplicates::NameIndex =>
        {
            Err(with_columns::<R>(session, error))
        }
        Err(Error::Database(DieselError::QueryBuilderError(error))) if error.is::<TooMany>() => {
            Err(Error::NotUnique {
                entity: R::Entity::NAME,
                table: R::TABLE,
            })
        }
        written => written,
    }
}

/// Where a database names the index of a duplicate alone, it is asked for the columns of that index.
#[cold]
fn with_columns<R: Model>(session: &mut SessionOf<R>, error: Error) -> Error {
    let Error::Duplicate {
        constraint: Some(index),
        source,
        ..
    } = error
    else {
        return error;
    };
    // Without an answer there is no name: what the index is called proves nothing.
    let columns = names::<R>().and_then(|names| {
        let connection = session.raw();
        connection.columns_of_index(&names.table, &index)
    });
    Error::Duplicate {
        field: columns.ok().flatten(),
        constraint: Some(index),
        source,
    }
}

#[cold]
pub(super) fn not_found<R: Model>(key: &Key<R>) -> Error {
    Error::not_found(R::Entity::NAME, key)
}

#[cold]
pub(super) fn suppressed<R: Model>(key: Option<&Key<R>>) -> Error {
    Error::Suppressed {
        entity: R::Entity::NAME,
        key: key.map(text_of_key),
    }
}

/// An INSERT that succeeded and gives no row back has not inserted it.
#[cold]
fn suppressed_if_nothing_came_back<R: Model>(error: Error) -> Error {
    match error {
        Error::Database(DieselError::NotFound) => suppressed::<R>(None),
        error => error,
    }
}

/// Names the row, if it is there and cannot be read.
#[cold]
pub(super) fn unreadable<R: Model>(error: Error, key: &Key<R>) -> Error {
    match error {
        Error::Database(source @ DieselError::DeserializationError(_)) => Error::Unreadable {
            entity: R::Entity::NAME,
            key: text_of_key(key),
            source,
        },
        error => error,
    }
}
