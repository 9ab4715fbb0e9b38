//! The life of a row, one readable function an operation.

use std::any::TypeId;
use std::marker::PhantomData;

use super::bulk::{self, Way};
use super::dialect::{Dialect, Lock};
use super::key::{AsKey, Entity, KeyOf};
use super::matching::{self, Filter};
use super::model::{Model, SessionOf, Updates, Validate};
use super::page::Page;
use super::query;
use super::removal;
use super::row::{self, unreadable};
use super::rows::{Gone, Rows};
use super::sql::statement::names;
use super::suspects;
use super::upsert::{self, Names, Upserted};
use crate::care::{Quietly, QuietlyEach};
use crate::error::{Error, Result};
use crate::session::within;
use crate::signal::{Plan, check_sendable};

/// The operations of a repository: each sends its signals, and is atomic.
///
/// After an `Err` nothing of the operation is left, nor of what its receivers wrote. It joins the
/// caller's transaction, and opens one of its own where there is none; so outside a transaction, `Ok`
/// means stored.
///
/// Implemented for every struct with [`#[repository]`](macro@crate::repository).
pub trait Repository: Model {
    /// Stores a new row: pre receivers, validation, the insert, post receivers.
    ///
    /// # Errors
    ///
    /// [`Error::Vetoed`] and [`Error::ReceiverFailed`] from receivers, [`Error::Invalid`] from
    /// validation, [`Error::Duplicate`], [`Error::ForeignKey`] and [`Error::Database`] from the
    /// database. None of them gives `data` back, for receivers may have changed it: who wants to try
    /// again keeps a clone.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// let ada = UserRepository::new().create(&mut session, new)?;
    /// assert_eq!(ada.username, "ada");
    /// # lback::Result::Ok(())
    /// ```
    fn create(&self, session: &mut SessionOf<Self>, data: Self::Insert) -> Result<Self::Entity> {
        let mut data = Quietly::new(data);
        let plan = Plan::of::<Self::PreCreate, Self::PostCreate>(session)?;
        let notes = Self::hears_changes(session, 1)?;
        let must_undo = plan.writes_before || plan.runs_after;
        operation::<Self, _>(session, must_undo, |session| {
            self.send_pre_create(&mut data, session)?;
            data.validate()?;
            if plan.is_heard {
                check_sendable::<Self::PostCreate>(session)?;
            }
            let entity = row::insert::<Self>(session, &data)?;
            if notes {
                Self::note_change(None, Some(&entity), session)?;
            }
            self.send_post_create(&entity, session)?;
            Ok(entity)
        })
    }

