//! Fresh schemas on a PostgreSQL server, over diesel-async.

use lback::diesel_async as driver;
pub use lback::diesel_async::{Set, prelude::*, users::*};
pub use lback::diesel_async::{cascades, connect, migrate, migrate_outbox};

pub use crate::shop::diesel_async as shop;

/// The connection of this backend.
pub type Native = BlockingPgConnection;

/// Whether a test that makes connections by the thousand should make fewer: several threads have part in each.
pub const CONNECTS_SLOWLY: bool = true;

const UNENCRYPTED: &str = "sslmode=disable";

include!("on_postgres.rs");

/// LISTEN is libpq's alone.
pub fn listening(
    worker: lback::outbox::WorkerBuilder<Native>,
    _database: &Database,
) -> lback::Result<lback::outbox::WorkerBuilder<Native>> {
    Ok(worker)
}
