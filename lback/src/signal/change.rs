//! Net changes: what a transaction has made of a row, told once.

use std::any::{Any, TypeId};
use std::cmp::Ordering;

use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::SessionSignal;
use super::send::send_to;
use super::table::Table;
use crate::error::Result;
use crate::receiver::{Encoded, Payload, Phase, Registration};
use crate::session::{Entry, Event, Session, SkipReason, Target, Whom, Written};

/// What a transaction has made of a row.
///
/// The argument `change` of the signal `<entity>_changed`, which
/// [`#[repository(.., changes)]`](macro@crate::repository) declares. It speaks of the table, not of the
/// story: a row that was deleted, and whose key was created anew, was updated.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// struct Newsletter(Mutex<Vec<String>>);
///
/// #[receiver(user_changed, after_commit, when = |change: &Change<User>| change.differs(|user| &user.email))]
/// fn readers(change: &Change<User>, #[state] newsletter: &Newsletter) {
///     let line = match change {
///         Change::Created(user) => format!("+ {}", user.email),
///         Change::Updated { before, after } => format!("{} > {}", before.email, after.email),
///         Change::Deleted(user) => format!("- {}", user.email),
///     };
///     newsletter.0.lock().expect("nobody panics").push(line);
/// }
///
/// # use std::sync::Mutex;
/// # let newsletter = Newsletter(Mutex::new(Vec::new()));
/// let mut session = lback::sqlite::connect(":memory:")?.with_state(newsletter);
/// # lback::sqlite::migrate(&mut session)?;
/// let users = UserRepository::new();
/// session.transaction(|session| {
///     let new = NewUser::new("ada", "ada@example.org", "correct horse battery")?;
///     let ada = users.create(session, new)?;
///     let moved = UserChanges { email: Some("ada@example.com".into()), ..Default::default() };
///     users.update(session, &ada, moved)
/// })?;
/// let told = session.state::<Newsletter>().expect("it is there").0.lock().expect("nobody panics");
/// assert_eq!(*told, ["+ ada@example.com"]);
/// # drop(told);
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<E> {
    /// The row was not there before.
    Created(E),
    /// It was there before, and is there in another form.
    Updated {
        /// As it was when the transaction first wrote it.
        before: E,
        /// As it is.
        after: E,
    },
    /// It is not there any more; this is how it was when the transaction first wrote it.
    Deleted(E),
}

impl<E> Change<E> {
    /// The row as it was before, if it was there.
    pub fn before(&self) -> Option<&E> {
        match self {
            Self::Created(_) => None,
            Self::Updated { before, .. } | Self::Deleted(before) => Some(before),
        }
    }

    /// The row as it is now, if it is there.
    pub fn after(&self) -> Option<&E> {
        match self {
            Self::Created(after) | Self::Updated { after, .. } => Some(after),
            Self::Deleted(_) => None,
        }
    }

    /// The row as it is now, or, if it was deleted, as it was: for what never changes, such as its owner.
    pub fn either(&self) -> &E {
        match self {
            Self::Created(row) | Self::Updated { after: row, .. } | Self::Deleted(row) => row,
        }
    }

    /// Whether a part of the row is not what it was. It always is not where the row was created or
    /// deleted.
    ///
    /// ```
    /// use lback::Change;
    ///
    /// let change = Change::Updated { before: ("a title", 1), after: ("a title", 2) };
    /// assert!(!change.differs(|(title, _)| title));
    /// assert!(change.differs(|(_, revision)| revision));
    /// assert!(Change::Created(("a title", 1)).differs(|(title, _)| title));
    /// ```
    pub fn differs<T: PartialEq + ?Sized>(&self, part: impl Fn(&E) -> &T) -> bool {
        match self {
            Self::Created(_) | Self::Deleted(_) => true,
            Self::Updated { before, after } => part(before) != part(after),
        }
    }
}