    /// Changes a row, given itself or its key: pre receivers, validation, the update, post
    /// receivers.
    ///
    /// If anybody listens, the row is read again inside the transaction, locked where the database
    /// can, and that row, not the caller's copy, is what receivers see. Without changes, also
    /// after the pre receivers, there is no statement and no post signal, and the stored row comes
    /// back.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and [`Error::NotFound`] if the row is gone, before any
    /// receiver runs.
    fn update<Via>(
        &self,
        session: &mut SessionOf<Self>,
        target: impl AsKey<Self::Entity, Via>,
        changes: impl Into<Self::Update>,
    ) -> Result<Self::Entity>
    where
        Self: Updates,
    {
        let target = Quietly::new(target);
        let key = Quietly::new(target.as_key());
        let mut changes: Quietly<Self::Update> = Quietly::new(changes.into());
        let version = target.as_row().and_then(Self::version_of);
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        let notes = Self::hears_changes(session, 1)?;
        if !plan.is_heard && !notes {
            return operation::<Self, _>(session, false, |session| {
                changes.validate()?;
                if let Some(entity) = row::update::<Self>(session, &key, version, &changes)? {
                    return Ok(entity);
                }
                let entity = row::stored::<Self>(session, &key)?;
                row::require_version::<Self>(version, &entity)?;
                Ok(entity)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after;
        operation::<Self, _>(session, must_undo, |session| {
            let mut previous = row::to_update::<Self>(session, &key, &changes)?;
            row::require_version::<Self>(version, &previous)?;
            let read_at = session.writings();
            self.send_pre_update(&previous, &mut changes, session)?;
            changes.validate()?;
            check_sendable::<Self::PostUpdate>(session)?;
            if (plan.is_told_after || notes) && session.writings() != read_at {
                // A pre receiver may have written to this row itself.
                previous = row::stored_now::<Self>(session, &key)?;
            }
            let Some(entity) = row::update::<Self>(session, &key, None, &changes)? else {
                return row::stored_now::<Self>(session, &key);
            };
            if notes {
                Self::note_change(Some(&previous), Some(&entity), session)?;
            }
            self.send_post_update(&entity, &previous, &changes, session)?;
            Ok(entity)
        })
    }

    /// Deletes a row, given itself or its key: pre receivers, the delete, post receivers.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    fn delete<Via>(
        &self,
        session: &mut SessionOf<Self>,
        target: impl AsKey<Self::Entity, Via>,
    ) -> Result<()> {
        delete(self, session, target, &mut Stage::Looking)
    }

    /// The row with this key.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn find<Via>(
        &self,
        session: &mut SessionOf<Self>,
        key: impl AsKey<Self::Entity, Via>,
    ) -> Result<Option<Self::Entity>> {
        let key = key.as_key();
        session
            .look_up(|conn| query::select::<Self>(conn, &key))
            .map_err(|error| unreadable::<Self>(error, &key))
    }

    /// The row with this key, which is expected to be there.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Database`].
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let error = UserRepository::new().get(&mut session, UserId::from(9)).unwrap_err();
    /// assert_eq!(error.to_string(), "there is no user with key 9");
    /// # lback::Result::Ok(())
    /// ```
    fn get<Via>(
        &self,
        session: &mut SessionOf<Self>,
        key: impl AsKey<Self::Entity, Via>,
    ) -> Result<Self::Entity> {
        let key = key.as_key();
        let found = session
            .look_up(|conn| query::select::<Self>(conn, &key))
            .map_err(|error| unreadable::<Self>(error, &key))?;
        found.ok_or_else(|| row::not_found::<Self>(&key))
    }

    /// Stores many rows, in as few statements as the database allows; the results come in the
    /// order of `data`. All pre signals are sent first, and all post signals last, in that order.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); then none of the rows is stored.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let password = Password::new("correct horse battery")?;
    /// let team = ["ada", "grace"].map(|name| {
    ///     NewUser::with_password(name, format!("{name}@example.com"), password.clone())
    /// });
    /// let team = UserRepository::new().create_many(&mut session, team)?;
    /// assert_eq!(team[1].username, "grace");
    /// # lback::Result::Ok(())
    /// ```
    fn create_many(
        &self,
        session: &mut SessionOf<Self>,
        data: impl IntoIterator<Item = Self::Insert>,
    ) -> Result<Vec<Self::Entity>> {
        let mut data = QuietlyEach::new(data.into_iter().collect());
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let plan = Plan::of::<Self::PreCreate, Self::PostCreate>(session)?;
        let notes = Self::hears_changes(session, data.len())?;
        if !plan.is_heard && !notes {
            may_write::<Self>(session)?;
            data.iter_mut().try_for_each(Validate::validate)?;
            return bulk::insert_all::<Self>(session, &data, false);
        }
        operation::<Self, _>(session, true, |session| {
            for row in data.iter_mut() {
                session.check_level()?;
                self.send_pre_create(row, session)?;
            }
            data.iter_mut().try_for_each(Validate::validate)?;
            let entities = bulk::insert_all::<Self>(session, &data, true)?;
            if notes {
                for entity in &entities {
                    Self::note_change(None, Some(entity), session)?;
                }
            }
            for entity in &entities {
                session.check_level()?;
                self.send_post_create(entity, session)?;
            }
            Ok(entities)
        })
    }

    /// Makes the same changes to many rows. Pre receivers may change each row's own; rows whose
    /// changes stay alike share a statement.
    ///
    /// The results come in the order of `targets`. A row that is named twice is changed once.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update); then none of the rows is changed.
    fn update_many<T: AsKey<Self::Entity, Via>, Via>(
        &self,
        session: &mut SessionOf<Self>,
        targets: impl IntoIterator<Item = T>,
        changes: impl Into<Self::Update>,
    ) -> Result<Vec<Self::Entity>>
    where
        Self: Updates<Update: Clone + PartialEq>,
        Self::Entity: Clone,
    {
        let (keys, versions) = bulk::named::<Self, _, _>(targets);
        let changes: Quietly<Self::Update> = Quietly::new(changes.into());
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        let notes = Self::hears_changes(session, keys.len())?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        may_write::<Self>(session)?;
        let mut all = Quietly::new((*changes).clone());
        let each = |session: &mut SessionOf<Self>, is_one_by_one| {
            operation::<Self, _>(session, true, |session| {
                let lock = row::lock_to_update::<Self>(session, &changes)?;
                let before = Rows::<Self>::read(session, &keys, Some(lock))?;
                let places = before.places(&keys)?;
                for (version, &place) in versions.iter().zip(&places) {
                    row::require_version::<Self>(*version, &before.found[place].entity)?;
                }
                let way = Way {
                    is_one_by_one,
                    notes,
                    gone: Gone::IsMissed,
                };
                let after = bulk::change(self, session, before, &changes, way)?;
                Ok(places.iter().map(|&place| after[place].0.clone()).collect())
            })
        };
        if plan.is_heard || notes || versions.iter().any(Option::is_some) {
            return each(session, false);
        }
        bulk::together::<Self, _>(
            session,
            |session| {
                all.validate().map_err(Error::from)?;
                bulk::update::<Self>(session, &keys, &all)
            },
            |session| each(session, true),
        )
    }

    /// Deletes many rows. One that is named twice is deleted once.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete); then none of the rows is deleted.
    fn delete_many<T: AsKey<Self::Entity, Via>, Via>(
        &self,
        session: &mut SessionOf<Self>,
        targets: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        let (keys, versions) = bulk::named::<Self, _, _>(targets);
        let plan = Plan::of::<Self::PreDelete, Self::PostDelete>(session)?;
        let notes = Self::hears_changes(session, keys.len())?;
        if keys.is_empty() {
            return Ok(());
        }
        may_write::<Self>(session)?;
        let each = |session: &mut SessionOf<Self>| {
            operation::<Self, _>(session, true, |session| {
                let rows = removal::to_delete_many::<Self>(session, &keys, plan.writes_before)?;
                for (version, place) in versions.iter().zip(rows.places(&keys)?) {
                    row::require_version::<Self>(*version, &rows.found[place].entity)?;
                }
                bulk::remove(self, session, rows, false, notes).map(drop)
            })
        };
        if plan.is_heard || notes || versions.iter().any(Option::is_some) {
            return each(session);
        }
        bulk::together::<Self, _>(
            session,
            |session| bulk::delete::<Self>(session, &keys),
            each,
        )
    }

    /// Changes all rows that meet a condition: how many were changed.
    ///
    /// If anybody listens, the rows are read in the order of their keys, locked where the database can,
    /// and every row's signals are sent as by [`update_many`](Self::update_many). If nobody does, it is
    /// one UPDATE, and the count is the database's: of a view that triggers write behind, SQLite counts none. No row
    /// is no error.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update); then none of the rows is changed.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let inactive = UserChanges { is_active: Some(false), ..Default::default() };
    /// let unverified = users::is_email_verified.eq(false);
    /// assert_eq!(UserRepository::new().update_where(&mut session, unverified, inactive)?, 0);
    /// # lback::Result::Ok(())
    /// ```
    fn update_where(
        &self,
        session: &mut SessionOf<Self>,
        filter: impl Filter<Self::Table, Self::Connection>,
        changes: impl Into<Self::Update>,
    ) -> Result<usize>
    where
        Self: Updates<Update: Clone + PartialEq>,
    {
        let filter = Quietly::new(filter);
        let mut changes: Quietly<Self::Update> = Quietly::new(changes.into());
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        let notes = Self::hears_changes(session, 0)?;
        if !plan.is_heard && !notes {
            return operation::<Self, _>(session, false, |session| {
                changes.validate()?;
                matching::update::<Self>(session, &*filter, &changes)
            });
        }
        let known = matching::before::<Self>(session, &*filter)?;
        operation::<Self, _>(session, true, |session| {
            let lock = row::lock_to_update::<Self>(session, &changes)?;
            let before = matching::locked::<Self>(session, &*filter, lock, known)?;
            let notes = notes && Self::hears_changes(session, before.found.len())?;
            let way = Way {
                is_one_by_one: Self::Connection::LOCKS_AS_IT_FINDS,
                notes,
                gone: Gone::IsLeftOut,
            };
            let after = bulk::change(self, session, before, &changes, way)?;
            Ok(after.iter().filter(|(_, is_changed)| *is_changed).count())
        })
    }

    /// Deletes all rows that meet a condition: how many there were.
    ///
    /// If anybody listens, the rows are read in the order of their keys, locked where the database can,
    /// and every row's signals are sent as by [`delete_many`](Self::delete_many). If nobody does, it is
    /// one DELETE, and the count is the database's: on SQLite a row that a trigger takes away before does not count,
    /// nor does one of a view. No row is no error.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete); then none of the rows is deleted.
    fn delete_where(
        &self,
        session: &mut SessionOf<Self>,
        filter: impl Filter<Self::Table, Self::Connection>,
    ) -> Result<usize> {
        let filter = Quietly::new(filter);
        let plan = Plan::of::<Self::PreDelete, Self::PostDelete>(session)?;
        let notes = Self::hears_changes(session, 0)?;
        if !plan.is_heard && !notes {
            return operation::<Self, _>(session, false, |session| {
                matching::delete::<Self>(session, &*filter)
            });
        }
        let known = matching::before::<Self>(session, &*filter)?;
        operation::<Self, _>(session, true, |session| {
            // Also where a delete of one row takes no lock: of two that meet, the second then finds the
            // rows gone before any receiver has heard of them.
            let lock = Self::Connection::TO_CHANGE_KEY;
            let rows = matching::locked::<Self>(session, &*filter, lock, known)?;
            let notes = notes && Self::hears_changes(session, rows.found.len())?;
            let is_one_by_one = Self::Connection::LOCKS_AS_IT_FINDS;
            bulk::remove(self, session, rows, is_one_by_one, notes)
        })
    }

    /// All rows that meet a condition, by key.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn find_where(
        &self,
        session: &mut SessionOf<Self>,
        filter: impl Filter<Self::Table, Self::Connection>,
    ) -> Result<Vec<Self::Entity>> {
        matching::all::<Self>(session, &filter)
    }

