//! The shop on PostgreSQL.

/// A repository on this connection.
macro_rules! repository {
    ([$($option:tt)*] $repository:item) => {
        #[lback::repository($($option)*, connection = PgConnection)]
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

pub use lback::postgres::prelude::{PgConnection as Native, Session};
pub use model::*;
pub use uuid::Uuid as CustomerId;

/// The statements that create the tables.
pub const MIGRATION: &str = include_str!("postgres.sql");
