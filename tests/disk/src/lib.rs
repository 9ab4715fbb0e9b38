//! A disk that fails when it is told to, for a real SQLite.

mod fault;
#[allow(unsafe_code)]
mod vfs;

pub use fault::{Fault, Lasting};
pub use vfs::Disk;
