//! What is stored for durable receivers outlives its processes, however they end: writers and workers
//! are killed, and stopped until their leases are over and another has their rows, while receivers
//! fail by chance and transactions are refused and rolled back. Two versions of the program are at work side by
//! side, which store the same arguments in different forms. Nothing is lost, nothing is delivered for a row that
//! is not there, what an exactly-once receiver writes is written once, a delivery keeps its id, and the rows of a
//! key come in their order.
//!
//! This binary plays all parts as the newer program, and `older.rs` as the older one, whose forms the newer one
//! upcasts, and who is given no row of the newer one. `LBACK_KILLS` says how many kills each database takes; 20
//! seconds' worth in CI, and 10 elsewhere, unless told. `LBACK_ONLY=SQLite` takes one database alone.

// A test says what it means first, and each database has the program in its own types.
#![allow(clippy::pedantic, clippy::duplicate_mod)]

mod desk;
#[macro_use]
#[path = "newer_form.rs"]
mod form;
#[cfg(feature = "mysql")]
mod mysql;
mod play;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
mod victims;

use std::path::Path;
use std::time::{Duration, Instant};

use self::victims::Victims;

/// How long a database has for its kills, unless told how many.
fn patience() -> Duration {
    Duration::from_secs(if lback_tests::is_in_ci() { 20 } else { 10 })
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if play::is_played(&arguments) {
        return;
    }
    match arguments.first().map(String::as_str) {
        Some("--list") => println!("durable: test"),
        _ => all(),
    }
}

macro_rules! torment {
    ($name:ident) => {
        let only = std::env::var("LBACK_ONLY");
        let is_wanted = only.map_or(true, |only| only.eq_ignore_ascii_case($name::NAME));
        if let (true, Some(database)) = (is_wanted, $name::Database::empty()) {
            let folder =
                tempfile::tempdir().expect("the folder for temporary files can be written");
            $name::prepare(&database, folder.path());
            let begun = Instant::now();
            let victims = torment(stringify!($name), &database.url(), folder.path());
            let took = begun.elapsed();
            let what = $name::check(&database, folder.path());
            println!("{}: {victims} in {} s; {what}", $name::NAME, took.as_secs());
        }
    };
}

fn all() {
    torment!(sqlite);
    #[cfg(feature = "postgres")]
    torment!(postgres);
    #[cfg(feature = "mysql")]
    torment!(mysql);
}

/// Says how many were killed and stopped.
fn torment(database: &str, url: &str, folder: &Path) -> String {
    let kills = std::env::var("LBACK_KILLS").ok();
    let kills: Option<u32> = kills.map(|kills| kills.parse().expect("a number"));
    let begun = Instant::now();
    let mut victims = Victims::new(database, url, folder);
    while kills.map_or(begun.elapsed() < patience(), |kills| victims.killed < kills) {
        victims.disturb();
    }
    victims.end()
}
