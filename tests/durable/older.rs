//! The older program: it writes and delivers until it is killed, beside the newer one.

// As the test. It prepares and checks nothing.
#![allow(clippy::pedantic, clippy::duplicate_mod, dead_code, unused_imports)]

mod desk;
#[macro_use]
#[path = "older_form.rs"]
mod form;
#[cfg(feature = "mysql")]
mod mysql;
mod play;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    assert!(play::is_played(&arguments), "it is started by the test");
}
