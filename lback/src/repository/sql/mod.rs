//! The texts of statements: what is written, what is remembered of it, and what it tells.

pub(super) mod names;
pub(super) mod prepared;
pub(super) mod statement;
pub(super) mod text;
pub(super) mod values;
