//! MySQL or MariaDB, on the server that the tests use.

pub(crate) use lback::mysql::migrate;
pub(crate) use lback::mysql::{prelude::*, users::*};

use crate::{Place, Work};

macro_rules! own_users_with_changes {
    () => {
        lback_tests::own_users_with_changes!(MysqlConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(MysqlConnection);
    };
}

#[path = "operation.rs"]
mod operation;
#[path = "rivals.rs"]
mod rivals;
#[path = "server.rs"]
mod server;
#[path = "reading_back.rs"]
mod statement;

use server::{Database, atomically, lock_one};

pub(crate) type Native = MysqlConnection;

pub(crate) use lback_tests::mysql as support;

/// All that is done on MySQL.
pub fn all() -> impl Iterator<Item = Work> {
    operation::ALL.iter().chain(rivals::ALL).copied()
}
