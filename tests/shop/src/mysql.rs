//! The shop on MySQL.

/// A repository on this connection.
macro_rules! repository {
    ([$($option:tt)*] $repository:item) => {
        #[lback::repository($($option)*, connection = MysqlConnection)]
        $repository
    };
}

#[path = "model/mod.rs"]
mod model;

/// The tables.
#[allow(missing_docs)]
pub mod schema {
    tables! { {} Text Json }
}

pub use crate::TextUuid as CustomerId;
pub use lback::mysql::prelude::{MysqlConnection as Native, Session};
pub use model::*;

/// The statements that create the tables.
pub const MIGRATION: &str = include_str!("mysql.sql");