    /// The one row that meets a condition, such as on a unique column.
    ///
    /// # Errors
    ///
    /// [`Error::Ambiguous`] if there are several, [`Error::Database`].
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let users = UserRepository::new();
    /// assert_eq!(users.find_by(&mut session, users::username.eq("ada"))?, None);
    /// # lback::Result::Ok(())
    /// ```
    fn find_by(
        &self,
        session: &mut SessionOf<Self>,
        filter: impl Filter<Self::Table, Self::Connection>,
    ) -> Result<Option<Self::Entity>> {
        matching::one::<Self>(session, matching::Matching(&filter), Lock::None)
    }

    /// Changes the one row that meets a condition, as [`update`](Self::update) does; `None` if there is
    /// no such row.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update), and [`Error::Ambiguous`] if there are several.
    fn update_by(
        &self,
        session: &mut SessionOf<Self>,
        filter: impl Filter<Self::Table, Self::Connection>,
        changes: impl Into<Self::Update>,
    ) -> Result<Option<Self::Entity>>
    where
        Self: Updates,
    {
        let filter = Quietly::new(filter);
        let changes: Self::Update = changes.into();
        operation::<Self, _>(session, false, |session| {
            let lock = row::lock_to_update::<Self>(session, &changes)?;
            match matching::one::<Self>(session, matching::Matching(&*filter), lock)? {
                Some(row) => self.update(session, KeyOf(row.key()), changes).map(Some),
                None => Ok(None),
            }
        })
    }

