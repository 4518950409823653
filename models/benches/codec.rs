//! Targets of the 313 bins for a batch of 40 samples of 32 x 32, on one thread, against a floor and a ceiling measured in
//! the same run: choosing 5 of 12 numbers a pixel, which is all the choice there is, and asking all 313 bins.

use autochrome_models::codec::bins2d::{BINS, bins};
use autochrome_models::codec::{Bins2d, Bins2dConfig, Codec};
use criterion::{Criterion, criterion_group, criterion_main};
use tch::{Device, Kind, Tensor};

const SHAPE: [i64; 4] = [40, 2, 32, 32];
const PIXELS: i64 = SHAPE[0] * SHAPE[2] * SHAPE[3];

fn bench(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    tch::manual_seed(1);
    let options = (Kind::Float, Device::Cpu);
    // Spread about gray as the colors of photographs are.
    let ab = Tensor::randn(SHAPE, options) * 20.0;
    let mut group = criterion.benchmark_group("bins2d encodes 40 x 32 x 32");
    group.sample_size(20);
    let twelve = Tensor::rand([PIXELS, 12], options);
    group.bench_function("floor: 5 of 12 numbers", |bencher| bencher.iter(|| twelve.topk(5, 1, false, true)));
    let codec = Bins2d::new(&Bins2dConfig::default()).expect("builds");
    group.bench_function("encode", |bencher| bencher.iter(|| codec.encode(&ab).expect("encodes")));
    let flat: Vec<f32> = bins().into_iter().flat_map(|(a, b)| [f32::from(a), f32::from(b)]).collect();
    assert_eq!(flat.len(), 2 * BINS);
    let centers = Tensor::from_slice(&flat).view([-1, 2]);
    let half_norms = centers.square().sum_dim_intlist([1].as_slice(), false, Kind::Float) * 0.5;
    let points = ab.permute([0, 2, 3, 1]).reshape([-1, 2]);
    group.bench_function("ceiling: 5 of all 313 bins", |bencher| {
        bencher.iter(|| (points.matmul(&centers.tr()) - &half_norms).topk(5, 1, true, true));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
