//! Repositories: each operation sends its signals around one statement.

mod key;
mod model;
mod operation;
mod statement;

pub use self::key::{AsKey, Entity, KeyRef};
pub use self::model::{Model, Validate};
pub use self::operation::Repository;
pub use self::statement::{LastInsertId, UpdateByKey};
