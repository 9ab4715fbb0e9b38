//! What `lback-nats` promises, against a real server: the one that LBACK_TEST_NATS_URL names. `tests/services up nats`
//! in the repository's root starts one.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod broker;
mod promises;
