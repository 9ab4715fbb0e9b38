//! The life of a row, one readable function an operation.

use diesel::result::{EmptyChangeset, Error as DieselError};

use super::{AsKey, Entity, Model, Validate};
use crate::error::{Error, Result};
use crate::session::{Session, SessionConnection, within};
use crate::signal::Plan;

type Key<R> = <<R as Model>::Entity as Entity>::Key;
type SessionOf<R> = Session<<R as Model>::Connection>;

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
    /// use lback::sqlite::prelude::*;
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
            let entity = session.write(|conn| Self::insert(conn, &data))?;
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
    fn update(
        &self,
        session: &mut SessionOf<Self>,
        target: impl AsKey<Self::Entity>,
        changes: Self::Update,
    ) -> Result<Self::Entity> {
        let (key, mut changes) = (target.as_key(), changes);
        let plan = Plan::of::<Self::PreUpdate, Self::PostUpdate>(session)?;
        if !plan.is_heard {
            let must_undo = reads_back(session);
            return operation(session, plan, must_undo, |session| {
                changes.validate()?;
                update_statement(self, session, &key, &changes)?
                    .map_or_else(|| stored(self, session, &key), Ok)
            });
        }
        let must_undo = plan.writes_before || plan.runs_after || !session.in_transaction();
        operation(session, plan, must_undo, |session| {
            let previous = session
                .statement(|conn| Self::select_for_update(conn, &key))?
                .ok_or_else(|| not_found(self, &key))?;
            self.send_pre_update(&previous, &mut changes, session)?;
            changes.validate()?;
            let Some(entity) = update_statement(self, session, &key, &changes)? else {
                return stored(self, session, &key);
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
    fn delete(
        &self,
        session: &mut SessionOf<Self>,
        target: impl AsKey<Self::Entity>,
    ) -> Result<()> {
        let key = target.as_key();
        let plan = Plan::of::<Self::PreDelete, Self::PostDelete>(session)?;
        if !plan.is_heard {
            session.check_writable()?;
            return delete_statement(self, session, &key);
        }
        let must_undo = plan.writes_before || plan.runs_after || !session.in_transaction();
        operation(session, plan, must_undo, |session| {
            let entity = session
                .statement(|conn| Self::select_for_update(conn, &key))?
                .ok_or_else(|| not_found(self, &key))?;
            self.send_pre_delete(&entity, session)?;
            delete_statement(self, session, &key)?;
            self.send_post_delete(key.clone(), &entity, session)
        })
    }

    /// The row with this key.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    fn find(
        &self,
        session: &mut SessionOf<Self>,
        key: impl AsKey<Self::Entity>,
    ) -> Result<Option<Self::Entity>> {
        let key = key.as_key();
        session.look_up(|conn| Self::select(conn, &key))
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
    if !plan.is_heard && !must_undo {
        return work(session);
    }
    let level = session.begin_operation(must_undo)?;
    within(session, |session| session, level, work)
}

/// Whether a write is two statements here, and so needs a transaction.
fn reads_back<C: SessionConnection>(session: &Session<C>) -> bool {
    C::READS_BACK && !session.in_transaction()
}

/// `None` if there was nothing to set.
fn update_statement<R: Model>(
    repository: &R,
    session: &mut SessionOf<R>,
    key: &Key<R>,
    changes: &R::Update,
) -> Result<Option<R::Entity>> {
    let updated = session.write(|conn| match R::update(conn, key, changes) {
        Err(DieselError::QueryBuilderError(error)) if error.is::<EmptyChangeset>() => Ok(None),
        updated => updated.map(Some),
    })?;
    match updated {
        Some(None) => Err(not_found(repository, key)),
        Some(entity) => Ok(entity),
        None => Ok(None),
    }
}

fn delete_statement<R: Model>(
    repository: &R,
    session: &mut SessionOf<R>,
    key: &Key<R>,
) -> Result<()> {
    match session.statement(|conn| R::delete(conn, key))? {
        0 => Err(not_found(repository, key)),
        _ => Ok(()),
    }
}

/// The row as it stands.
fn stored<R: Model>(repository: &R, session: &mut SessionOf<R>, key: &Key<R>) -> Result<R::Entity> {
    session
        .statement(|conn| R::select(conn, key))?
        .ok_or_else(|| not_found(repository, key))
}

#[cold]
fn not_found<R: Model>(_: &R, key: &Key<R>) -> Error {
    Error::NotFound {
        entity: R::Entity::NAME,
        key: format!("{key:?}"),
    }
}
