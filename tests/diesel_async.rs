//! All promises over diesel-async, on the server that `tests/services` started, or that the environment names.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::wrong_self_convention)]

mod database {
    pub(crate) use lback_tests::diesel_async::*;
}

macro_rules! own_parcels {
    () => {
        lback_tests::own_parcels!(BlockingPgConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(BlockingPgConnection);
    };
}

macro_rules! own_repository {
    ($($named:tt)*) => {
        lback_tests::own_repository!(BlockingPgConnection, $($named)*);
    };
}

macro_rules! trial_repositories {
    () => {
        lback_tests::trial_repositories!(BlockingPgConnection);
    };
}

macro_rules! over_libpq {
    ($($item:item)*) => {};
}

#[path = "promises/mod.rs"]
mod promises;

#[path = "server_only/mod.rs"]
mod server_only;

#[path = "postgres_only/mod.rs"]
mod postgres_only;

#[path = "diesel_async_only/mod.rs"]
mod diesel_async_only;
