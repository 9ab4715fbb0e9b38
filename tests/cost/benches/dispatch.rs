//! Sending a signal, beside other ways to call the same functions.

// As the crate itself.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod buses;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lback_cost::{Place, dispatch};

fn each_way(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch");
    for (&(size, ways), (_, buses)) in dispatch::SIZES.iter().zip(buses::SIZES) {
        for &(name, run) in ways {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|times| run(Place::MEMORY, times as usize));
            });
        }
        for (name, run) in *buses {
            group.bench_function(BenchmarkId::new(*name, size), |bencher| {
                bencher.iter_custom(|times| run(times as usize));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, each_way);
criterion_main!(benches);