    /// Deletes a row as [`delete`](Self::delete) does, and says whether it was there: that it was not
    /// is no error.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete), but for [`Error::NotFound`].
    fn delete_if_there<Via>(
        &self,
        session: &mut SessionOf<Self>,
        target: impl AsKey<Self::Entity, Via>,
    ) -> Result<bool> {
        let key = Quietly::new(target.as_key());
        let mut stage = Stage::Looking;
        match delete(self, session, target, &mut stage) {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) if stage == Stage::Looking => Ok(false),
            // Another has taken it away meanwhile; or a pre receiver has, and that is undone.
            Err(error @ Error::NotFound { .. }) if stage == Stage::Deleting => {
                match self.exists(session, KeyOf((*key).clone())) {
                    Ok(false) => Ok(false),
                    Ok(true) | Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a row, or updates the one that is there: named by its key, or by a condition on a unique
    /// column.
    ///
    /// It sends the signals of what happens: a create's or an update's. Of two at once, one creates the
    /// row and the other updates it. The attempt of the latter to create it is undone, with what its
    /// receivers wrote; its pre receivers have heard of it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`update`](Self::update), and [`Error::Ambiguous`] if several rows
    /// meet the condition.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let users = UserRepository::new();
    /// let ada = || NewUser::new("ada", "ada@example.com", "correct horse battery");
    /// let verified = || UserChanges { is_email_verified: Some(true), ..Default::default() };
    /// let named = users::username.eq("ada");
    /// assert!(users.create_or_update(&mut session, named, ada()?, verified())?.is_created());
    /// assert!(users.create_or_update(&mut session, named, ada()?, verified())?.row().is_email_verified);
    /// # lback::Result::Ok(())
    /// ```
    fn create_or_update<Via>(
        &self,
        session: &mut SessionOf<Self>,
        row: impl Names<Self, Via>,
        data: Self::Insert,
        changes: impl Into<Self::Update>,
    ) -> Result<Upserted<Self::Entity>>
    where
        Self: Updates<Update: Clone>,
        Self::Insert: Clone,
    {
        let (row, data) = (Quietly::new(row), Quietly::new(data));
        let changes: Quietly<Self::Update> = Quietly::new(changes.into());
        upsert::create_or::<Self, Via>(
            session,
            &*row,
            |session| self.create(session, (*data).clone()),
            |session, row| {
                let updated = self.update(session, KeyOf(row.key()), (*changes).clone())?;
                Ok(Upserted::Updated(updated))
            },
        )
    }

    /// Creates a row unless it is there: named by its key, or by a condition on a unique column.
    ///
    /// It sends the signals of a create, or none. Of two at once, one creates the row and the other finds
    /// it, as with [`create_or_update`](Self::create_or_update).
    ///
    /// It looks as [`find`](Self::find) does, and locks nothing. In a transaction that sees one state of the
    /// past (MySQL's by default) it may find a row that another has deleted since.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and [`Error::Ambiguous`] if several rows meet the condition.
    fn create_if_absent<Via>(
        &self,
        session: &mut SessionOf<Self>,
        row: impl Names<Self, Via>,
        data: Self::Insert,
    ) -> Result<Upserted<Self::Entity>>
    where
        Self::Insert: Clone,
    {
        let (row, data) = (Quietly::new(row), Quietly::new(data));
        upsert::create_or::<Self, Via>(
            session,
            &*row,
            |session| self.create(session, (*data).clone()),
            |_, row| Ok(Upserted::Found(row)),
        )
    }

    /// The rows with these keys, in this order; `None` where there is no such row.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn find_many<T: AsKey<Self::Entity, Via>, Via>(
        &self,
        session: &mut SessionOf<Self>,
        keys: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Option<Self::Entity>>>
    where
        Self::Entity: Clone,
    {
        let keys: Vec<_> = keys.into_iter().map(|key| key.as_key()).collect();
        session.check_usable()?;
        let rows = Rows::<Self>::read(session, &keys, None)?;
        Ok(rows.of_each().map(Option::<&_>::cloned).collect())
    }

    /// A page of all rows, by key.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn list(&self, session: &mut SessionOf<Self>, page: Page) -> Result<Vec<Self::Entity>> {
        session.look_up(|conn| query::list::<Self>(conn, page))
    }

    /// Whether there is a row with this key.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn exists<Via>(
        &self,
        session: &mut SessionOf<Self>,
        key: impl AsKey<Self::Entity, Via>,
    ) -> Result<bool> {
        let key = key.as_key();
        session.look_up(|conn| query::exists::<Self>(conn, &key))
    }

    /// How many rows there are.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn count(&self, session: &mut SessionOf<Self>) -> Result<i64> {
        session.look_up(|conn| query::count::<Self>(conn))
    }
}

