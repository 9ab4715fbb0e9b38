//! Repositories: each operation sends its signals around one statement.

mod bound;
mod bulk;
mod cascade;
mod chunk;
mod dialect;
mod key;
mod keyed;
mod matching;
mod measure;
mod model;
mod operation;
mod page;
mod query;
mod removal;
mod row;
mod rows;
mod set;
mod sql;
mod suspects;
mod upsert;

pub use self::bound::{
    Changes, ChangesOf, Identified, InsertedInto, Inserts, KeyType, Makes, Selects, Through,
};
pub use self::cascade::{Cascade, CascadeAction};
pub(crate) use self::cascade::{KeyColumn, cascades};
pub(crate) use self::dialect::{
    Dialect, Duplicates, LeftOut, Lock, Narrow, ReturnsInserted, Suspects,
};
pub use self::key::{AsKey, ByKey, Entity, add_shared_entity_to_the_second_repository};
pub use self::keyed::{KeyFor, KeyRef, Keyed, One};
pub use self::matching::Filter;
pub use self::model::{BackendOf, Model, Updates, Validate};
pub use self::operation::Repository;
pub use self::page::Page;
pub use self::set::{KnowsDefault, Set};
pub use self::sql::names::Texts;
pub(crate) use self::sql::text::Syntax;
pub use self::upsert::{Names, Upserted};
