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

    /// Deletes them all, and gives them as they were when they went. `is_untouched` says that nobody has
    /// written in between through this session.
    pub(super) fn delete(
        mut self,
        session: &mut SessionOf<R>,
        is_one_by_one: bool,
        is_untouched: bool,
    ) -> Result<Vec<R::Entity>> {
        let keys: Vec<_> = self.found.iter().map(|row| row.asked.clone()).collect();
        let is_returned = !is_one_by_one && suspects::is_returned_when_deleted::<R>(is_untouched);
        if !is_untouched && !is_returned {
            self.read_again(session, &keys, is_one_by_one)?;
        }
        let is_echo = suspects::is_echo::<R>(session)?;
        if is_one_by_one {
            for key in &keys {
                if write::<R, _>(session, |conn| query::delete::<R>(conn, key))? == 0 {
                    require_gone::<R>(session, std::slice::from_ref(key))?;
                }
            }
            return Ok(self.found.into_iter().map(|row| row.entity).collect());
        }
        if !is_returned {
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
                Some((_, changed)) if is_untouched && !is_locked && changed != row.fingerprint => {
                    Err(changed_meanwhile())
                }
                Some((entity, _)) => Ok(entity),
                None if is_locked || is_kept_while_deleted::<R>() => Ok(row.entity),
                None => Err(not_found::<R>(&row.asked)),
            })
            .collect()
    }

    /// Those that are still there, as they are now. Locked as they were found, to see what is stored and
    /// not what was when the transaction began.
    fn read_again(
        &mut self,
        session: &mut SessionOf<R>,
        keys: &[Key<R>],
        is_one_by_one: bool,
    ) -> Result<()> {
        let lock = R::Connection::TO_DELETE;
        if is_one_by_one {
            for row in &mut self.found {
                let found =
                    session.statement(|conn| query::select_locked::<R>(conn, &row.asked, lock))?;
                if let Some((entity, _)) = found {
                    row.entity = entity;
                }
            }
            return Ok(());
        }
        let mut now = BTreeMap::new();
        for chunk in key_chunks::<R>(session, keys)? {
            let found =
                session.statement(|conn| query::select_many_locked::<R>(conn, chunk, lock))?;
            now.extend(found.into_iter().map(|(row, _)| (row.key(), row)));
        }
        for row in &mut self.found {
            if let Some(entity) = now.remove(&row.entity.key()) {
                row.entity = entity;
            }
        }
        Ok(())
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

/// Rows may go along with others of them, by keys that cascade; what is left was not deleted.
fn require_gone<R: Model>(session: &mut SessionOf<R>, keys: &[Key<R>]) -> Result<()> {
    match fetch::<R>(session, keys)?.first() {
        Some(left) => Err(row::suppressed::<R>(Some(&left.key()))),
        None => Ok(()),
    }
}
