//! The life of a row, one readable function an operation.

use diesel::result::{EmptyChangeset, Error as DieselError};

use super::bulk;
use super::dialect::{Dialect, ReadingBack};
use super::key::AsKey;
use super::model::{Key, Model, Validate};
use super::page::Page;
use super::query;
use super::row::{SessionOf, not_found, write};
use crate::error::Result;
use crate::session::{Session, SessionConnection, within};
use crate::signal::Plan;

/// The operations of a repository: each sends its signals, and is atomic.
///
/// After an `Err` nothing of the operation is left, nor of what its receivers wrote. It joins the
/// caller's transaction, and opens one of its own only where there is none and one is needed; so
/// outside a transaction, `Ok` means stored.
///
/// Implemented for every struct with [`#[repository]`](macro@crate::repository).
pub trait Repository: Model {
    /// Stores a new row: pre receivers, validation, the insert, post receivers.
    ///
    /// # Errors
    ///
    /// [`Error::Vetoed`] and [`Error::ReceiverFailed`] from receivers, [`Error::Invalid`] from
    /// validation, [`Error::Duplicate`], [`Error::ForeignKey`] and [`Error::Database`] from the
    /// database.
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
        let mut data = data;
        let plan = Plan::of::<Self::PreCreate, Self::PostCreate>(session)?;
        let must_undo = plan.writes_before || plan.runs_after || reads_back(session);
        operation(session, plan, must_undo, |session| {
            self.send_pre_create(&mut data, session)?;
            data.validate()?;
            let entity = write::<Self, _>(session, |conn| query::insert::<Self>(conn, &data))?;
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
        changes: Self::Update,
    ) -> Result<Self::Entity> {
        let (key, mut changes) = (target.as_key(), changes);
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        if !plan.is_heard {
            let must_undo = reads_back(session);
            return operation(session, plan, must_undo, |session| {
                changes.validate()?;
                update_statement::<Self>(session, &key, &changes)?
                    .map_or_else(|| stored::<Self>(session, &key), Ok)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after || !session.in_transaction();
        operation(session, plan, must_undo, |session| {
            let previous = session
                .statement(|conn| query::select_for_update::<Self>(conn, &key))?
                .ok_or_else(|| not_found::<Self>(&key))?;
            self.send_pre_update(&previous, &mut changes, session)?;
            changes.validate()?;
            let Some(entity) = update_statement::<Self>(session, &key, &changes)? else {
                return stored::<Self>(session, &key);
            };
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
        let key = target.as_key();
        let plan = Plan::of::<Self::PreDelete, Self::PostDelete>(session)?;
        if !plan.is_heard {
            return operation(session, plan, false, |session| {
                delete_statement::<Self>(session, &key)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after || !session.in_transaction();
        operation(session, plan, must_undo, |session| {
            let entity = session
                .statement(|conn| query::select_for_update::<Self>(conn, &key))?
                .ok_or_else(|| not_found::<Self>(&key))?;
            self.send_pre_delete(&entity, session)?;
            delete_statement::<Self>(session, &key)?;
            self.send_post_delete(key.clone(), &entity, session)
        })
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
        session.look_up(|conn| query::select::<Self>(conn, &key))
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
        let mut data: Vec<_> = data.into_iter().collect();
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let plan = Plan::of::<Self::PreCreate, Self::PostCreate>(session)?;
        operation(session, plan, true, |session| {
            for row in &mut data {
                self.send_pre_create(row, session)?;
            }
            data.iter_mut().try_for_each(Validate::validate)?;
            let entities = bulk::insert::<Self>(session, &data)?;
            for entity in &entities {
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
        changes: Self::Update,
    ) -> Result<Vec<Self::Entity>>
    where
        Self::Entity: Clone,
        Self::Update: Clone + PartialEq,
    {
        let targets: Vec<_> = targets.into_iter().map(|target| target.as_key()).collect();
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        operation(session, plan, true, |session| {
            let keys = bulk::distinct::<Self>(&targets);
            let previous = if plan.is_heard {
                bulk::select::<Self>(session, &keys, true)?
            } else {
                bulk::Rows::<Self>::new()
            };
            let mut groups = bulk::Groups::<Self>::default();
            if plan.is_heard {
                bulk::require_all::<Self>(&keys, &previous)?;
                for key in &keys {
                    let mut own = changes.clone();
                    self.send_pre_update(&previous[key], &mut own, session)?;
                    groups.add(key, own);
                }
            } else {
                groups.add_all(keys.clone(), changes);
            }
            let rows = groups.update(session)?;
            if plan.is_heard {
                for (key, changes) in groups.changed_in_order_of(&keys) {
                    self.send_post_update(&rows[key], &previous[key], changes, session)?;
                }
            }
            Ok(targets.iter().map(|key| rows[key].clone()).collect())
        })
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
        let targets: Vec<_> = targets.into_iter().map(|target| target.as_key()).collect();
        let plan = Plan::of::<Self::PreDelete, Self::PostDelete>(session)?;
        if targets.is_empty() {
            return Ok(());
        }
        operation(session, plan, true, |session| {
            let keys = bulk::distinct::<Self>(&targets);
            if !plan.is_heard {
                return bulk::delete::<Self>(session, &keys);
            }
            let rows = bulk::select::<Self>(session, &keys, true)?;
            bulk::require_all::<Self>(&keys, &rows)?;
            for key in &keys {
                self.send_pre_delete(&rows[key], session)?;
            }
            bulk::delete::<Self>(session, &keys)?;
            for key in &keys {
                self.send_post_delete(key.clone(), &rows[key], session)?;
            }
            Ok(())
        })
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
        let rows = bulk::select::<Self>(session, &bulk::distinct::<Self>(&keys), false)?;
        Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
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

fn operation<C: SessionConnection, T>(
    session: &mut Session<C>,
    plan: Plan,
    must_undo: bool,
    work: impl FnOnce(&mut Session<C>) -> Result<T>,
) -> Result<T> {
    session.check_writable()?;
    let must_undo = must_undo || session.is_bare_test();
    if !plan.is_heard && !must_undo {
        return work(session);
    }
    let level = session.begin_operation(must_undo)?;
    within(session, |session| session, level, work)
}

/// Whether a write is two statements here, and so needs a transaction.
fn reads_back<C: Dialect>(session: &Session<C>) -> bool {
    C::READING_BACK == ReadingBack::Select && !session.in_transaction()
}

/// `None` if there was nothing to set.
fn update_statement<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    changes: &R::Update,
) -> Result<Option<R::Entity>> {
    let updated = write::<R, _>(session, |conn| {
        match query::update::<R>(conn, key, changes) {
            Err(DieselError::QueryBuilderError(error)) if error.is::<EmptyChangeset>() => Ok(None),
            updated => updated.map(Some),
        }
    })?;
    match updated {
        Some(None) => Err(not_found::<R>(key)),
        Some(entity) => Ok(entity),
        None => Ok(None),
    }
}

fn delete_statement<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<()> {
    match session.write(|conn| query::delete::<R>(conn, key))? {
        0 => Err(not_found::<R>(key)),
        _ => Ok(()),
    }
}

/// The row as it stands.
fn stored<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<R::Entity> {
    session
        .statement(|conn| query::select::<R>(conn, key))?
        .ok_or_else(|| not_found::<R>(key))
}
