//! The databases, one module each.

#[cfg(feature = "sqlite")]
pub mod sqlite;
