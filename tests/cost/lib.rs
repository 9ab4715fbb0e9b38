//! The work that is counted and measured: lback's, and the same without it.
//!
//! `tests/cost/count` counts instructions; `cargo bench -p lback-cost` and `tests/cost/ratios`
//! measure time.

// Each variant stands here as its users would write it, once for each database.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::duplicate_mod)]
#![allow(missing_docs, unreachable_pub)]

pub mod dispatch;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;

use std::time::{Duration, Instant};

/// Does something so many times, and says how long that took. What it needs is made before.
pub type Run = fn(Place, usize) -> Duration;

/// Something to do, and its name.
pub type Work = (&'static str, Run);

/// Where rows are written, and when they are stored for good.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Of SQLite: in a file, or else in memory.
    pub is_file: bool,
    /// Every operation is a transaction of its own, or else all are in one.
    pub commits_each: bool,
}

impl Place {
    pub const MEMORY: Self = Self {
        is_file: false,
        commits_each: false,
    };
    pub const FILE: Self = Self {
        is_file: true,
        commits_each: false,
    };
    /// On a server, where the rest is the server's affair.
    pub const SERVER: Self = Self::FILE;
    pub const SERVER_EACH: Self = Self::FILE_EACH;
    pub const FILE_EACH: Self = Self {
        is_file: true,
        commits_each: true,
    };
}

/// An operation of a repository, and the names of the works that do the same: lback's first.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    /// How many rows it takes at once.
    pub rows: usize,
    pub works: [&'static str; 3],
}

const fn each(name: &'static str, works: [&'static str; 3]) -> Operation {
    Operation {
        name,
        rows: 1,
        works,
    }
}

pub const OPERATIONS: &[Operation] = &[
    each("find", ["find", "diesel find", "rusqlite find"]),
    each("create", ["create 0", "diesel create", "rusqlite create"]),
    each("update", ["update 0", "diesel update", "rusqlite update"]),
    each("delete", ["delete 0", "diesel delete", "rusqlite delete"]),
    each(
        "create, 6 receivers",
        [
            "create 6",
            "diesel create+savepoint",
            "rusqlite create+savepoint",
        ],
    ),
    each(
        "update, 6 receivers",
        [
            "update 6",
            "diesel read+update+savepoint",
            "rusqlite read+update+savepoint",
        ],
    ),
    each(
        "delete, 6 receivers",
        [
            "delete 6",
            "diesel read+delete+savepoint",
            "rusqlite read+delete+savepoint",
        ],
    ),
    Operation {
        name: "create_many of 1,000 rows",
        rows: AT_MOST,
        works: ["create_many", "diesel create_many", "rusqlite create_many"],
    },
];

impl Operation {
    /// The work of lback (0), Diesel (1) or rusqlite (2), where there is one.
    pub fn find(&self, by: usize, all: &[Work]) -> Option<Run> {
        let (_, run) = all.iter().find(|(name, _)| *name == self.works[by])?;
        Some(*run)
    }
}

/// So often a work is done in one run: what it deletes was stored before.
pub const AT_MOST: usize = 1_000;

/// Does it more often than one run can.
pub fn repeat(run: Run, place: Place, times: u64) -> Duration {
    let at_most = AT_MOST as u64;
    let runs = (0..times)
        .step_by(AT_MOST)
        .map(|done| run(place, (times - done).min(at_most) as usize));
    runs.sum()
}

/// What is done on a server, or why it is left out.
pub type Server = Result<Vec<Work>, String>;

pub fn on_postgres() -> Server {
    #[cfg(feature = "postgres")]
    if is_named("LBACK_TEST_POSTGRES_URL") {
        return Ok(postgres::all().collect());
    }
    Err(reason("postgres", "LBACK_TEST_POSTGRES_URL"))
}

pub fn on_mysql() -> Server {
    #[cfg(feature = "mysql")]
    if is_named("LBACK_TEST_MYSQL_URL") {
        return Ok(mysql::all().collect());
    }
    Err(reason("mysql", "LBACK_TEST_MYSQL_URL"))
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
fn is_named(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

fn reason(feature: &str, variable: &str) -> String {
    format!(
        "left out: it needs the feature `{feature}` of lback-cost, and {variable} \
         (`tests/services up` starts a server)"
    )
}

fn measured(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
