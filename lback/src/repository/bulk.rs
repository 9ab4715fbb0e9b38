//! Many rows at once: all pre signals, as few statements as the database allows, all post signals.

use std::collections::BTreeMap;

use diesel::result::{EmptyChangeset, Error as DieselError};

use super::dialect::Dialect;
use super::key::Entity;
use super::model::{Key, Model, Validate};
use super::query;
use super::row::{SessionOf, not_found, write};
use crate::error::{Error, Result};

pub(super) type Rows<R> = BTreeMap<Key<R>, <R as Model>::Entity>;

/// Inserts rows, and gives them back in that order: matched by key, never by position.
pub(super) fn insert<R: Model>(
    session: &mut SessionOf<R>,
    data: &[R::Insert],
) -> Result<Vec<R::Entity>> {
    let Some(first) = data.first() else {
        return Ok(Vec::new());
    };
    if R::given_key(first).is_none()
        && !session.statement(|_| query::makes_ascending_keys::<R>(data))?
    {
        return data
            .iter()
            .map(|row| write::<R, _>(session, |conn| query::insert::<R>(conn, row)))
            .collect();
    }
    let binds = session.statement(|_| query::binds_of_insert::<R>(first))?;
    let mut inserted = Vec::with_capacity(data.len());
    for chunk in data.chunks(rows_for::<R>(binds, 0)) {
        let rows = by_key::<R>(write::<R, _>(session, |conn| {
            query::insert_many::<R>(conn, chunk)
        })?);
        if rows.len() != chunk.len() {
            let what = "an INSERT that stores other rows than it was given";
            return Err(Error::Unsupported { what: what.into() });
        }
        match chunk.iter().map(R::given_key).collect::<Option<Vec<_>>>() {
            Some(keys) => inserted.extend(in_order_of::<R>(&keys, rows)?),
            // Keys that the database makes ascend in the order of the rows.
            None => inserted.extend(rows.into_values()),
        }
    }
    Ok(inserted)
}

/// Reads rows, locked if `for_update`; a missing one is `NotFound`.
pub(super) fn select<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    for_update: bool,
) -> Result<Rows<R>> {
    let select = if for_update {
        query::select_many_for_update::<R>
    } else {
        query::select_many::<R>
    };
    let mut rows = Rows::<R>::new();
    for chunk in keys.chunks(rows_for::<R>(1, 0)) {
        rows.extend(by_key::<R>(session.statement(|conn| select(conn, chunk))?));
    }
    Ok(rows)
}

/// Makes the same changes to some rows. `None` if there are none to make.
fn update<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    changes: &R::Update,
) -> Result<Option<Rows<R>>> {
    let binds = match query::binds_of_update::<R>(changes) {
        Err(DieselError::QueryBuilderError(error)) if error.is::<EmptyChangeset>() => {
            return Ok(None);
        }
        binds => session.statement(|_| binds)?,
    };
    let mut rows = Rows::<R>::new();
    for chunk in keys.chunks(rows_for::<R>(1, binds)) {
        rows.extend(by_key::<R>(write::<R, _>(session, |conn| match chunk {
            // Receivers may give every row changes of its own, and this statement stays prepared.
            [key] => Ok(Vec::from_iter(query::update::<R>(conn, key, changes)?)),
            keys => query::update_many::<R>(conn, keys, changes),
        })?));
    }
    Ok(Some(rows))
}

/// Rows that will be changed alike.
pub(super) struct Groups<R: Model> {
    groups: Vec<Group<R>>,
}

struct Group<R: Model> {
    keys: Vec<Key<R>>,
    changes: R::Update,
    is_changed: bool,
}

impl<R: Model> Default for Groups<R> {
    fn default() -> Self {
        Self { groups: Vec::new() }
    }
}

impl<R: Model> Groups<R> {
    pub(super) fn add(&mut self, key: &Key<R>, changes: R::Update)
    where
        R::Update: PartialEq,
    {
        match self
            .groups
            .iter_mut()
            .find(|group| group.changes == changes)
        {
            Some(group) => group.keys.push(key.clone()),
            None => self.add_all(vec![key.clone()], changes),
        }
    }

    pub(super) fn add_all(&mut self, keys: Vec<Key<R>>, changes: R::Update) {
        self.groups.push(Group {
            keys,
            changes,
            is_changed: false,
        });
    }

    /// Validates and updates group by group, and gives all rows as they are then.
    pub(super) fn update(&mut self, session: &mut SessionOf<R>) -> Result<Rows<R>> {
        for group in &mut self.groups {
            group.changes.validate()?;
        }
        let mut rows = Rows::<R>::new();
        for group in &mut self.groups {
            match update::<R>(session, &group.keys, &group.changes)? {
                Some(updated) => {
                    group.is_changed = true;
                    rows.extend(updated);
                }
                None => rows.extend(select::<R>(session, &group.keys, false)?),
            }
            require_all::<R>(&group.keys, &rows)?;
        }
        Ok(rows)
    }

    /// The rows that were changed, with what was changed in them.
    pub(super) fn changed_in_order_of<'g>(
        &'g self,
        keys: &'g [Key<R>],
    ) -> impl Iterator<Item = (&'g Key<R>, &'g R::Update)> {
        let changed = self.groups.iter().filter(|group| group.is_changed);
        let by_key: BTreeMap<_, _> = changed
            .flat_map(|group| group.keys.iter().map(move |key| (key, &group.changes)))
            .collect();
        keys.iter()
            .filter_map(move |key| Some((key, *by_key.get(key)?)))
    }
}

/// Deletes rows, all of them or none.
pub(super) fn delete<R: Model>(session: &mut SessionOf<R>, keys: &[Key<R>]) -> Result<()> {
    for chunk in keys.chunks(rows_for::<R>(1, 0)) {
        let deleted = session.write(|conn| query::delete_many::<R>(conn, chunk))?;
        if deleted != chunk.len() {
            let left = select::<R>(session, chunk, false)?;
            let gone = chunk.iter().find(|key| !left.contains_key(key));
            return Err(not_found::<R>(gone.unwrap_or(&chunk[0])));
        }
    }
    Ok(())
}

/// Fails with the first key that has no row.
pub(super) fn require_all<R: Model>(keys: &[Key<R>], rows: &Rows<R>) -> Result<()> {
    match keys.iter().find(|key| !rows.contains_key(key)) {
        Some(missing) => Err(not_found::<R>(missing)),
        None => Ok(()),
    }
}

/// Each key once, in the order of its first occurrence.
pub(super) fn distinct<R: Model>(keys: &[Key<R>]) -> Vec<Key<R>> {
    let mut seen = std::collections::BTreeSet::new();
    keys.iter()
        .filter(|key| seen.insert(*key))
        .cloned()
        .collect()
}

fn by_key<R: Model>(rows: Vec<R::Entity>) -> Rows<R> {
    rows.into_iter().map(|row| (row.key(), row)).collect()
}

fn in_order_of<R: Model>(keys: &[Key<R>], mut rows: Rows<R>) -> Result<Vec<R::Entity>> {
    let row = |key| rows.remove(key).ok_or_else(|| not_found::<R>(key));
    keys.iter().map(row).collect()
}

/// How many rows of `binds` values each fit into a statement that binds `others` beside them.
fn rows_for<R: Model>(binds: usize, others: usize) -> usize {
    (R::Connection::MAX_BINDS.saturating_sub(others) / binds.max(1)).max(1)
}
