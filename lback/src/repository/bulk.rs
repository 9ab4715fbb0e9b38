//! Many rows at once: all pre signals, as few statements as the database allows, all post signals.
//!
//! Which row is which tells its key, as the database compares keys and not as the program does: it
//! may know no case, pad with spaces, or have a trigger write another key. Where that leaves a doubt,
//! what was written together is undone, and the rows are written one by one.

use std::collections::BTreeMap;

use diesel::result::{EmptyChangeset, Error as DieselError};

use super::chunk::{chunks, distinct, fetch, fetch_now, key_chunks, rows_for};
use super::dialect::Dialect;
use super::key::{AsKey, Entity};
use super::measure;
use super::model::{Key, Model, SessionOf, Updates, Validate};
use super::query;
use super::row::{
    self, Inserting, are_keys_told, gives_other_keys, inserting, not_found, suppressed, untold,
    write,
};
use super::rows::{Gone, Rows, require_changed_left, require_left};
use super::suspects;
use crate::care::QuietlyEach;
use crate::error::{Error, Result};

/// Why rows were not written together.
pub(super) enum NotTogether {
    /// It could not be told which row is which.
    Unclear,
    Failed(Error),
}

impl From<Error> for NotTogether {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

type Together<T> = std::result::Result<T, NotTogether>;

/// Writes rows together, or, where that could not be told apart, undoes it and writes them again.
pub(super) fn together<R: Model, T>(
    session: &mut SessionOf<R>,
    together: impl FnOnce(&mut SessionOf<R>) -> Together<T>,
    one_by_one: impl FnOnce(&mut SessionOf<R>) -> Result<T>,
) -> Result<T> {
    match session.transaction(together) {
        Ok(done) => Ok(done),
        Err(NotTogether::Unclear) => one_by_one(session),
        Err(NotTogether::Failed(error)) => Err(error),
    }
}

/// What the caller names rows by: their keys, and their versions where the rows themselves were given.
pub(super) fn named<R: Model, T: AsKey<R::Entity, Via>, Via>(
    targets: impl IntoIterator<Item = T>,
) -> (QuietlyEach<Key<R>>, Vec<Option<i64>>) {
    let named = |target: T| (target.as_key(), target.as_row().and_then(R::version_of));
    let (keys, versions) = targets.into_iter().map(named).unzip();
    (QuietlyEach::new(keys), versions)
}

/// Inserts rows, in as few statements as can be, and gives them back in that order. `is_level` says
/// that the operation has a level of its own already.
pub(super) fn insert_all<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
    is_level: bool,
) -> Result<Vec<R::Entity>> {
    let each = |session: &mut SessionOf<R>| {
        let rows = data.iter().map(|data| row::insert::<R>(session, data));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        require_left::<R>(session, rows.iter())?;
        Ok(rows)
    };
    let each = |session: &mut SessionOf<R>| {
        if is_level {
            each(session)
        } else {
            session.transaction(each)
        }
    };
    if is_insertable_together::<R>(session, data)? {
        together::<R, _>(session, |session| insert::<R>(session, data), each)
    } else {
        each(session)
    }
}

/// Whether rows may be inserted together, and their keys then tell which is which.
fn is_insertable_together<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
) -> Result<bool> {
    if data.len() < 2 {
        return Ok(false);
    }
    if data.iter().all(|row| R::given_key(row).is_some()) {
        return Ok(!gives_other_keys::<R>(session, data)?);
    }
    match inserting::<R>(session, data)? {
        Inserting::Returning => session.statement(|_| measure::makes_ascending_keys::<R>(data)),
        Inserting::Keeping => are_keys_told::<R>(session, data),
        Inserting::Counting if are_keys_told::<R>(session, data)? => Ok(true),
        Inserting::Counting => untold::<R, _>(session),
    }
}

