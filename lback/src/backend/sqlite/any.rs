//! Signals of every entity on SQLite: a receiver of `any_post_create` hears each repository's
//! `.._post_create`, behind the receivers of that signal itself. It sees the row as an
//! [`AnyRow`](crate::AnyRow), whose [`signal`](crate::AnyRow::signal) is the repository's own.
//!
//! They are in the prelude.
//!
//! ```standalone_crate
//! use lback::sqlite::{prelude::*, users::*};
//!
//! /// One receiver for all repositories.
//! #[receiver(any_post_create, any_post_update, any_post_delete)]
//! fn audit(row: &AnyRow, conn: &mut SqliteConnection) -> QueryResult<usize> {
//!     diesel::sql_query("INSERT INTO audit_log (what, entity, entity_key) VALUES (?, ?, ?)")
//!         .bind::<diesel::sql_types::Text, _>(row.signal().name())
//!         .bind::<diesel::sql_types::Text, _>(row.entity())
//!         .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(row.key())
//!         .execute(conn)
//! }
//!
//! # let mut session = lback::sqlite::connect(":memory:")?;
//! # lback::sqlite::migrate(&mut session)?;
//! # diesel::sql_query("CREATE TABLE audit_log (what TEXT, entity TEXT, entity_key TEXT)").execute(session.conn())?;
//! let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
//! UserRepository::new().create(&mut session, new)?;
//! # lback::Result::Ok(())
//! ```

use diesel::SqliteConnection;

use crate::signal::any_signals;

any_signals! { SqliteConnection }