impl<R: Model> Repository for R {}

/// How far a delete has come when it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Looking,
    /// The row was seen.
    Deleting,
    /// Code of others may fail now: a receiver, or what runs at the commit.
    Others,
}

/// Deletes a row.
fn delete<R: Repository, Via>(
    repository: &R,
    session: &mut SessionOf<R>,
    target: impl AsKey<R::Entity, Via>,
    stage: &mut Stage,
) -> Result<()> {
    let target = Quietly::new(target);
    let key = Quietly::new(target.as_key());
    let version = target.as_row().and_then(R::version_of);
    let plan = Plan::of::<R::PreDelete, R::PostDelete>(session)?;
    let notes = R::hears_changes(session, 1)?;
    if !plan.is_heard && !notes && version.is_none() {
        session.check_writable()?;
        let suspects = suspects::suspects::<R>(session)?;
        if !suspects.must_be_seen() {
            return operation::<R, _>(session, false, |session| {
                removal::delete::<R>(session, &key, suspects.echoes)?;
                *stage = Stage::Others;
                Ok(())
            });
        }
    }
    let must_undo = plan.writes_before || plan.runs_after;
    operation::<R, _>(session, must_undo, |session| {
        let seen = removal::to_delete::<R>(session, &key)?;
        row::require_version::<R>(version, seen.entity())?;
        *stage = Stage::Others;
        let read_at = session.writings();
        repository.send_pre_delete(seen.entity(), session)?;
        check_sendable::<R::PostDelete>(session)?;
        *stage = Stage::Deleting;
        let is_untouched = session.writings() == read_at;
        let entity = removal::delete_seen::<R>(session, &key, seen, is_untouched)?;
        *stage = Stage::Others;
        if notes {
            R::note_change(Some(&entity), None, session)?;
        }
        repository.send_post_delete(key.clone(), &entity, session)
    })
}

