//! Every operation, by lback and by its rivals, at one place.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use lback_cost::{OPERATIONS, Place, Work, repeat};

const NAMES: [&str; 3] = ["lback", "Diesel", "rusqlite"];

pub(crate) fn measure(criterion: &mut Criterion, database: &str, place: Place, all: &[Work]) {
    for operation in OPERATIONS {
        let mut group = criterion.benchmark_group(format!("{database}/{}", operation.name));
        group
            .sampling_mode(SamplingMode::Flat)
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2))
            .throughput(Throughput::Elements(operation.rows as u64));
        for (by, name) in NAMES.into_iter().enumerate() {
            let Some(run) = operation.find(by, all) else {
                continue;
            };
            group.bench_function(name, |bencher| {
                let rows = operation.rows as u64;
                bencher.iter_custom(|times| repeat(run, place, times * rows));
            });
        }
        group.finish();
    }
}
