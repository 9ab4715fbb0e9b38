//! Rows that were read before they are written: which of them each of the caller's keys is.

use std::collections::{BTreeMap, BTreeSet};

use super::chunk::{distinct, fetch, fetch_now, key_chunks};
use super::dialect::{Dialect, Lock};
use super::key::Entity;
use super::measure;
use super::model::{Key, Model, SessionOf};
use super::query::{self, Printed};
use super::row::{self, changed_meanwhile, not_found, write};
use super::suspects::{self, is_kept_while_deleted};
use crate::error::Result;

/// Rows as they were found, and which of them each of the caller's keys is.
pub(super) struct Rows<R: Model> {
    pub(super) found: Vec<Row<R>>,
    /// For each key that was asked for, a place in `found`.
    places: Vec<Option<usize>>,
    /// Whether nobody else can take them away.
    is_locked: bool,
}

pub(super) struct Row<R: Model> {
    /// The key by which it was found, and is found again: the database may give it back otherwise.
    pub(super) asked: Key<R>,
    pub(super) entity: R::Entity,
    fingerprint: u64,
}

/// What becomes of a row that a receiver has taken away before its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// An error: it was asked for by its key, and is to be changed.
    IsMissed,
    /// It is none of the rows any more.
    IsLeftOut,
}

impl<R: Model> Rows<R> {
    /// Reads rows, in the order of the first mention of each.
    pub(super) fn read(
        session: &mut SessionOf<R>,
        keys: &[Key<R>],
        lock: Option<Lock>,
    ) -> Result<Self> {
        let distinct = distinct::<R>(keys);
        let mut read: Vec<Option<Printed<R>>> = Vec::with_capacity(distinct.len());
        let mut by_key = BTreeMap::new();
        for chunk in key_chunks::<R>(session, &distinct)? {
            let rows = session.statement(|conn| {
                if let Some(lock) = lock {
                    return query::select_many_locked::<R>(conn, chunk, lock);
                }
                let rows = query::select_many::<R>(conn, chunk)?;
                Ok(rows.into_iter().map(|row| (row, 0)).collect())
            })?;
            for row in rows {
                by_key.entry(row.0.key()).or_insert_with(|| {
                    read.push(Some(row));
                    read.len() - 1
                });
            }
        }
        let mut places = BTreeMap::new();
        let mut left = Vec::new();
        for key in &distinct {
            match by_key.get(key) {
                Some(&place) => drop(places.insert(key.clone(), place)),
                None => left.push(key.clone()),
            }
        }
        let may_be_equal =
            !left.is_empty() && !by_key.is_empty() && !measure::are_keys_exact::<R>();
        if may_be_equal && (places.len() < by_key.len() || !fetch::<R>(session, &left)?.is_empty())
        {
            for key in left {
                let found = session.statement(|conn| query::select::<R>(conn, &key))?;
                let place = found.and_then(|row| by_key.get(&row.key()).copied());
                places.extend(place.map(|place| (key, place)));
            }
        }
        let mut found = Vec::with_capacity(read.len());
        let mut moved: Vec<Option<usize>> = read.iter().map(|_| None).collect();
        for key in &distinct {
            let Some(&place) = places.get(key) else {
                continue;
            };
            if let Some((entity, fingerprint)) = read[place].take() {
                moved[place] = Some(found.len());
                found.push(Row {
                    asked: key.clone(),
                    entity,
                    fingerprint,
                });
            }
        }
        Ok(Self {
            found,
            places: keys.iter().map(|key| moved[*places.get(key)?]).collect(),
            is_locked: lock.is_some_and(|lock| lock != Lock::None),
        })
    }

    /// Rows that were read by something else than their keys, and are named by them from now on.
    pub(super) fn read_before(rows: Vec<Printed<R>>, lock: Lock) -> Self {
        let found: Vec<_> = rows
            .into_iter()
            .map(|(entity, fingerprint)| Row {
                asked: entity.key(),
                entity,
                fingerprint,
            })
            .collect();
        Self {
            places: (0..found.len()).map(Some).collect(),
            found,
            is_locked: lock != Lock::None,
        }
    }

    /// What it means that one of them is gone before it is deleted. Where others cannot have taken it away, a receiver
    /// has.
    pub(super) fn gone(&self) -> Gone {
        if self.is_locked || is_kept_while_deleted::<R>() {
            Gone::IsLeftOut
        } else {
            Gone::IsMissed
        }
    }

    /// Forgets the others. It is not asked for places afterwards.
    pub(super) fn keep(&mut self, is_kept: impl Fn(&R::Entity) -> bool) {
        self.found.retain(|row| is_kept(&row.entity));
        self.places.clear();
    }

    /// The place of each of the caller's keys; the first that has no row is `NotFound`.
    pub(super) fn places(&self, keys: &[Key<R>]) -> Result<Vec<usize>> {
        self.places
            .iter()
            .zip(keys)
            .map(|(place, key)| place.ok_or_else(|| not_found::<R>(key)))
            .collect()
    }

    /// The row of each of the caller's keys.
    pub(super) fn of_each(&self) -> impl Iterator<Item = Option<&R::Entity>> {
        self.places
            .iter()
            .map(|place| place.map(|place| &self.found[place].entity))
    }