/// Inserts rows together, and gives them back in that order.
fn insert<R: Model>(session: &mut SessionOf<R>, data: &[R::Insert]) -> Together<Vec<R::Entity>> {
    let Some(first) = data.first() else {
        return Ok(Vec::new());
    };
    let binds = session.statement(|_| measure::binds_of_insert::<R>(first))?;
    let most = rows_for::<R>(binds, 0);
    let inserting = inserting::<R>(session, data)?;
    let is_read_again = suspects::is_read_again::<R>(session)?;
    let mut inserted = Vec::with_capacity(data.len());
    for chunk in chunks::<R, _>(session, data, most, 0, measure::bytes_of_insert::<R>)? {
        let rows = write::<R, _>(session, |conn| {
            if R::Connection::RETURNS {
                query::insert_many::<R>(conn, chunk)
            } else {
                query::insert_and_select_many::<R>(conn, chunk)
            }
        })?;
        if rows.len() != chunk.len() {
            match inserting {
                Inserting::Returning => {}
                Inserting::Keeping => return Err(NotTogether::Unclear),
                Inserting::Counting => return untold::<R, _>(session).map_err(NotTogether::from),
            }
            let what = "an INSERT that stores other rows than it was given";
            return Err(Error::Unsupported { what: what.into() }.into());
        }
        match chunk.iter().map(R::given_key).collect::<Option<Vec<_>>>() {
            Some(keys) => inserted.extend(in_order_of::<R>(&keys, rows)?),
            // They come as they were inserted, although no database promises it; that their keys
            // ascend as well is the other witness.
            None if rows.is_sorted_by(|one, next| one.key() < next.key()) => inserted.extend(rows),
            None => return Err(NotTogether::Unclear),
        }
    }
    if is_read_again {
        let keys: Vec<_> = inserted.iter().map(Entity::key).collect();
        let rows = fetch::<R>(session, &keys)?;
        inserted = in_order_of::<R>(&keys, rows)?;
    }
    require_left::<R>(session, inserted.iter())?;
    Ok(inserted)
}

/// Deletes rows that nobody has to see.
pub(super) fn delete<R: Model>(session: &mut SessionOf<R>, keys: &[Key<R>]) -> Together<()> {
    if suspects::is_echo::<R>(session)? {
        return Err(NotTogether::Unclear);
    }
    let keys = distinct::<R>(keys);
    for chunk in key_chunks::<R>(session, &keys)? {
        let deleted = write::<R, _>(session, |conn| query::delete_many::<R>(conn, chunk))?;
        if deleted != chunk.len() {
            return Err(NotTogether::Unclear);
        }
    }
    Ok(())
}

/// Makes the same changes to rows that nobody has to see, and gives them back for each key.
pub(super) fn update<R: Updates>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    changes: &R::Update,
) -> Together<Vec<R::Entity>>
where
    R::Entity: Clone,
{
    let distinct = distinct::<R>(keys);
    let Some(rows) = update_all::<R>(session, &distinct, changes)? else {
        return Err(NotTogether::Unclear);
    };
    let by_key: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key(), row)).collect();
    if by_key.len() != distinct.len() {
        return Err(NotTogether::Unclear);
    }
    require_changed_left::<R>(session, by_key.values())?;
    let row = |key| by_key.get(key).cloned().ok_or(NotTogether::Unclear);
    keys.iter().map(row).collect()
}

/// In any order; `None` if there is nothing to set.
fn update_all<R: Updates>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    changes: &R::Update,
) -> Result<Option<Vec<R::Entity>>> {
    let binds = match measure::binds_of_update::<R>(changes) {
        Err(DieselError::QueryBuilderError(error)) if error.is::<EmptyChangeset>() => {
            return Ok(None);
        }
        binds => session.statement(|_| binds)?,
    };
    let kept = session.kept_updates();
    let others = R::Connection::SURE_BYTES.map_or(0, |_| measure::bytes_of_update::<R>(changes));
    let is_read_again = suspects::is_read_again::<R>(session)?;
    let mut rows = Vec::with_capacity(keys.len());
    let most = rows_for::<R>(measure::key_columns::<R>(), binds);
    for chunk in chunks::<R, _>(session, keys, most, others, |key| format!("{key:?}").len())? {
        rows.extend(write::<R, _>(session, |conn| {
            query::update_many::<R>(conn, chunk, changes, kept)
        })?);
    }
    if is_read_again {
        let keys: Vec<_> = rows.iter().map(Entity::key).collect();
        let again = fetch_now::<R>(session, &keys)?;
        if !suspects::may_hide::<R>(session)? {
            return Ok(Some(again));
        }
        // Those that a view shows no more are as they were returned.
        let mut by_key: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key(), row)).collect();
        by_key.extend(again.into_iter().map(|row| (row.key(), row)));
        rows = by_key.into_values().collect();
    }
    Ok(Some(rows))
}

