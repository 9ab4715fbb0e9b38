//! How rows are read that are to be deleted, and how one is.

use super::dialect::{Dialect, Lock};
use super::model::{Key, Model, SessionOf};
use super::query::{self, Printed};
use super::row::{changed_meanwhile, found_nothing, left, not_found, suppressed, write};
use super::rows::Rows;
use super::suspects::{
    is_echo, is_kept_while_deleted, is_returned_when_deleted, lock_to_delete, lock_to_delete_many,
    suspects,
};
use crate::error::Result;

/// A row that is about to be deleted, as somebody saw it.
pub(super) struct Seen<R: Model> {
    row: Printed<R>,
    lock: Lock,
}

impl<R: Model> Seen<R> {
    pub(super) fn entity(&self) -> &R::Entity {
        &self.row.0
    }
}

/// The row as it stands, locked as it must be to be deleted.
pub(super) fn to_delete<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<Seen<R>> {
    let usual = R::Connection::TO_DELETE;
    let mut lock = lock_to_delete::<R>(session)?;
    let mut row = session.statement(|conn| query::select_locked::<R>(conn, key, lock))?;
    if row.is_none() && lock != usual {
        // A policy may hide from a lock what DELETE sees.
        lock = usual;
        row = session.statement(|conn| query::select_locked::<R>(conn, key, lock))?;
    }
    let row = row.ok_or_else(|| not_found::<R>(key))?;
    Ok(Seen { row, lock })
}

/// The same of many rows. `receivers_write` says that receivers may delete some of them by themselves.
pub(super) fn to_delete_many<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    receivers_write: bool,
) -> Result<Rows<R>> {
    let usual = R::Connection::TO_DELETE;
    let lock = lock_to_delete_many::<R>(session, receivers_write)?;
    let rows = Rows::read(session, keys, Some(lock))?;
    if lock != usual && rows.of_each().any(|row| row.is_none()) {
        return Rows::read(session, keys, Some(usual));
    }
    Ok(rows)
}

/// Deletes a row that nobody has to see. What it counts may be an echo, see [`is_echo`].
pub(super) fn delete<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    may_echo: bool,
) -> Result<()> {
    match write::<R, _>(session, |conn| query::delete::<R>(conn, key))? {
        1.. if !may_echo => Ok(()),
        _ if left::<R>(session, key)?.is_some() => Err(suppressed::<R>(Some(key))),
        0 => {
            found_nothing::<R>(session)?;
            Err(not_found::<R>(key))
        }
        _ => Ok(()),
    }
}

/// Deletes a row that somebody has seen, and gives it as it was when it went. `is_untouched` says that
/// nobody has written in between through this session.
pub(super) fn delete_seen<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    seen: Seen<R>,
    is_untouched: bool,
) -> Result<R::Entity> {
    let (mut entity, fingerprint) = seen.row;
    let is_locked = seen.lock != Lock::None;
    let is_returned = is_returned_when_deleted::<R>(is_untouched);
    let is_read_now = !is_untouched && (!is_returned || suspects::<R>(session)?.must_be_seen());
    if is_read_now {
        // If it is gone by now, a receiver has taken it; if it goes after this, the DELETE has.
        entity = to_delete::<R>(session, key)?.row.0;
    }
    let is_counted = if is_returned {
        match write::<R, _>(session, |conn| query::delete_returning::<R>(conn, key))? {
            Some((_, changed)) if is_untouched && !is_locked && changed != fingerprint => {
                return Err(changed_meanwhile());
            }
            Some((deleted, _)) => {
                entity = deleted;
                true
            }
            None => false,
        }
    } else {
        write::<R, _>(session, |conn| query::delete::<R>(conn, key))? > 0
    };
    if is_counted && !is_echo::<R>(session)? {
        return Ok(entity);
    }
    if left::<R>(session, key)?.is_some() {
        return Err(suppressed::<R>(Some(key)));
    }
    if is_counted {
        return Ok(entity);
    }
    // Nobody else can have taken it away: a trigger or a view has done so in its own manner.
    if (is_untouched || is_read_now) && (is_locked || is_kept_while_deleted::<R>()) {
        return Ok(entity);
    }
    found_nothing::<R>(session)?;
    Err(not_found::<R>(key))
}
