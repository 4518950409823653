//! Color conversion, pixel by pixel, against copying the same floats.
//!
//! Run with `cargo bench -p autochrome-pixels --bench color`; docs/research/performance.md says how to read it.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use autochrome_pixels::color::{ciede2000, gamut, lab_to_srgb, srgb_to_lab, srgb8_to_lab};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// 2^18 colors spread over the cube.
fn colors() -> Vec<[u8; 3]> {
    let axis = || (0_u8..=252).step_by(4);
    axis().flat_map(|r| axis().flat_map(move |g| axis().map(move |b| [r, g, b]))).collect()
}

fn conversions(criterion: &mut Criterion) {
    let codes = colors();
    let units: Vec<[f32; 3]> = codes.iter().map(|rgb| rgb.map(|code| f32::from(code) / 255.0)).collect();
    let labs: Vec<[f32; 3]> = codes.iter().map(|rgb| srgb8_to_lab(*rgb)).collect();
    let wild: Vec<[f32; 3]> = labs.iter().map(|[l, a, b]| [*l, 1.5 * a, 1.5 * b]).collect();
    let mut target = vec![[0.0_f32; 3]; codes.len()];
    let mut group = criterion.benchmark_group("color, 2^18 pixels");
    group.sample_size(20).throughput(Throughput::Elements(codes.len() as u64));
    group.bench_function("floor: copy", |bencher| {
        bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&units)));
    });
    let mut bench = |name: &str, source: &[[f32; 3]], convert: fn([f32; 3]) -> [f32; 3]| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for (target, source) in black_box(&mut target).iter_mut().zip(black_box(source)) {
                    *target = convert(*source);
                }
            });
        });
    };
    bench("srgb_to_lab", &units, srgb_to_lab);
    bench("lab_to_srgb", &labs, lab_to_srgb);
    bench("fit_chroma inside", &labs, gamut::fit_chroma);
    bench("fit_chroma 1.5 x chroma", &wild, gamut::fit_chroma);
    group.bench_function("srgb8_to_lab", |bencher| {
        bencher.iter(|| {
            for (target, source) in black_box(&mut target).iter_mut().zip(black_box(&codes)) {
                *target = srgb8_to_lab(*source);
            }
        });
    });
    group.bench_function("ciede2000", |bencher| {
        bencher.iter(|| labs.iter().zip(&wild).map(|(left, right)| ciede2000(*left, *right)).sum::<f32>());
    });
    group.finish();
}

criterion_group!(benches, conversions);
criterion_main!(benches);
