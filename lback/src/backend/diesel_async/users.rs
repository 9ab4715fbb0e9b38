//! The built-in users over diesel-async: their repository, its signals, and their types.
//!
//! ```
//! use lback::diesel_async::{prelude::*, users::*};
//!
//! #[receiver(user_pre_create)]
//! async fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//! ```

use super::{BlockingPgConnection, Session};
use crate::error::Result;
use crate::user::user_repository;

user_repository! { BlockingPgConnection, "PostgreSQL over diesel-async" }
