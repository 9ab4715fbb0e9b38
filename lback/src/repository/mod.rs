//! Repositories: each operation sends its signals around one statement.

mod bulk;
mod fragment;
mod key;
mod model;
mod operation;
mod page;
mod role;
mod rows;
mod shape;
mod statement;
mod text;
mod texts;

pub use self::key::{AsKey, ByKey, Entity};
pub use self::model::{BackendOf, Model, Validate};
pub use self::operation::Repository;
pub use self::page::Page;
pub use self::role::{
    Changes, ChangesOf, Identified, InsertedInto, Inserts, KeyFor, KeyRef, Keyed, Makes, Selects,
    Through,
};
pub use self::texts::Texts;
