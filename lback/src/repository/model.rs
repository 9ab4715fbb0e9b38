use diesel::QueryResult;

use super::{Entity, Page};
use crate::error::{Invalid, Result};
use crate::session::{Session, SessionConnection};
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

/// The types, signals and statements that a repository's operations work with.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a repository",
    label = "`#[repository(..)]` is missing"
)]
pub trait Model: Sized {
    /// The name of the module that `diesel::table!` makes of the table.
    const TABLE: &'static str;

    type Connection: SessionConnection;
    type Entity: Entity;
    type Insert: Validate;
    type Update: Validate;

    type PreCreate: SessionSignal<Connection = Self::Connection>;
    type PostCreate: SessionSignal<Connection = Self::Connection>;
    type PreUpdate: SessionSignal<Connection = Self::Connection>;
    type PostUpdate: SessionSignal<Connection = Self::Connection>;
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
    fn send_pre_update(
        &self,
        entity: &Self::Entity,
        update: &mut Self::Update,
        session: &mut Session<Self::Connection>,
    ) -> Result<()>;
    fn send_post_update(
        &self,
        entity: &Self::Entity,
        previous: &Self::Entity,
        update: &Self::Update,
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

    fn select(conn: &mut Self::Connection, key: &Key<Self>) -> QueryResult<Option<Self::Entity>>;
    fn select_many(
        conn: &mut Self::Connection,
        keys: &[Key<Self>],
    ) -> QueryResult<Vec<Self::Entity>>;
    fn select_for_update(
        conn: &mut Self::Connection,
        key: &Key<Self>,
    ) -> QueryResult<Option<Self::Entity>>;
    fn select_many_for_update(
        conn: &mut Self::Connection,
        keys: &[Key<Self>],
    ) -> QueryResult<Vec<Self::Entity>>;
    fn list(conn: &mut Self::Connection, page: Page) -> QueryResult<Vec<Self::Entity>>;
    fn exists(conn: &mut Self::Connection, key: &Key<Self>) -> QueryResult<bool>;
    fn count(conn: &mut Self::Connection) -> QueryResult<i64>;

    fn insert(conn: &mut Self::Connection, data: &Self::Insert) -> QueryResult<Self::Entity>;
    /// One statement, or one for each run of rows that leave the same columns to the database; the
    /// rows in any order.
    fn insert_many(
        conn: &mut Self::Connection,
        data: &[Self::Insert],
    ) -> QueryResult<Vec<Self::Entity>>;
    /// `Err(EmptyChangeset)` if there is nothing to set; `None` if there is no such row.
    fn update(
        conn: &mut Self::Connection,
        key: &Key<Self>,
        update: &Self::Update,
    ) -> QueryResult<Option<Self::Entity>>;
    /// One statement; the rows in any order.
    fn update_many(
        conn: &mut Self::Connection,
        keys: &[Key<Self>],
        update: &Self::Update,
    ) -> QueryResult<Vec<Self::Entity>>;
    fn delete(conn: &mut Self::Connection, key: &Key<Self>) -> QueryResult<usize>;
    fn delete_many(conn: &mut Self::Connection, keys: &[Key<Self>]) -> QueryResult<usize>;

    /// How many values the insert of a row binds.
    fn binds_of_insert(data: &Self::Insert) -> QueryResult<usize>;
    /// How many values an update binds beside keys; `Err(EmptyChangeset)` if there is nothing to
    /// set.
    fn binds_of_update(update: &Self::Update) -> QueryResult<usize>;
    /// Whether the database makes the keys of all these rows, and they then tell which row is which.
    fn makes_ascending_keys(data: &[Self::Insert]) -> QueryResult<bool>;
    /// The key that the caller has chosen, if the database does not make it.
    fn given_key(data: &Self::Insert) -> Option<Key<Self>> {
        let _ = data;
        None
    }
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub type BackendOf<R> = <<R as Model>::Connection as diesel::Connection>::Backend;

pub(super) type Key<R> = <<R as Model>::Entity as Entity>::Key;
