//! A step is the same step in either precision and on either device.

use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_test_notes::{Need, skip};
use tch::Kind;

use super::super::checkpoint_path;
use super::*;

/// Four dark red and light blue squares of 16 x 16, which a network can tell from their lightness.
pub(crate) fn toy_batch() -> Batch {
    let (count, size) = (4, 16);
    let squares = [(30.0, [40.0, 20.0]), (70.0, [-10.0, -40.0])];
    let square = |sample: usize, pixel: usize| squares[(sample + pixel / 8) % 2];
    let area = size * size;
    let l = |place: usize| square(place / area, place % area).0;
    let ab = |place: usize| square(place / (2 * area), place % area).1[place / area % 2];
    Batch {
        l: (0..count * area).map(l).collect(),
        ab: (0..2 * count * area).map(ab).collect(),
        count,
        size,
        names: vec!["toy".to_owned(); count],
    }
}

pub(crate) fn config(codec: &str, precision: &str) -> RunConfig {
    let text = format!(
        r#"
        seed = 5
        batch = 4
        {precision}
        network = {{ name = "seed-report" }}
        codec = {{ name = "{codec}" }}
        data = {{ train = ["none"], augment = {{ size = 16, crop_min = 16, crop_max = 16 }} }}
        optim = {{ lr = 3e-3, steps = 1000 }}
        "#
    );
    RunConfig::parse(&text).unwrap()
}

pub(crate) fn start(codec: &str, precision: &str, device: Device) -> Learner {
    Learner::start(config(codec, precision), Vec::new(), Path::new("."), device).unwrap()
}

/// On so little, threads would only wait for each other.
pub(crate) fn one_thread() {
    tch::set_num_threads(1);
}

pub(crate) fn losses(run: &mut Learner, steps: usize) -> Vec<f64> {
    one_thread();
    let batch = toy_batch();
    let step = |_| {
        let report = run.train_step(&batch).unwrap();
        assert!(report.gradient_norm.is_finite());
        report.loss
    };
    (0..steps).map(step).collect()
}

pub(crate) fn assert_near(a: f64, b: f64, share: f64, what: &str) {
    assert!((a / b - 1.0).abs() <= share, "{what}: {a} and {b} differ by more than {share} of the latter");
}

pub(crate) const FLOAT32: &str = r#"precision = "float32""#;
const BF16: &str = r#"precision = "bf16""#;

#[test]
fn a_configuration_that_names_no_precision_reads_and_writes_as_before() {
    let plain = config("regression", "");
    assert_eq!(plain.precision.kind(Device::Cpu), Kind::Float);
    assert_eq!(plain.precision.kind(Device::Cuda(0)), Kind::BFloat16);
    assert!(!plain.to_text().unwrap().contains("precision"));
    let half = config("regression", BF16);
    assert_eq!(half.precision.kind(Device::Cpu), Kind::BFloat16);
    assert_eq!(RunConfig::parse(&half.to_text().unwrap()).unwrap(), half);
    assert_eq!(config("regression", FLOAT32).precision.kind(Device::Cuda(0)), Kind::Float);
}

#[test]
fn a_step_in_bf16_has_the_loss_of_float32_under_every_codec() {
    for codec in ["regression", "bins1d", "bins2d"] {
        let loss = losses(&mut start(codec, FLOAT32, Device::Cpu), 1)[0];
        let mut run = start(codec, BF16, Device::Cpu);
        let loss16 = losses(&mut run, 1)[0];
        assert_near(loss16, loss, 0.02, codec);
        assert!(run.store.tensors.iter().all(|entry| entry.tensor.kind() == Kind::Float), "{codec}");
    }
}

#[test]
fn training_in_bf16_falls_like_float32() {
    let full = losses(&mut start("bins1d", FLOAT32, Device::Cpu), 25);
    let half = losses(&mut start("bins1d", BF16, Device::Cpu), 25);
    println!("float32 {full:.3?}\nbf16    {half:.3?}");
    assert!(full[24] < 0.5 * full[0] && half[24] < 0.5 * half[0]);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / 25.0;
    assert_near(mean(&half), mean(&full), 0.1, "mean loss in bf16 and float32");
}

#[test]
fn the_consistency_loss_colors_parts_as_within_the_whole() {
    // How far the colors of the upper left quarter, alone, are from those within the whole.
    let after = |weight: f64| {
        let mut config = config("bins2d", FLOAT32);
        config.loss.consistency = Some(crate::loss::ConsistencyConfig { weight });
        let mut run = Learner::start(config, Vec::new(), Path::new("."), Device::Cpu).unwrap();
        let fallen = losses(&mut run, 40);
        assert!(fallen[39] < 0.9 * fallen[0], "weight {weight}: {fallen:.2?}");
        let _no_grad = tch::no_grad_guard();
        let batch = toy_batch();
        let l = Tensor::from_slice(&batch.l).view([4, 1, 16, 16]);
        let quarter = |whole: &Tensor, side: i64| whole.narrow(2, 0, side).narrow(3, 0, side);
        let decoded =
            |l: &Tensor| run.codec.decode(&run.network.forward_t(l, false).unwrap(), Some(1.0)).unwrap();
        let (whole, alone) = (decoded(&l), decoded(&quarter(&l, 8)));
        let within = quarter(&whole, alone.size()[3]);
        (within - alone).square().mean(Kind::Float).double_value(&[]).sqrt()
    };
    let (loose, consistent) = (after(0.0), after(10.0));
    println!("apart by {loose:.2}, by {consistent:.2} with the consistency loss");
    assert!(consistent < 0.8 * loose, "{consistent} against {loose}");
}

