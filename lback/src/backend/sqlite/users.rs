//! The built-in users on SQLite: their repository, its signals, and their types.
//!
//! ```
//! use lback::sqlite::{prelude::*, users::*};
//!
//! #[receiver(user_pre_create)]
//! fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//! ```

use diesel::SqliteConnection;

use super::Session;
use crate::error::Result;
use crate::user::user_repository;

user_repository! { SqliteConnection, "SQLite" }