/// As serde would write and read it, of a row that can be stored.
impl<E: Payload<Owned = E> + Send + 'static> Payload for Change<E> {
    type Owned = Self;

    fn encode<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_map(None)?;
        match self {
            Self::Created(row) => parts.serialize_entry("created", &Encoded(row))?,
            Self::Deleted(row) => parts.serialize_entry("deleted", &Encoded(row))?,
            Self::Updated { before, after } => {
                parts.serialize_entry("before", &Encoded(before))?;
                parts.serialize_entry("after", &Encoded(after))?;
            }
        }
        parts.end()
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut parts = serde_json::Map::deserialize(deserializer)?;
        let mut part = |name: &str| {
            let row = parts.remove(name).map(E::decode).transpose();
            row.map_err(D::Error::custom)
        };
        Ok(match (part("before")?, part("after")?, part("created")?) {
            (Some(before), Some(after), _) => Self::Updated { before, after },
            (_, _, Some(row)) => Self::Created(row),
            _ => {
                let row = part("deleted")?;
                Self::Deleted(row.ok_or_else(|| D::Error::custom("it is no change"))?)
            }
        })
    }
}

/// A row whose changes can be told.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the changes of `{Self}` cannot be told",
    label = "needs `Clone` and `PartialEq`, because of `changes`",
    note = "add `#[derive(Clone, PartialEq)]`: the row as it was before is kept, and compared with what is left; and it must be `Send`, as a session is"
)]
pub trait Compared {
    /// The row, if it is one: see `Declared::Itself`.
    type Itself;
}

#[diagnostic::do_not_recommend]
impl<E: 'static> Compared for E
where
    (): CanCompare<E>,
{
    type Itself = E;
}

/// Asked by way of another type, for the compiler names what it finds at the end of the way: of
/// `PartialEq` itself it would say how to compare, and not why.
// Not public API.
#[doc(hidden)]
pub trait CanCompare<E> {}

impl<E: Clone + PartialEq + Send> CanCompare<E> for () {}

/// A signal that tells the net change of a row.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait ChangeSignal: SessionSignal {
    type Entity: Clone + PartialEq + Send + 'static;
    type Key: Ord + Clone + Send + 'static;

    fn key(entity: &Self::Entity) -> Self::Key;

    fn args<'a>(
        change: &'a Change<Self::Entity>,
        key: Self::Key,
        session: &'a mut Session<Self::Connection>,
    ) -> Self::Args<'a>;
}

/// Whether a write is to be noted for the receivers of `S`. Fails if so many rows more are too many, or
/// if a receiver could not be called afterwards.
// Not public API. Used by generated code.
#[doc(hidden)]
#[inline]
pub fn hears_changes<S: ChangeSignal>(
    session: &mut Session<S::Connection>,
    rows: usize,
) -> Result<bool> {
    if Table::<S>::heard_by(session)?.is_empty() && !session.is_scoped() {
        return Ok(false);
    }
    is_heard::<S>(session, rows)
}

fn is_heard<S: ChangeSignal>(session: &mut Session<S::Connection>, rows: usize) -> Result<bool> {
    let audience = &Table::<S>::heard_by(session)?.audience;
    if !session.is_recording() && audience.muted_in(session).len() == audience.all.len() {
        return Ok(false);
    }
    audience.check_effects(session)?;
    audience.check_states(session)?;
    session.check_changes(rows)?;
    Ok(true)
}

/// Notes that a row was written: what was found, and what was left.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn note_change<S: ChangeSignal>(
    found: Option<&S::Entity>,
    left: Option<&S::Entity>,
    session: &mut Session<S::Connection>,
) -> Result<()> {
    let muted = if session.is_scoped() {
        Table::<S>::heard_by(session)?.audience.muted_in(session)
    } else {
        Vec::new()
    };
    let note = |key, found: Option<&S::Entity>, left: Option<&S::Entity>| Write::<S> {
        key,
        found: found.cloned(),
        left: left.cloned(),
        muted: muted.clone(),
    };
    let keys = (found.map(S::key), left.map(S::key));
    match keys {
        // A row that gets another key is another row.
        (Some(old), Some(new)) if old != new => {
            session.note(Box::new(note(old, found, None)))?;
            session.note(Box::new(note(new, None, left)))
        }
        (Some(key), _) | (None, Some(key)) => session.note(Box::new(note(key, found, left))),
        (None, None) => Ok(()),
    }
}

/// A write of a row, noted for the receivers of `S`.
struct Write<S: ChangeSignal> {
    key: S::Key,
    found: Option<S::Entity>,
    left: Option<S::Entity>,
    /// Who is not to be told of it.
    muted: Vec<&'static Registration>,
}

