//! The operations of a repository on SQLite, beside raw Diesel and rusqlite.

// As the crate itself.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod by_operation;

use by_operation::measure;
use criterion::{Criterion, criterion_group, criterion_main};
use lback_cost::{Place, sqlite};

fn on_sqlite(criterion: &mut Criterion) {
    let all: Vec<_> = sqlite::all().collect();
    measure(criterion, "memory", Place::MEMORY, &all);
    measure(criterion, "file", Place::FILE, &all);
    measure(criterion, "file, a commit each", Place::FILE_EACH, &all);
}

criterion_group!(benches, on_sqlite);
criterion_main!(benches);
