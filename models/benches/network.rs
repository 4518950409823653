//! The shipped network at 256x256 and Zhang et al.'s ECCV16, against a floor measured in the same run: the time libtorch's matrix
//! product needs for as many multiply-adds.

use autochrome_models::net::{Eccv16Config, LiteUnetConfig, NetConfig, Network, TrainStore};
use criterion::{Criterion, criterion_group, criterion_main};
use tch::{Device, Kind, Tensor};

/// Multiply-adds of the network at 256x256: the sum over convolutions of output pixels x output channels x input
/// channels a group x kernel area.
const MULTIPLY_ADDS: i64 = 1_059_239_936;
const SIDE: i64 = 256;

fn network(config: &NetConfig, prepare: bool) -> Box<dyn Network> {
    tch::manual_seed(1);
    let mut network = config.build(313, &mut TrainStore::new(Device::Cpu)).expect("the network builds");
    if prepare {
        network.prepare(Device::Cpu, Kind::Float).expect("prepares");
    }
    network
}

fn bench(criterion: &mut Criterion) {
    let _no_grad = tch::no_grad_guard();
    let random = |shape: &[i64]| Tensor::rand(shape, (Kind::Float, Device::Cpu));
    let l = random(&[1, 1, SIDE, SIDE]) * 100.0;
    let mut group = criterion.benchmark_group("network at 256x256");
    group.sample_size(20);
    // A product of two n x n matrices is n^3 multiply-adds.
    let side = (1..).find(|n: &i64| n.pow(3) >= MULTIPLY_ADDS).expect("a side");
    let (a, b) = (random(&[side, side]), random(&[side, side]));
    group.bench_function("floor: matrix product", |bencher| bencher.iter(|| a.matmul(&b)));
    let shipped = NetConfig::LiteUnet(LiteUnetConfig::default());
    let plain = network(&shipped, false);
    group.bench_function("as trained", |bencher| bencher.iter(|| plain.forward(&l).expect("runs")));
    let prepared = network(&shipped, true);
    group.bench_function("prepared", |bencher| bencher.iter(|| prepared.forward(&l).expect("runs")));
    // The peer, by the same hands: random weights, as its paper has it and folded.
    group.sample_size(10);
    let peer = NetConfig::Eccv16(Eccv16Config::default());
    let plain = network(&peer, false);
    group.bench_function("eccv16, as trained", |bencher| bencher.iter(|| plain.forward(&l).expect("runs")));
    let prepared = network(&peer, true);
    group.bench_function("eccv16, prepared", |bencher| bencher.iter(|| prepared.forward(&l).expect("runs")));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
