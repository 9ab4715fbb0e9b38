//! The built-in users on MySQL and MariaDB: their repository, its signals, and their types.
//!
//! ```
//! use lback::mysql::{prelude::*, users::*};
//!
//! #[receiver(user_pre_create)]
//! fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//! ```

use diesel::MysqlConnection;

use super::Session;
use crate::error::Result;
use crate::user::user_repository;

user_repository! { MysqlConnection, "MySQL and MariaDB" }
