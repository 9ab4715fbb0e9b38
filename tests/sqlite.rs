//! All promises, on SQLite.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::wrong_self_convention)]

mod database {
    pub(crate) use lback_tests::sqlite::*;
}

macro_rules! own_parcels {
    () => {
        lback_tests::own_parcels!(SqliteConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(SqliteConnection);
    };
}

macro_rules! own_repository {
    ($($named:tt)*) => {
        lback_tests::own_repository!(SqliteConnection, $($named)*);
    };
}

#[path = "promises/mod.rs"]
mod promises;

#[path = "sqlite_only/mod.rs"]
mod sqlite_only;
