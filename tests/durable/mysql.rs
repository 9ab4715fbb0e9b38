//! The program on MySQL or MariaDB.

mod database {
    pub(crate) use lback_tests::mysql::*;
}

macro_rules! own_repository {
    ($($named:tt)*) => {
        lback_tests::own_repository!(MysqlConnection, $($named)*);
    };
}

#[path = "check.rs"]
mod check;
#[path = "program.rs"]
mod program;

pub(crate) use check::check;
pub(crate) use database::{Database, NAME};
pub(crate) use program::{prepare, run};
