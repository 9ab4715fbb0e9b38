//! PostgreSQL, over libpq.
//!
//! ```no_run
//! use lback::postgres::prelude::*;
//!
//! let mut session = lback::postgres::connect("postgres://localhost/app")?;
//! lback::postgres::migrate(&mut session)?;
//! # lback::Result::Ok(())
//! ```

#[cfg(feature = "postgres")]
pub mod any;
mod cascade;
#[cfg(feature = "postgres")]
mod connection;
mod dialect;
#[cfg(feature = "postgres")]
mod libpq;
#[cfg(feature = "users")]
mod migration;
mod outbox;
mod server;
#[cfg(all(feature = "postgres", feature = "users"))]
pub mod users;

pub use self::cascade::cascades;
#[cfg(all(feature = "postgres", feature = "r2d2"))]
pub use self::libpq::Database;
#[cfg(feature = "postgres")]
pub use self::libpq::{Session, connect, prelude};
pub use self::outbox::{OUTBOX_MIGRATION, migrate_outbox};
pub(crate) use self::server::{
    Postgres, begin_sql, is_aborted, is_stale_plan, is_stale_type, speak_english,
};

/// What a column is set to on PostgreSQL: a value, or something that the database works out. See
/// [`lback::Set`](crate::Set).
pub type Set<T> = crate::Set<T, diesel::pg::Pg>;

#[cfg(feature = "users")]
pub use self::migration::{MIGRATION, migrate};
