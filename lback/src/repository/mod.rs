//! Repositories: each operation sends its signals around one statement.

mod alike;
mod bulk;
mod key;
mod model;
mod operation;
mod page;
mod role;
mod shape;
mod statement;
mod statements;
mod text;

pub use self::alike::{InsertAlike, alike};
pub use self::key::{AsKey, ByKey, Entity};
pub use self::model::{BackendOf, Model, Validate};
pub use self::operation::Repository;
pub use self::page::Page;
pub use self::role::{
    ChangesOf, Identified, InsertedInto, KeyFor, KeyRef, Makes, Selects, Through,
};
pub use self::shape::Shapes;
pub use self::statement::{
    LastInsertId, UpdateByKey, ascends, key_type, limit_of, read_back, untold_key,
};
pub use self::text::{binds_of, binds_of_changes, gives_key};