/// A row as it is after the update, and what was changed in it, if anything was.
type Updated<'u, R> = (<R as Model>::Entity, Option<&'u <R as Updates>::Update>);

/// Rows that will be changed alike.
pub(super) struct Groups<R: Updates> {
    groups: Vec<Group<R>>,
}

struct Group<R: Updates> {
    /// Places of rows.
    rows: Vec<usize>,
    changes: R::Update,
}

impl<R: Updates> Default for Groups<R> {
    fn default() -> Self {
        Self { groups: Vec::new() }
    }
}

impl<R: Updates> Groups<R> {
    pub(super) fn add(&mut self, row: usize, changes: R::Update)
    where
        R::Update: PartialEq,
    {
        // Were it compared with all, many rows with changes of their own would take time in the square of them.
        const COMPARED: usize = 64;
        let mut latest = self.groups.iter_mut().rev().take(COMPARED);
        match latest.find(|group| group.changes == changes) {
            Some(group) => group.rows.push(row),
            None => self.groups.push(Group {
                rows: vec![row],
                changes,
            }),
        }
    }

    /// Validates and updates group by group: for each row, as it is then, and what was changed in
    /// it, if anything was.
    pub(super) fn update(
        &mut self,
        session: &mut SessionOf<R>,
        before: &Rows<R>,
        is_one_by_one: bool,
    ) -> Result<Vec<Updated<'_, R>>> {
        for group in &mut self.groups {
            group.changes.validate()?;
        }
        let mut after: Vec<_> = before.found.iter().map(|_| None).collect();
        for group in &self.groups {
            let changes = &group.changes;
            let sets_key = session.statement(|_| measure::sets_key::<R>(changes))?;
            // Receivers may give every row changes of its own, and that statement stays prepared.
            if is_one_by_one || sets_key || group.rows.len() == 1 {
                for &place in &group.rows {
                    let key = &before.found[place].asked;
                    after[place] = Some(match row::update::<R>(session, key, None, changes)? {
                        Some(row) => (row, Some(changes)),
                        None => (row::stored_now::<R>(session, key)?, None),
                    });
                }
                continue;
            }
            let keys: Vec<_> = group
                .rows
                .iter()
                .map(|&place| before.found[place].asked.clone())
                .collect();
            let (rows, made) = match update_all::<R>(session, &keys, changes)? {
                Some(rows) => (rows, Some(changes)),
                None => (fetch_now::<R>(session, &keys)?, None),
            };
            let mut rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key(), row)).collect();
            for &place in &group.rows {
                let key = before.found[place].entity.key();
                let Some(row) = rows.remove(&key) else {
                    return Err(missing::<R>(session, &key, before, &rows)?);
                };
                after[place] = Some((row, made));
            }
        }
        Ok(after.into_iter().flatten().collect())
    }
}

/// A row has not come back by its key: it was not written, or it is not there, or it is there under another.
#[cold]
fn missing<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    before: &Rows<R>,
    came: &BTreeMap<Key<R>, R::Entity>,
) -> Result<Error> {
    if row::left::<R>(session, key)?.is_some() {
        return Ok(suppressed::<R>(Some(key)));
    }
    let was_read = |key: &Key<R>| before.found.iter().any(|row| row.entity.key() == *key);
    if came.keys().all(was_read) {
        return Ok(not_found::<R>(key));
    }
    let what = "an UPDATE of many rows in which the database gives them other keys: update them one \
                by one";
    Ok(Error::Unsupported { what: what.into() })
}

