//! Rows that are created unless they are there already.
//!
//! What happens is known before any signal is sent: the row is looked for first. Where it is not there,
//! and somebody else inserts it before we do, the database refuses ours as a duplicate. That attempt is
//! undone, with what its receivers wrote, and the row is looked for again, now with a lock: it is there,
//! or the duplicate is about something else. On SQLite nobody can come in between, for there is one
//! writer at a time.
//!
//! `ON CONFLICT` and `ON DUPLICATE KEY` are not used. They decide too late, for pre receivers of a create
//! would have run where an update becomes of it, and they tell of all unique columns alike.

use super::dialect::{Dialect, Lock};
use super::key::{AsKey, Entity};
use super::matching::{self, Filter, Matching};
use super::model::{Model, SessionOf};
use super::query;
use crate::error::{Error, Result};

/// What became of a row that was to be there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upserted<E> {
    /// It was not there, and was created.
    Created(E),
    /// It was there, and was updated.
    Updated(E),
    /// It was there, and was left as it is.
    Found(E),
}

impl<E> Upserted<E> {
    /// The row as it is now.
    pub fn row(&self) -> &E {
        let (Self::Created(row) | Self::Updated(row) | Self::Found(row)) = self;
        row
    }

    /// The row as it is now, by value.
    pub fn into_row(self) -> E {
        let (Self::Created(row) | Self::Updated(row) | Self::Found(row)) = self;
        row
    }

    /// Whether it was created.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

/// What names one row that may not be there: its key, or a condition on a unique column.
///
/// `Via` tells the two apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no row of `{R}`",
    label = "neither a key nor a condition",
    note = "pass the key, or what Diesel's `filter` takes, on a unique column: `settings::name.eq(\"theme\")`"
)]
pub trait Names<R: Model, Via> {
    /// The row, if it is there.
    // Not public API.
    #[doc(hidden)]
    fn look(&self, session: &mut SessionOf<R>, lock: Lock) -> Result<Option<R::Entity>>;
}

/// A row was named by a condition.
#[derive(Debug)]
pub enum ByFilter {}

/// A row was named by its key, or by itself.
#[derive(Debug)]
pub struct ByAsKey<Via>(std::marker::PhantomData<Via>);

#[diagnostic::do_not_recommend]
impl<R: Model, F: Filter<R::Table, R::Connection>> Names<R, ByFilter> for F {
    fn look(&self, session: &mut SessionOf<R>, lock: Lock) -> Result<Option<R::Entity>> {
        matching::one::<R>(session, Matching(self), lock)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Model, K: AsKey<R::Entity, Via>, Via> Names<R, ByAsKey<Via>> for K {
    fn look(&self, session: &mut SessionOf<R>, lock: Lock) -> Result<Option<R::Entity>> {
        let key = self.as_key();
        matching::one::<R>(session, query::is::<R>(&key), lock)
    }
}

/// How often the row may come and go while it is looked for.
const ATTEMPTS: usize = 3;

/// Creates a row unless it is there; what becomes of one that is, `found` says.
pub(super) fn create_or<R, Via>(
    session: &mut SessionOf<R>,
    named: &impl Names<R, Via>,
    mut create: impl FnMut(&mut SessionOf<R>) -> Result<R::Entity>,
    mut found: impl FnMut(&mut SessionOf<R>, R::Entity) -> Result<Upserted<R::Entity>>,
) -> Result<Upserted<R::Entity>>
where
    R: Model,
{
    let mut lock = Lock::None;
    let mut attempt = 1;
    let mut refused_at_commit = None;
    loop {
        let (mut was_there, mut is_at_commit) = (false, false);
        let was_refused = refused_at_commit.is_some();
        let done = session.transaction(|session| {
            let done = if let Some(row) = named.look(session, lock)? {
                was_there = true;
                found(session, row)?
            } else if let Some(error) = refused_at_commit.take() {
                return Err(error);
            } else {
                Upserted::Created(create(session)?)
            };
            is_at_commit = true;
            Ok(done)
        });
        let may_go_on = attempt < ATTEMPTS && session.check_usable().is_ok();
        match done {
            _ if !may_go_on => return done,
            // A constraint that is deferred says so at the commit, if the row is there now; otherwise it is the
            // error of one who has a word at the commit.
            Err(error @ Error::Duplicate { .. }) if is_at_commit && !was_there => {
                refused_at_commit = Some(error);
            }
            // Another was faster, if the row is there now.
            Err(Error::Duplicate { .. }) if !is_at_commit && !was_there && !was_refused => {}
            // Another has deleted it meanwhile.
            Err(Error::NotFound { entity, .. })
                if !is_at_commit && was_there && entity == R::Entity::NAME => {}
            done => return done,
        }
        attempt += 1;
        // On MySQL a plain SELECT sees what was there when the transaction began.
        lock = R::Connection::TO_DELETE;
    }
}
