//! The shop on PostgreSQL, over diesel-async.

/// A repository on this connection.
macro_rules! repository {
    ([$($option:tt)*] $repository:item) => {
        #[lback::repository($($option)*, connection = lback::diesel_async::BlockingPgConnection)]
        $repository
    };
}

#[path = "model/mod.rs"]
mod model;

/// The tables.
#[allow(missing_docs)]
pub mod schema {
    tables! { { shop. } Uuid Jsonb }
}

pub use lback::diesel_async::prelude::{BlockingPgConnection as Native, Session};
pub use model::*;
pub use uuid::Uuid as CustomerId;

/// The statements that create the tables.
pub const MIGRATION: &str = include_str!("postgres.sql");
