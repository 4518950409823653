//! The pipeline on a picture of 12 megapixels, without the network, against copying the same bytes.
//!
//! Run with `cargo bench -p autochrome-models --bench pipeline`; docs/performance.md says how to read it.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::ops::ControlFlow;

use autochrome_models::pipeline::{
    Ab, AbPredictor, ImageView, ImageViewMut, Params, PixelFormat, PredictError, colorize,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
const PIXELS: usize = 12_000_000;

/// Gives smooth chroma at a quarter of the working size; `reach` is the largest value.
struct Fake {
    reach: f32,
}

impl AbPredictor for Fake {
    fn predict_ab(
        &self,
        _l: &[f32],
        width: usize,
        height: usize,
        _temperature: Option<f32>,
        _threads: usize,
    ) -> Result<Ab, PredictError> {
        let (width, height) = (width / 4, height / 4);
        let plane = |phase: f32| -> Vec<f32> {
            (0..width * height).map(|at| self.reach * (at as f32 * 0.01 + phase).sin()).collect()
        };
        Ok(Ab { width, height, a: plane(0.0), b: plane(1.0) })
    }
}

/// A gradient with texture, so that every code occurs and neighbours differ.
fn picture(bytes_per_pixel: usize) -> Vec<u8> {
    (0..PIXELS)
        .flat_map(|at| {
            let (x, y) = (at % 4000, at / 4000);
            let code = u8::try_from((x / 20 + (x * 7 + y * 13) % 40 + y / 300) % 256).unwrap_or(u8::MAX);
            std::iter::repeat_n(code, bytes_per_pixel)
        })
        .collect()
}

fn floors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    group.sample_size(20);
    for (name, bytes) in [("copy 48 MB", 4 * PIXELS), ("copy 72 MB", 6 * PIXELS)] {
        let source = vec![1_u8; bytes];
        let mut target = vec![0_u8; bytes];
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
        });
    }
    group.finish();
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline 12 MP");
    group.sample_size(10).throughput(Throughput::Elements(PIXELS as u64));
    let cases = [
        ("gray8 to rgb8", PixelFormat::Gray8, PixelFormat::Rgb8, 15.0),
        ("rgb8 to rgb8", PixelFormat::Rgb8, PixelFormat::Rgb8, 15.0),
        ("rgba8 to rgba8", PixelFormat::Rgba8, PixelFormat::Rgba8, 15.0),
        ("rgb16 to rgb16", PixelFormat::Rgb16, PixelFormat::Rgb16, 15.0),
        ("rgb8 to rgb8, all out of gamut", PixelFormat::Rgb8, PixelFormat::Rgb8, 150.0),
    ];
    for threads in [1, 2] {
        for (name, from, to, reach) in cases {
            let source = picture(from.bytes_per_pixel());
            let mut target = vec![0_u8; PIXELS * to.bytes_per_pixel()];
            let stride =
                |format: PixelFormat| isize::try_from(4000 * format.bytes_per_pixel()).expect("small");
            let params = Params { working_size: 256, strength: 1.0, temperature: None, threads };
            group.bench_function(format!("{name}, {threads} threads"), |bencher| {
                bencher.iter(|| {
                    let input =
                        ImageView::new(from, WIDTH, HEIGHT, stride(from), &source).expect("a whole picture");
                    let mut output = ImageViewMut::new(to, WIDTH, HEIGHT, stride(to), &mut target)
                        .expect("a whole picture");
                    let mut go_on = |_| ControlFlow::Continue(());
                    colorize(&Fake { reach }, &input, &mut output, &params, &mut go_on)
                        .expect("it colorizes");
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, floors, pipeline);
criterion_main!(benches);
