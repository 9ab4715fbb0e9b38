//! What one statement takes of many rows.

use std::any::TypeId;

use super::dialect::Dialect;
use super::measure;
use super::model::{Conn, Key, Model, SessionOf};
use super::query;
use crate::error::Result;

/// Each key once, in the order of its first occurrence.
pub(super) fn distinct<R: Model>(keys: &[Key<R>]) -> Vec<Key<R>> {
    let mut seen = std::collections::BTreeSet::new();
    keys.iter()
        .filter(|key| seen.insert(*key))
        .cloned()
        .collect()
}

/// Reads rows, in any order.
pub(super) fn fetch<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
) -> Result<Vec<R::Entity>> {
    fetch_by::<R>(session, keys, query::select_many::<R>)
}

/// Reads rows that are locked by now, in any order, as they are.
pub(super) fn fetch_now<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
) -> Result<Vec<R::Entity>> {
    fetch_by::<R>(session, keys, query::select_many_now::<R>)
}

fn fetch_by<R: Model>(
    session: &mut SessionOf<R>,
    keys: &[Key<R>],
    select: fn(&mut Conn<R>, &[Key<R>]) -> query::Listed<R>,
) -> Result<Vec<R::Entity>> {
    let mut rows = Vec::with_capacity(keys.len());
    for chunk in key_chunks::<R>(session, keys)? {
        rows.extend(session.statement(|conn| select(conn, chunk))?);
    }
    Ok(rows)
}

/// How many rows of `binds` values each fit into a statement that binds `others` beside them.
pub(super) fn rows_for<R: Model>(binds: usize, others: usize) -> usize {
    (R::Connection::MAX_BINDS.saturating_sub(others) / binds.max(1)).max(1)
}

pub(super) fn key_chunks<'k, R: Model>(
    session: &mut SessionOf<R>,
    keys: &'k [Key<R>],
) -> Result<Vec<&'k [Key<R>]>> {
    let most = rows_for::<R>(measure::key_columns::<R>(), 0);
    chunks::<R, _>(session, keys, most, 0, |key| format!("{key:?}").len())
}

/// What one statement takes at once: so many items at most, and no more bytes than the server accepts
/// beside `others`.
pub(super) fn chunks<'i, R: Model, T>(
    session: &mut SessionOf<R>,
    items: &'i [T],
    most: usize,
    others: usize,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<&'i [T]>> {
    struct MaxBytes;
    let Some(sure) = R::Connection::SURE_BYTES else {
        return Ok(items.chunks(most).collect());
    };
    let sizes: Vec<_> = items.iter().map(size).collect();
    if sizes.iter().sum::<usize>() + others <= sure {
        return Ok(items.chunks(most).collect());
    }
    let max = session.fact(TypeId::of::<MaxBytes>(), &|conn| {
        let max = conn.max_bytes()?;
        Ok(max
            .and_then(|max| i64::try_from(max).ok())
            .unwrap_or(i64::MAX))
    })?;
    // Each value has a few bytes of the protocol's own.
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let room = (max - max / 16).saturating_sub(others);
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0_usize);
    for (place, size) in sizes.into_iter().enumerate() {
        if place > start && (place - start == most || bytes.saturating_add(size) > room) {
            chunks.push(&items[start..place]);
            (start, bytes) = (place, 0);
        }
        bytes = bytes.saturating_add(size);
    }
    chunks.push(&items[start..]);
    Ok(chunks)
}
