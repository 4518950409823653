//! The pipeline on a 12-megapixel image, without the network, against copying the same bytes.
//!
//! Run with `cargo bench -p autochrome-pixels --bench pipeline`; docs/research/performance.md says how to read it.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

#[path = "shared/fake.rs"]
mod fake;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use fake::{CASES, Job};

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline 12 MP");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(WIDTH) * u64::from(HEIGHT)));
    for case in &CASES {
        let mut job = Job::new(case, (WIDTH, HEIGHT));
        let (source, mut target) = (vec![1_u8; job.bytes()], vec![0_u8; job.bytes()]);
        group.bench_function(format!("{}, floor: copy", case.name), |bencher| {
            bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
        });
        for threads in [1, 2] {
            group.bench_function(format!("{}, {threads} threads", case.name), |bencher| {
                bencher.iter(|| job.run(threads));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
