//! Every network, codec and loss, and every way to freeze an encoder, trains in bfloat16 as in float32.
//!
//! To add a network, a codec or a loss: a row of its table.

use serde::de::DeserializeOwned;

use super::tests::{assert_near, one_thread};
use super::*;
use crate::loss::LossConfig;
use autochrome_models::codec::CodecConfig;
use autochrome_models::net::NetConfig;

/// A network and what of it is tried: with every codec, every way to freeze and all losses at once.
struct Row {
    network: &'static str,
    /// The side of picture that is enough.
    side: usize,
    /// What of an encoder is frozen.
    frozen: &'static [&'static str],
    /// Whether each loss is tried by itself too, which the lightest network does for all: a loss sees nothing but the output.
    by_loss: bool,
}

const NETWORKS: [Row; 4] = [
    Row {
        network: r#"{ name = "lite-unet", encoder = "lite2", context = true, widths = [16, 16, 16] }"#,
        side: 32,
        frozen: &[LEARNING, "encoder_from = 16", "encoder_lr = 0.0"],
        by_loss: false,
    },
    Row {
        network: r#"{ name = "lite-unet", widths = [16, 16, 16, 16] }"#,
        side: 32,
        frozen: &[LEARNING],
        by_loss: false,
    },
    Row { network: r#"{ name = "seed-report" }"#, side: 16, frozen: &[LEARNING], by_loss: true },
    Row { network: r#"{ name = "eccv16" }"#, side: 16, frozen: &[LEARNING], by_loss: false },
];

/// Nothing is frozen.
const LEARNING: &str = "";

const CODECS: [&str; 3] = [
    r#"{ name = "regression" }"#,
    r#"{ name = "bins1d", gamma = 0.5 }"#,
    r#"{ name = "bins2d", gamma = 0.5, tilt = 0.2, point = "median", contrast = 2.3 }"#,
];

/// Beside the one that the codec asks for.
const LOSSES: [&str; 7] = [
    "per_bin = true",
    "temperature = 0.7",
    "distance = { weight = 1.0 }",
    "colorfulness = { weight = 0.1, share = 2.0 }",
    r#"features = { classifier = "classifier.safetensors", weight = 1.0, recognition = 1.0, samples = 1 }"#,
    "consistency = { weight = 1.0 }",
    "calm = { weight = 1.0 }",
];

/// Patches of many shades, each with a color of its own, so that no normalization divides by next to nothing.
pub(crate) fn patches(size: usize) -> Batch {
    let (count, area, side) = (4, size * size, size / 8);
    let shade = |sample: usize, pixel: usize| {
        let (x, y) = (pixel % size / side, pixel / size / side);
        u8::try_from((sample * 59 + x * 37 + y * 83 + x * y * 29) % 97).unwrap()
    };
    let l = |place: usize| f32::from(shade(place / area, place % area));
    let ab = |place: usize| {
        let shade = shade(place / (2 * area), place % area);
        let channel = place / area % 2;
        f32::from(shade) * [0.7, -0.9][channel] + [-20.0, 30.0][channel]
    };
    Batch {
        l: (0..count * area).map(l).collect(),
        ab: (0..2 * count * area).map(ab).collect(),
        count,
        size,
        names: vec!["patches".to_owned(); count],
    }
}

/// Losses of two steps, and that of held-out pictures after them.
fn losses(folder: &Path, text: &str, batch: &Batch) -> [f64; 3] {
    let config = RunConfig::parse(text).unwrap();
    let mut run = Learner::start(config, Vec::new(), folder, Device::Cpu).unwrap();
    // A head as after some training: at random it would only tell how random outputs differ.
    tch::no_grad(|| {
        for entry in run.store.tensors.iter_mut().filter(|entry| entry.name.starts_with("head")) {
            let _ = entry.tensor.f_mul_scalar_(0.03).unwrap();
        }
    });
    let mut step = || run.train_step(batch).unwrap_or_else(|error| panic!("{text}: {error:#}")).loss;
    let steps = [step(), step()];
    let held_out = run.held_out_loss(std::slice::from_ref(batch)).unwrap();
    assert!(run.store.tensors.iter().all(|entry| entry.tensor.kind() == Kind::Float), "{text}");
    [steps[0], steps[1], held_out]
}

/// Trains the network of a row with every codec and loss.
fn trains_alike(Row { network, side, frozen, by_loss }: &Row) {
    one_thread();
    let folder = tempfile::tempdir().unwrap();
    crate::loss::made_classifier(&folder.path().join("classifier.safetensors"));
    let batch = patches(*side);
    let mut losses_of_a_run = vec![LOSSES.join(", ")];
    if *by_loss {
        losses_of_a_run.push(String::new());
        losses_of_a_run.extend(LOSSES.map(str::to_owned));
    }
    let runs = frozen.iter().flat_map(|freeze| CODECS.map(|codec| (freeze, codec)));
    for ((freeze, codec), loss) in runs.flat_map(|run| losses_of_a_run.iter().map(move |loss| (run, loss))) {
        let row = format!("network = {network}\ncodec = {codec}\nloss = {{ {loss} }}\n");
        let of = |precision: &str| {
            // Plain descent: the first steps of AdamW go by the signs of gradients, also of those that are but rounding.
            let text = format!(
                "seed = 5\nbatch = 4\nprecision = \"{precision}\"\n{row}\
                 data = {{ train = [\"none\"], augment = {{ size = {side} }} }}\n\
                 [optim]\nrule = \"sgd\"\nlr = 1e-3\nsteps = 10\n{freeze}\n"
            );
            losses(folder.path(), &text, &batch)
        };
        let (full, half) = (of("float32"), of("bf16"));
        println!("float32 {full:.4?}, bf16 {half:.4?}: {row}{freeze}");
        for (half, full) in half.into_iter().zip(full) {
            assert_near(half, full, 0.03, &format!("{row}{freeze}"));
        }
    }
}

/// Names that are read still and that the rows need not repeat.
const OLD_NAMES: [&str; 2] = ["steady", "colourfulness"];

/// A test for each row, so that they run side by side.
macro_rules! rows {
    ($($name:ident: $row:literal),*) => {$(
        #[test]
        fn $name() {
            trains_alike(&NETWORKS[$row]);
        }
    )*};
}

rows! {
    the_network_that_ships_trains_in_bf16_as_in_float32: 0,
    the_lightest_encoder_trains_in_bf16_as_in_float32: 1,
    the_seed_reports_network_trains_in_bf16_as_in_float32: 2,
    eccv16_trains_in_bf16_as_in_float32: 3
}

/// Names that serde expects where it is given one that it does not know.
fn known<T: DeserializeOwned>(wrong: &str) -> Vec<String> {
    let error = toml::from_str::<T>(wrong).err().expect("an unknown name").to_string();
    let expected =
        error.split("expected").nth(1).expect("what is expected").lines().next().unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_tables_have_every_network_codec_and_loss() {
    let networks = NETWORKS.map(|row| row.network);
    for (known, rows) in [
        (known::<NetConfig>("name = \"?\""), &networks[..]),
        (known::<CodecConfig>("name = \"?\""), &CODECS[..]),
        (known::<LossConfig>("unknown = 1"), &LOSSES[..]),
    ] {
        assert!(known.len() > 2, "{known:?}");
        for name in known.into_iter().filter(|name| !OLD_NAMES.contains(&name.as_str())) {
            let is_named =
                |row: &&str| row.contains(&format!("\"{name}\"")) || row.contains(&format!("{name} ="));
            assert!(rows.iter().any(is_named), "{name}");
        }
    }
}
