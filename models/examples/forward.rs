//! Times the network of a model package the way the plug-in runs it: the prediction alone, on a random L.
//!
//! `cargo run --release -p autochrome-models --example forward -- [FOLDER] [SIDE] [THREADS]`. For each line read, a number of
//! runs, it answers with a line of JSON, the milliseconds of each; so a program can let it take turns with others
//! (`models/benches/peers.py`).
#![allow(missing_docs, reason = "a program")]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use autochrome_models::package::Package;
use tch::{Device, Kind, Tensor};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packages/autochrome");

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_else(|| SHIPPED.to_owned());
    let side: i64 = args.next().map_or(Ok(256), |arg| arg.parse())?;
    let threads: i32 = args.next().map_or(Ok(2), |arg| arg.parse())?;
    tch::set_num_threads(threads);
    let _no_grad = tch::no_grad_guard();
    let network = Package::open(Path::new(&folder))?.load(Device::Cpu, Kind::Float)?;
    let l = Tensor::f_rand([1, 1, side, side], (Kind::Float, Device::Cpu))?.f_mul_scalar(100.0)?;
    for line in std::io::stdin().lines() {
        let runs: usize = line?.trim().parse()?;
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let start = Instant::now();
            let logits = network.forward(&l)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            drop(logits);
        }
        println!("{}", serde_json::to_string(&times)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
