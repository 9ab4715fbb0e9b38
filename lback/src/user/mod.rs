//! The built-in users: the table, its types, and the rules for what goes into it.
//!
//! One set of types serves all databases. The columns are those of lback-framework 1.0.3, so an
//! existing table can be opened, and the Python framework can read what is written here.
//!
//! | type | is |
//! |---|---|
//! | [`User`] | a row as stored |
//! | [`NewUser`] | a row to be inserted; checked and trimmed by [`Validate`](crate::repository::Validate) |
//! | [`UserChanges`] | what an update changes; every field is optional |
//! | [`UserId`] | the key |
//! | [`Password`] | a hash, never readable; [`Hasher`] says how it is made |
//!
//! None of the input types implements `Deserialize`: what a client may set is for the application
//! to say, with a type of its own.

pub(crate) mod look_up;
mod model;
mod new_user;
mod password;
mod payload;
mod repository;
pub mod schema;
mod serialize;
mod user_id;
mod validate;

#[cfg(all(test, feature = "sqlite"))]
mod tests;

pub use self::model::{User, UserChanges};
pub use self::new_user::NewUser;
pub use self::password::{
    CostLimit, HashedPassword, Hasher, Password, PasswordError, PasswordHash, PlainPassword,
    Verification,
};
pub(crate) use self::repository::user_repository;
pub use self::user_id::UserId;