#[test]
fn training_on_cuda_follows_the_cpu() {
    let device = match resolve(&DeviceRequest::Cuda(None)) {
        Ok(resolved) => resolved.device,
        Err(reason) => return skip(Need::Cuda, reason),
    };
    for codec in ["regression", "bins1d", "bins2d"] {
        let cpu = losses(&mut start(codec, FLOAT32, Device::Cpu), 5);
        // cuDNN may multiply in TF32, with 10 bits after the point; bfloat16 has 7.
        for (precision, share) in [(FLOAT32, 0.02), ("", 0.1)] {
            let cuda = losses(&mut start(codec, precision, device), 5);
            println!("{codec}, {precision:?}: cpu {cpu:.4?}, cuda {cuda:.4?}");
            assert_near(cuda[0], cpu[0], share / 4.0, codec);
            assert_near(cuda[4], cpu[4], share, codec);
        }
    }
}

#[test]
fn a_run_saved_on_cuda_goes_on_on_the_cpu() {
    let device = match resolve(&DeviceRequest::Cuda(None)) {
        Ok(resolved) => resolved.device,
        Err(reason) => return skip(Need::Cuda, reason),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = checkpoint_path(folder.path());
    let mut cuda = start("bins1d", FLOAT32, device);
    losses(&mut cuda, 2);
    cuda.save(&path).unwrap();
    let mut cpu = Learner::resume(&path, Path::new("."), Device::Cpu).unwrap();
    assert_eq!(cpu.step, 2);
    assert_near(losses(&mut cpu, 1)[0], losses(&mut cuda, 1)[0], 0.01, "the third step");
}

#[test]
fn a_distance_beside_the_cross_entropy_is_in_the_loss_and_learned_from() {
    let plain = losses(&mut start("bins2d", FLOAT32, Device::Cpu), 1)[0];
    let mut config = config("bins2d", FLOAT32);
    config.loss.distance = Some(crate::loss::DistanceConfig { weight: 2.0 });
    assert!(RunConfig::parse(&config.to_text().unwrap()).unwrap() == config);
    let both = losses(&mut Learner::start(config, Vec::new(), Path::new("."), Device::Cpu).unwrap(), 30);
    assert!(both[0] > plain + 1.0, "about 40 off, in steps of 10, twice: {} and {plain}", both[0]);
    assert!(both[29] < 0.9 * both[0], "{both:?}");
}

/// The network with an encoder, frozen as `freeze` says, on patches it is large enough for.
pub(crate) fn with_encoder(freeze: &str) -> RunConfig {
    let text = format!(
        "seed = 5\nbatch = 4\nnetwork = {{ name = \"lite-unet\", widths = [8, 8, 8] }}\n\
         codec = {{ name = \"bins2d\", gamma = 0.5 }}\n\
         data = {{ train = [\"none\"], augment = {{ size = 32 }} }}\n\
         [optim]\nlr = 1e-3\nsteps = 100\nema = 0.9\n{freeze}\n"
    );
    RunConfig::parse(&text).unwrap()
}

#[test]
fn a_run_with_a_held_encoder_resumes_exactly_also_from_a_checkpoint_with_moments_of_the_encoder() {
    one_thread();
    let batch = precision_tests::patches(32);
    for freeze in ["encoder_lr = 0.0", "encoder_from = 16"] {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint_path(folder.path());
        let config = with_encoder(freeze);
        let mut whole = Learner::start(config, Vec::new(), Path::new("."), Device::Cpu).unwrap();
        (0..2).for_each(|_| assert!(whole.train_step(&batch).is_ok()));
        whole.save(&path).unwrap();
        let (state, tensors) = checkpoint::read(&path).unwrap();
        let stem = "encoder._conv_stem.weight";
        assert!(tensors.contains_key(&format!("average.{stem}")), "an export needs it");
        assert!(!tensors.contains_key(&format!("adam.mean.{stem}")), "nothing learns it: {freeze}");
        let mut older: Vec<(String, Tensor)> = tensors.into_iter().collect();
        let moments =
            |part| (format!("adam.{part}.{stem}"), Tensor::zeros([32, 1, 3, 3], tch::kind::FLOAT_CPU));
        older.extend(["mean", "square"].map(moments));
        let expected: Vec<f64> = (0..3).map(|_| whole.train_step(&batch).unwrap().loss).collect();
        for older in [None, Some(older)] {
            if let Some(tensors) = older {
                checkpoint::write(&path, &state, &tensors).unwrap();
            }
            let mut resumed = Learner::resume(&path, Path::new("."), Device::Cpu).unwrap();
            let losses: Vec<f64> = (0..3).map(|_| resumed.train_step(&batch).unwrap().loss).collect();
            assert_eq!(losses, expected, "{freeze}");
        }
    }
}
