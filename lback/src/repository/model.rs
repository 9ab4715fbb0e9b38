use diesel::query_builder::QueryFragment;

use super::bound::{Changes, Inserts, Makes};
use super::dialect::Dialect;
use super::key::Entity;
use super::keyed::Keyed;
use super::sql::names::Texts;
use crate::error::{Invalid, Result};
use crate::session::Session;
use crate::signal::SessionSignal;

/// Checks, and tidies, what is about to be stored.
///
/// It belongs to the insert and update types of a repository, and is called after the pre
/// receivers, so that what they changed is checked too.
///
/// ```
/// use lback::{Invalid, Validate};
///
/// struct NewPost {
///     title: String,
/// }
///
/// impl Validate for NewPost {
///     fn validate(&mut self) -> Result<(), Invalid> {
///         self.title = self.title.trim().to_owned();
///         if self.title.is_empty() {
///             return Err(Invalid::new("title", "a post needs a title"));
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no validation",
    label = "`Validate` is not implemented",
    note = "`impl lback::Validate for {Self} {{}}` accepts everything"
)]
pub trait Validate {
    /// Accepts, after tidying if need be, or refuses.
    fn validate(&mut self) -> std::result::Result<(), Invalid> {
        Ok(())
    }
}

/// The types and signals that a repository's operations work with.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a repository",
    label = "`#[repository(..)]` is missing"
)]
pub trait Model: Sized + 'static {
    /// The name of the module that `diesel::table!` makes of the table.
    const TABLE: &'static str;

    /// The column that counts the updates of a row.
    const VERSION: Option<&'static str> = None;

    /// Whether a row is read again behind the statement that wrote it.
    const REREADS: bool = false;

    type Connection: Dialect;
    type Table: Keyed<Self::Connection, Key<Self>, Form<Self>>;
    type Entity: Entity;
    /// The SQL types of the columns of `Entity`.
    type Columns: Makes<Self::Entity, Self::Table, Self::Connection>;
    type Insert: Validate;
    /// How `Insert` is inserted.
    type Inserted: Inserts<Self::Insert, Self::Connection>;

    type PreCreate: SessionSignal<Connection = Self::Connection>;
    type PostCreate: SessionSignal<Connection = Self::Connection>;
    type PreDelete: SessionSignal<Connection = Self::Connection>;
    type PostDelete: SessionSignal<Connection = Self::Connection>;

    fn send_pre_create(
        &self,
        data: &mut Self::Insert,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
    fn send_post_create(
        &self,
        entity: &Self::Entity,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
    fn send_pre_delete(
        &self,
        entity: &Self::Entity,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
    fn send_post_delete(
        &self,
        key: <Self::Entity as Entity>::Key,
        entity: &Self::Entity,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;

    /// Whether writes of so many rows are noted, because somebody is told of their net change.
    #[inline]
    fn hears_changes(session: &mut Session<Self::Connection>, rows: usize) -> Result<bool> {
        let _ = (session, rows);
        Ok(false)
    }

    /// Notes that a row was written.
    fn note_change(
        found: Option<&Self::Entity>,
        left: Option<&Self::Entity>,
        session: &mut Session<Self::Connection>,
    ) -> Result<()> {
        let _ = (found, left, session);
        Ok(())
    }

    /// What `Insert` puts between the brackets behind VALUES: Diesel's type for it has no name.
    fn row_values(data: &Self::Insert) -> impl QueryFragment<BackendOf<Self>>;

    fn texts() -> &'static Texts;

    /// How often the row had been updated when it was read, if that is counted.
    fn version_of(entity: &Self::Entity) -> Option<i64> {
        let _ = entity;
        None
    }

    /// The key that the caller has chosen, if the database does not make it.
    fn given_key(data: &Self::Insert) -> Option<Key<Self>> {
        let _ = data;
        None
    }
}

/// A repository whose rows change: one with `update = ..`. Code for any of them says
/// `R: Repository<Entity = Post> + Updates<Update = PostChanges>`.
#[diagnostic::on_unimplemented(
    message = "rows of `{Self}` are never updated",
    label = "its `#[repository(..)]` has no `update`",
    note = "name the type of the changes: `update = PostChanges`"
)]
pub trait Updates: Model {
    /// What may change.
    type Update: Validate;
    /// How rows are changed by `Update`.
    // Not public API. Used by generated code, as what follows.
    #[doc(hidden)]
    type Changed: Changes<Self::Update, Self::Connection>;

    #[doc(hidden)]
    type PreUpdate: SessionSignal<Connection = Self::Connection>;
    #[doc(hidden)]
    type PostUpdate: SessionSignal<Connection = Self::Connection>;

    #[doc(hidden)]
    fn send_pre_update(
        &self,
        entity: &Self::Entity,
        update: &mut Self::Update,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
    #[doc(hidden)]
    fn send_post_update(
        &self,
        entity: &Self::Entity,
        previous: &Self::Entity,
        update: &Self::Update,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub type BackendOf<R> = <<R as Model>::Connection as diesel::Connection>::Backend;

/// The connection of a repository.
pub(super) type Conn<R> = <R as Model>::Connection;

pub(super) type Key<R> = <<R as Model>::Entity as Entity>::Key;

pub(super) type Form<R> = <<R as Model>::Entity as Entity>::Form;

pub(super) type SessionOf<R> = Session<<R as Model>::Connection>;
