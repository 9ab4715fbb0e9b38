//! The life of a row, one readable function an operation.

use diesel::result::{EmptyChangeset, Error as DieselError};

use super::bulk;
use super::dialect::Dialect;
use super::key::AsKey;
use super::model::{Key, Model, Validate};
use super::page::Page;
use super::query;
use super::row::{SessionOf, not_found, suppressed, suppressed_if_nothing_came_back, write};
use super::sql::statement::names;
use crate::error::{Error, Result};
use crate::session::within;
use crate::signal::{Plan, check_sendable};

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
        let must_undo = plan.writes_before || plan.runs_after;
        operation::<Self, _>(session, must_undo, |session| {
            self.send_pre_create(&mut data, session)?;
            data.validate()?;
            if plan.is_heard {
                check_sendable::<Self::PostCreate>(session)?;
            }
            let entity = write::<Self, _>(session, |conn| query::insert::<Self>(conn, &data))
                .map_err(suppressed_if_nothing_came_back::<Self>)?;
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
            return operation::<Self, _>(session, false, |session| {
                changes.validate()?;
                update_statement::<Self>(session, &key, &changes)?
                    .map_or_else(|| stored::<Self>(session, &key), Ok)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after;
        operation::<Self, _>(session, must_undo, |session| {
            let previous = session
                .statement(|conn| query::select_for_update::<Self>(conn, &key))?
                .ok_or_else(|| not_found::<Self>(&key))?;
            self.send_pre_update(&previous, &mut changes, session)?;
            changes.validate()?;
            check_sendable::<Self::PostUpdate>(session)?;
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
            return operation::<Self, _>(session, false, |session| {
                delete_statement::<Self>(session, &key, false)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after;
        operation::<Self, _>(session, must_undo, |session| {
            let entity = session
                .statement(|conn| query::select_for_update::<Self>(conn, &key))?
                .ok_or_else(|| not_found::<Self>(&key))?;
            self.send_pre_delete(&entity, session)?;
            check_sendable::<Self::PostDelete>(session)?;
            let was_there = !plan.writes_before;
            delete_statement::<Self>(session, &key, was_there)?;
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
        Plan::of::<Self::PreCreate, Self::PostCreate>(session)?;
        operation::<Self, _>(session, true, |session| {
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
        operation::<Self, _>(session, true, |session| {
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
        operation::<Self, _>(session, true, |session| {
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
    session.check_writable()?;
    session.before_write()?;
    if R::Connection::HAS_ENGINES {
        must_roll_back::<R>(session)?;
    }
    let open = session.begin_operation(must_undo || !session.in_transaction())?;
    within(session, |session| session, open, work)
}

/// Fails if the repository's table is of an engine that cannot roll back: a veto would leave its row.
/// Asked once a repository and process.
#[inline]
fn must_roll_back<R: Model>(session: &mut SessionOf<R>) -> Result<()> {
    let known = &R::texts().can_roll_back;
    if known.get().is_some() {
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
    let _ = known.set(());
    Ok(())
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
        Some(None) if is_left::<R>(session, key)? => Err(suppressed::<R>(Some(key))),
        Some(None) => Err(not_found::<R>(key)),
        Some(entity) => Ok(entity),
        None => {
            session.wrote_nothing();
            Ok(None)
        }
    }
}

/// `was_there` says that the row was read and locked just before, and nobody could delete it since.
fn delete_statement<R: Model>(
    session: &mut SessionOf<R>,
    key: &Key<R>,
    was_there: bool,
) -> Result<()> {
    match session.write(|conn| query::delete::<R>(conn, key))? {
        0 if is_left::<R>(session, key)? => Err(suppressed::<R>(Some(key))),
        // A trigger or a view has taken it away in its own manner.
        0 if was_there => Ok(()),
        0 => Err(not_found::<R>(key)),
        _ => Ok(()),
    }
}

/// Whether there is a row that a statement says it has not found. If not, it has written nothing.
///
/// Asked with a lock: a plain SELECT sees, on MySQL, what was there when the transaction began.
#[cold]
fn is_left<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<bool> {
    let row = session.statement(|conn| query::select_for_update::<R>(conn, key))?;
    if row.is_none() {
        session.wrote_nothing();
    }
    Ok(row.is_some())
}

/// The row as it stands.
fn stored<R: Model>(session: &mut SessionOf<R>, key: &Key<R>) -> Result<R::Entity> {
    session
        .statement(|conn| query::select::<R>(conn, key))?
        .ok_or_else(|| not_found::<R>(key))
}
