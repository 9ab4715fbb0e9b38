//! What the schema lets happen beside a statement: asked once a session or a pool and repository, before its
//! first write.

use std::any::TypeId;
use std::marker::PhantomData;

use super::dialect::{Dialect, Lock, Suspects};
use super::model::{Model, SessionOf};
use super::sql::statement::names;
use crate::error::Result;

/// The fact what a repository's table lets happen.
struct Suspected<R>(PhantomData<R>);

pub(super) fn suspects<R: Model>(session: &mut SessionOf<R>) -> Result<Suspects> {
    let bits = session.fact(TypeId::of::<Suspected<R>>(), &|conn| {
        let table = &names::<R>()?.table;
        conn.suspects(table).map(Suspects::to_bits)
    })?;
    Ok(Suspects::of_bits(bits))
}

impl Suspects {
    /// Whether a row of this table must be seen to tell whether a DELETE has deleted it, whatever it counts.
    pub(super) fn must_be_seen(self) -> bool {
        self.is_view || self.replaces
    }
}

/// Whether a row is read again behind the statement that wrote it: because the repository wants that, or
/// because what the statement says cannot be believed.
pub(super) fn is_read_again<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    Ok(R::REREADS || is_echo::<R>(session)?)
}

/// Whether what a statement says of rows is what triggers or rules behind a view were asked for, whatever they
/// did.
pub(super) fn is_echo<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    // Where a row is read back by a SELECT, nothing else has told of it.
    Ok(R::Connection::RETURNS && suspects::<R>(session)?.echoes)
}

/// Whether an operation needs a level of its own to be undone, since its statement may not be when it fails.
pub(super) fn leaves_parts<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    Ok(R::Connection::LEAVES_PARTS && suspects::<R>(session)?.leaves_parts)
}

/// Whether a row that was written may be shown no more, and be stored all the same.
pub(super) fn may_hide<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    Ok(R::Connection::RETURNS && suspects::<R>(session)?.is_view)
}

/// Whether a row that is written may take the place of others.
pub(super) fn overwrites<R: Model>(session: &mut SessionOf<R>) -> Result<bool> {
    Ok(R::Connection::RETURNS && suspects::<R>(session)?.overwrites)
}

/// How a row is locked that is read to be deleted. Where others may take it away in between, something
/// that the DELETE sets off may have done so too, and only a lock tells which it was.
pub(super) fn lock_to_delete<R: Model>(session: &mut SessionOf<R>) -> Result<Lock> {
    if is_kept_while_deleted::<R>() || !suspects::<R>(session)?.replaces {
        return Ok(R::Connection::TO_DELETE);
    }
    lock_if_allowed::<R>(session)
}

/// It is asked each time: the role may be another by now.
fn lock_if_allowed<R: Model>(session: &mut SessionOf<R>) -> Result<Lock> {
    let is_allowed = session.look_up(|conn| conn.may_lock(&names::<R>()?.table))?;
    Ok(if is_allowed {
        R::Connection::TO_CHANGE_KEY
    } else {
        R::Connection::TO_DELETE
    })
}

/// The same for many rows, of which one may go along with another, or be deleted by a receiver that is told of
/// another.
pub(super) fn lock_to_delete_many<R: Model>(
    session: &mut SessionOf<R>,
    receivers_write: bool,
) -> Result<Lock> {
    if !is_kept_while_deleted::<R>() && (receivers_write || suspects::<R>(session)?.cascades) {
        return lock_if_allowed::<R>(session);
    }
    lock_to_delete::<R>(session)
}

/// Whether a row that is read to be deleted stays as it is until it goes, but for what this session
/// writes.
pub(super) fn is_kept_while_deleted<R: Model>() -> bool {
    R::Connection::TO_DELETE == R::Connection::TO_UPDATE
}

/// Whether a DELETE gives back what it deletes. Where a row stays as it was seen, it need not.
pub(super) fn is_returned_when_deleted<R: Model>(is_untouched: bool) -> bool {
    let may_differ = !is_untouched || !is_kept_while_deleted::<R>();
    may_differ && R::Connection::RETURNS
}
