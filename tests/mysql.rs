//! All promises, on the server that `tests/services` started, or that the environment names.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::wrong_self_convention)]

mod database {
    pub(crate) use lback_tests::mysql::*;
}

macro_rules! own_parcels {
    () => {
        lback_tests::own_parcels!(MysqlConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(MysqlConnection);
    };
}

macro_rules! own_repository {
    ($($named:tt)*) => {
        lback_tests::own_repository!(MysqlConnection, $($named)*);
    };
}

macro_rules! trial_repositories {
    () => {
        lback_tests::trial_repositories!(MysqlConnection);
    };
}

#[path = "promises/mod.rs"]
mod promises;

#[path = "server_only/mod.rs"]
mod server_only;

#[path = "mysql_only/mod.rs"]
mod mysql_only;