/// How rows are changed.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) is_one_by_one: bool,
    pub(super) notes: bool,
    pub(super) gone: Gone,
}

/// Sends all pre signals, updates, and sends all post signals: for each row, as it is then, and whether
/// anything was changed in it.
///
/// A pre receiver may write to rows whose turn is still to come, or was already: then rows are read again, before
/// they are told and before they are changed.
pub(super) fn change<R: Updates>(
    repository: &R,
    session: &mut SessionOf<R>,
    mut before: Rows<R>,
    changes: &R::Update,
    way: Way,
) -> Result<Vec<(R::Entity, bool)>>
where
    R::Update: Clone + PartialEq,
{
    let read_at = session.writings();
    let mut own = Vec::with_capacity(before.found.len());
    for row in std::mem::take(&mut before.found) {
        let Some(row) = row.if_there(session, read_at, way.gone)? else {
            continue;
        };
        let mut changes = changes.clone();
        session.check_level()?;
        repository.send_pre_update(&row.entity, &mut changes, session)?;
        own.push(changes);
        before.found.push(row);
    }
    if session.writings() != read_at {
        let mut is_there = before
            .see_again(session, way.is_one_by_one, way.gone)?
            .into_iter();
        own.retain(|_| is_there.next() == Some(true));
    }
    let mut groups = Groups::<R>::default();
    for (place, changes) in own.into_iter().enumerate() {
        groups.add(place, changes);
    }
    let after = groups.update(session, &before, way.is_one_by_one)?;
    require_changed_left::<R>(session, after.iter().map(|(entity, _)| entity))?;
    if way.notes {
        for (row, (entity, changes)) in before.found.iter().zip(&after) {
            if changes.is_some() {
                R::note_change(Some(&row.entity), Some(entity), session)?;
            }
        }
    }
    for (row, (entity, changes)) in before.found.iter().zip(&after) {
        if let Some(changes) = changes {
            session.check_level()?;
            repository.send_post_update(entity, &row.entity, changes, session)?;
        }
    }
    let is_changed = |(entity, changes): Updated<'_, R>| (entity, changes.is_some());
    Ok(after.into_iter().map(is_changed).collect())
}

/// Sends all pre signals, deletes, and sends all post signals: how many rows went.
///
/// Those that a pre receiver took away are neither told nor counted here: whoever deleted them has told of them.
pub(super) fn remove<R: Model>(
    repository: &R,
    session: &mut SessionOf<R>,
    mut rows: Rows<R>,
    is_one_by_one: bool,
    notes: bool,
) -> Result<usize> {
    let read_at = session.writings();
    let gone = rows.gone();
    for row in std::mem::take(&mut rows.found) {
        let Some(row) = row.if_there(session, read_at, gone)? else {
            continue;
        };
        session.check_level()?;
        repository.send_pre_delete(&row.entity, session)?;
        rows.found.push(row);
    }
    if session.writings() != read_at {
        rows.see_again(session, is_one_by_one, gone)?;
    }
    let deleted = rows.delete(session, is_one_by_one)?;
    if notes {
        for row in &deleted {
            R::note_change(Some(row), None, session)?;
        }
    }
    for row in &deleted {
        session.check_level()?;
        repository.send_post_delete(row.key(), row, session)?;
    }
    Ok(deleted.len())
}

/// Rows in the order of keys that were given to them, by which the database may find them otherwise
/// than the program does.
fn in_order_of<R: Model>(keys: &[Key<R>], rows: Vec<R::Entity>) -> Together<Vec<R::Entity>> {
    let mut rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key(), row)).collect();
    let row = |key| rows.remove(key).ok_or(NotTogether::Unclear);
    keys.iter().map(row).collect()
}
