//! The operations of a repository on PostgreSQL and MySQL, beside raw Diesel.

// As the crate itself.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod by_operation;

use by_operation::measure;
use criterion::{Criterion, criterion_group, criterion_main};
use lback_cost::{Place, on_mysql, on_postgres};

fn on_servers(criterion: &mut Criterion) {
    for (name, server) in [("PostgreSQL", on_postgres()), ("MySQL", on_mysql())] {
        match server {
            Ok(all) => measure(criterion, name, Place::SERVER, &all),
            Err(reason) => println!("{name}: {reason}"),
        }
    }
}

criterion_group!(benches, on_servers);
criterion_main!(benches);