/// Runs an operation at a level of its own, which is closed as it ends.
///
/// Outside of transactions that is always a transaction: what a statement has written stands once it
/// commits by itself, and after that much can still fail. The row it returns may not be readable, it
/// may have written other rows than it should, or SQLite may commit only when the statement is reset
/// and say nothing if that fails. Inside the caller's transaction, a savepoint is set only if
/// `must_undo`; where something fails after the statement all the same, the caller's transaction
/// cannot commit.
fn operation<R: Model, T>(
    session: &mut SessionOf<R>,
    must_undo: bool,
    work: impl FnOnce(&mut SessionOf<R>) -> Result<T>,
) -> Result<T> {
    may_write::<R>(session)?;
    let must_undo = must_undo || !session.in_transaction() || suspects::leaves_parts::<R>(session)?;
    let open = session.begin_operation(must_undo)?;
    within(session, |session| session, open, work)
}

/// Before anything of an operation: fails if nothing may be written here.
#[inline]
fn may_write<R: Model>(session: &mut SessionOf<R>) -> Result<()> {
    session.check_writable()?;
    session.before_write()?;
    if R::Connection::HAS_ENGINES {
        must_roll_back::<R>(session)?;
    }
    Ok(())
}

/// Fails if the repository's table is of an engine that cannot roll back: a veto would leave its row.
/// Asked once a session, or a pool.
fn must_roll_back<R: Model>(session: &mut SessionOf<R>) -> Result<()> {
    struct RollsBack<R>(PhantomData<R>);
    let known = TypeId::of::<RollsBack<R>>();
    if session.known_fact(known).is_some() {
        return Ok(());
    }
    let table = session.look_up(|_| names::<R>())?.table.as_str();
    let engine = session.look_up(|conn| conn.engine_without_transactions(table))?;
    if let Some(engine) = engine {
        let what = format!(
            "a repository of the table {table}, whose engine {engine} knows no transactions: \
             nothing could be undone (`ALTER TABLE {table} ENGINE = InnoDB`)"
        );
        return Err(Error::Unsupported { what: what.into() });
    }
    session.know(known, 1);
    Ok(())
}