impl<S: ChangeSignal> Write<S> {
    /// The same, if it is one of this signal.
    fn of(written: &dyn Written<S::Connection>) -> Option<&Self> {
        (written as &dyn Any).downcast_ref()
    }

    fn is_for(&self, receiver: &'static Registration) -> bool {
        !self
            .muted
            .iter()
            .any(|muted| std::ptr::eq(*muted, receiver))
    }
}

impl<S: ChangeSignal> Written<S::Connection> for Write<S> {
    fn order(&self, other: &dyn Written<S::Connection>) -> Ordering {
        match Self::of(other) {
            Some(other) => self.key.cmp(&other.key),
            None => TypeId::of::<Self>().cmp(&(other as &dyn Any).type_id()),
        }
    }

    fn may_join(&self, later: &dyn Written<S::Connection>) -> bool {
        let is_one = |one: &&Registration, other: &&Registration| std::ptr::eq(*one, *other);
        Self::of(later).is_some_and(|later| {
            self.muted.len() == later.muted.len()
                && self
                    .muted
                    .iter()
                    .zip(&later.muted)
                    .all(|(a, b)| is_one(a, b))
        })
    }

    fn join(&mut self, later: &mut dyn Written<S::Connection>) {
        if let Some(later) = (later as &mut dyn Any).downcast_mut::<Self>() {
            std::mem::swap(&mut self.left, &mut later.left);
        }
    }

    fn tell(
        &self,
        writes: &[&Entry<S::Connection>],
        whom: Whom,
        session: &mut Session<S::Connection>,
    ) -> Result<()> {
        let table = Table::<S>::heard_by(session)?;
        let audience = &table.audience;
        let to: Vec<usize> = match whom {
            Whom::Receivers => audience.in_transaction().collect(),
            Whom::Effects => audience.effects().collect(),
            Whom::Laments => {
                let phase = |to: usize| audience.registration(to).phase;
                let effects = audience.effects();
                effects
                    .filter(|to| phase(*to) == Phase::AfterRollback)
                    .collect()
            }
        };
        let is_noted = whom == Whom::Receivers && session.is_recording();
        if to.is_empty() && !is_noted {
            return Ok(());
        }
        let all: Vec<_> = writes
            .iter()
            .filter_map(|entry| Some((*entry, Self::of(entry.written())?)))
            .collect();
        if is_noted && net(&all).is_some() {
            session.observe(|| Event::Sent(S::INFO));
        }
        if all.iter().all(|(_, write)| write.muted.is_empty()) {
            return tell_together(&all, table, &to, session);
        }
        for to in to {
            let receiver = audience.registration(to);
            let heard: Vec<_> = all
                .iter()
                .filter(|(_, write)| write.is_for(receiver))
                .copied()
                .collect();
            if heard.is_empty() {
                session.observe(|| Event::Skipped(Target(receiver), SkipReason::Muted));
            } else {
                tell_together(&heard, table, &[to], session)?;
            }
        }
        Ok(())
    }
}

/// Writes of one row.
type Writes<'w, S> = [(&'w Entry<<S as SessionSignal>::Connection>, &'w Write<S>)];

/// What came of writes: the first before and the last after are the answer.
fn net<S: ChangeSignal>(writes: &Writes<'_, S>) -> Option<Change<S::Entity>> {
    let found = writes.first().and_then(|(_, write)| write.found.as_ref());
    let left = writes.last().and_then(|(_, write)| write.left.as_ref());
    match (found, left) {
        (None, None) => None,
        (None, Some(after)) => Some(Change::Created(after.clone())),
        (Some(before), None) => Some(Change::Deleted(before.clone())),
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(Change::Updated {
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

/// Tells what came of writes to those who hear all of them, under the state of the last.
fn tell_together<S: ChangeSignal>(
    writes: &Writes<'_, S>,
    table: &'static Table<S>,
    to: &[usize],
    session: &mut Session<S::Connection>,
) -> Result<()> {
    let (Some(change), Some((last, write))) = (net(writes), writes.last()) else {
        return Ok(());
    };
    session.as_at(last, |session| {
        send_to(table, to, &mut S::args(&change, write.key.clone(), session))
    })
}