    /// Reads them once more, behind receivers that may have written: as they are now, without those that are
    /// gone. Whether each is still there.
    pub(super) fn see_again(
        &mut self,
        session: &mut SessionOf<R>,
        is_one_by_one: bool,
        gone: Gone,
    ) -> Result<Vec<bool>> {
        let found = std::mem::take(&mut self.found);
        let keys: Vec<_> = found.iter().map(|row| row.asked.clone()).collect();
        let mut read = BTreeMap::new();
        if !is_one_by_one {
            for chunk in key_chunks::<R>(session, &keys)? {
                let rows = session.statement(|conn| {
                    query::select_many_locked::<R>(conn, chunk, R::Connection::TO_DELETE)
                })?;
                read.extend(rows.into_iter().map(|row| (row.0.key(), row)));
            }
        }
        let mut is_there = Vec::with_capacity(found.len());
        for row in found {
            let mut now = read.remove(&row.entity.key());
            // The key may be written otherwise by now, and be the same to the database.
            if now.is_none() && (is_one_by_one || !measure::are_keys_exact::<R>()) {
                now = row.read_again(session)?;
            }
            let row = row.now(now, gone)?;
            is_there.push(row.is_some());
            self.found.extend(row);
        }
        Ok(is_there)
    }

    /// Deletes them all, which nobody has written to since they were read, and gives them as they were when they
    /// went.
    pub(super) fn delete(
        self,
        session: &mut SessionOf<R>,
        is_one_by_one: bool,
    ) -> Result<Vec<R::Entity>> {
        let keys: Vec<_> = self.found.iter().map(|row| row.asked.clone()).collect();
        if is_one_by_one {
            for key in &keys {
                if write::<R, _>(session, |conn| query::delete::<R>(conn, key))? == 0 {
                    require_gone::<R>(session, std::slice::from_ref(key))?;
                }
            }
            return Ok(self.found.into_iter().map(|row| row.entity).collect());
        }
        let is_echo = suspects::is_echo::<R>(session)?;
        if !suspects::is_returned_when_deleted::<R>(true) {
            for chunk in key_chunks::<R>(session, &keys)? {
                let deleted = write::<R, _>(session, |conn| query::delete_many::<R>(conn, chunk))?;
                if deleted != chunk.len() || is_echo {
                    require_gone::<R>(session, chunk)?;
                }
            }
            return Ok(self.found.into_iter().map(|row| row.entity).collect());
        }
        let mut deleted = BTreeMap::new();
        for chunk in key_chunks::<R>(session, &keys)? {
            let rows = write::<R, _>(session, |conn| {
                query::delete_many_returning::<R>(conn, chunk)
            })?;
            if rows.len() != chunk.len() || is_echo {
                require_gone::<R>(session, chunk)?;
            }
            deleted.extend(rows.into_iter().map(|row| (row.0.key(), row)));
        }
        let is_locked = self.is_locked;
        self.found
            .into_iter()
            .map(|row| match deleted.remove(&row.entity.key()) {
                Some((_, changed)) if !is_locked && changed != row.fingerprint => {
                    Err(changed_meanwhile())
                }
                Some((entity, _)) => Ok(entity),
                // Nobody else can have taken it away: it went along with another.
                None if is_locked => Ok(row.entity),
                None => Err(not_found::<R>(&row.asked)),
            })
            .collect()
    }
}

impl<R: Model> Row<R> {
    /// As it is now, if it is still there. Unless somebody may have written since it was read, that is as it was.
    pub(super) fn if_there(
        self,
        session: &mut SessionOf<R>,
        read_at: u64,
        gone: Gone,
    ) -> Result<Option<Self>> {
        if session.writings() == read_at {
            return Ok(Some(self));
        }
        let now = self.read_again(session)?;
        self.now(now, gone)
    }

    /// Locked as it was found, to see what is stored, and not what was when the transaction began.
    fn read_again(&self, session: &mut SessionOf<R>) -> Result<Option<Printed<R>>> {
        let lock = R::Connection::TO_DELETE;
        session.statement(|conn| query::select_locked::<R>(conn, &self.asked, lock))
    }

    fn now(self, now: Option<Printed<R>>, gone: Gone) -> Result<Option<Self>> {
        match now {
            Some((entity, fingerprint)) => Ok(Some(Self {
                asked: self.asked,
                entity,
                fingerprint,
            })),
            None if gone == Gone::IsLeftOut => Ok(None),
            None => Err(not_found::<R>(&self.asked)),
        }
    }
}

/// Of rows that were written together one may have taken the place of another, where the table lets it. It was
/// not asked for, and then not all of them are stored.
pub(super) fn require_left<'r, R: Model<Entity: 'r>>(
    session: &mut SessionOf<R>,
    written: impl ExactSizeIterator<Item = &'r R::Entity>,
) -> Result<()> {
    if written.len() < 2 || !suspects::overwrites::<R>(session)? {
        return Ok(());
    }
    let keys: Vec<_> = written.map(Entity::key).collect();
    let rows = fetch_now::<R>(session, &keys)?;
    let mut left: BTreeSet<_> = rows.iter().map(Entity::key).collect();
    match keys.iter().find(|key| !left.remove(key)) {
        Some(key) => Err(row::suppressed::<R>(Some(key))),
        None => Ok(()),
    }
}

/// The same of rows that were there before: a view may show some of them no more.
pub(super) fn require_changed_left<'r, R: Model<Entity: 'r>>(
    session: &mut SessionOf<R>,
    changed: impl ExactSizeIterator<Item = &'r R::Entity>,
) -> Result<()> {
    if suspects::may_hide::<R>(session)? {
        return Ok(());
    }
    require_left::<R>(session, changed)
}

/// Rows may go along with others of them, by keys that cascade; what is left was not deleted.
fn require_gone<R: Model>(session: &mut SessionOf<R>, keys: &[Key<R>]) -> Result<()> {
    match fetch::<R>(session, keys)?.first() {
        Some(left) => Err(row::suppressed::<R>(Some(&left.key()))),
        None => Ok(()),
    }
}
