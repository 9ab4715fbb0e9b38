//! All promises that are about a disk that fails.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used)]

#[path = "promises/mod.rs"]
mod promises;
