//! The built-in users on PostgreSQL: their repository, its signals, and their types.
//!
//! ```
//! use lback::postgres::{prelude::*, users::*};
//!
//! #[receiver(user_pre_create)]
//! fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//! ```

use diesel::PgConnection;

use super::Session;
use crate::error::Result;
use crate::user::user_repository;

user_repository! { PgConnection, "PostgreSQL" }
