//! Fresh schemas on a PostgreSQL server, over libpq.

use lback::postgres as driver;
pub use lback::postgres::{Set, prelude::*, users::*};
pub use lback::postgres::{cascades, connect, migrate, migrate_outbox};

pub use crate::shop::postgres as shop;

/// The connection of this backend.
pub type Native = PgConnection;

/// Whether a test that makes connections by the thousand should make fewer.
pub const CONNECTS_SLOWLY: bool = false;

const UNENCRYPTED: &str = "sslmode=disable&gssencmode=disable";

include!("on_postgres.rs");

/// A worker that hears of the commits of other processes.
pub fn listening(
    worker: lback::outbox::WorkerBuilder<Native>,
    database: &Database,
) -> lback::Result<lback::outbox::WorkerBuilder<Native>> {
    worker.listen(&database.url())
}
