//! PostgreSQL, on the server that the tests use.

pub(crate) use lback::postgres::migrate;
pub(crate) use lback::postgres::{prelude::*, users::*};

use crate::{Place, Work};

macro_rules! own_users_with_changes {
    () => {
        lback_tests::own_users_with_changes!(PgConnection);
    };
}

macro_rules! own_users {
    () => {
        lback_tests::own_users!(PgConnection);
    };
}

#[path = "operation.rs"]
mod operation;
#[path = "rivals.rs"]
mod rivals;
#[path = "server.rs"]
mod server;
#[path = "returning.rs"]
mod statement;

use server::{Database, atomically, lock_one};

pub(crate) type Native = PgConnection;

pub(crate) use lback_tests::postgres as support;

/// All that is done on PostgreSQL.
pub fn all() -> impl Iterator<Item = Work> {
    operation::ALL.iter().chain(rivals::ALL).copied()
}
