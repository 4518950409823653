//! A tiny model package with random weights, for tests that need some model and no training.
//!
//! The idea: **it is assembled by hand, from the definitions of the formats**, so that it also checks the product's
//! package writer. The weights come from a fixed sequence: the same bytes on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use autochrome_models::net::{NetConfig, SeedReportConfig, TensorSpec};
use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};

/// A tensor of a weights file: name, type, shape and little-endian bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct TinyTensor {
    /// Full name.
    pub name: String,
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// The numbers, little-endian.
    pub bytes: Vec<u8>,
}

/// Writes the package `<models_folder>/<name>`: the seed report's network (0.5 million parameters, 2 MB) with a
/// regression codec and a working size of 64. Returns its folder.
///
/// # Panics
/// If the folder cannot be written.
pub fn write_tiny_model(models_folder: &Path, name: &str) -> PathBuf {
    let weights = tiny_weights(&tiny_tensors());
    let folder = models_folder.join(name);
    fs::create_dir_all(&folder).expect("the package's folder can be made");
    fs::write(folder.join("weights.safetensors"), &weights).expect("the weights can be written");
    fs::write(folder.join("model.toml"), tiny_manifest(name, &weights)).expect("the manifest can be written");
    fs::write(folder.join("CARD.md"), "# A model for tests\n").expect("the card can be written");
    folder
}

/// The text of the package's `model.toml`, for weights of these bytes.
#[must_use]
pub fn tiny_manifest(name: &str, weights: &[u8]) -> String {
    let sha256: String = Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"schema = 1
name = "{name}"
description = "random weights, for tests"
license = "CC0-1.0"

[network]
name = "seed-report"

[input]
working_size = 64

[codec]
name = "regression"
scale = 40.0

[weights]
file = "weights.safetensors"
sha256 = "{sha256}"
"#
    )
}

/// The package's tensors, in float32, in the order the network asks for them.
///
/// # Panics
/// Never: the network exists.
#[must_use]
pub fn tiny_tensors() -> Vec<TinyTensor> {
    let specs =
        NetConfig::SeedReport(SeedReportConfig::default()).tensor_specs(2).expect("the network exists");
    let mut random = Sequence(1);
    specs.iter().map(|spec| tiny_tensor(spec, &mut random)).collect()
}

/// The bytes of a safetensors file.
///
/// # Panics
/// If the bytes of a tensor do not match its shape.
#[must_use]
pub fn tiny_weights(tensors: &[TinyTensor]) -> Vec<u8> {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        (tensor.name.as_str(), view.expect("the bytes fit the shape"))
    });
    safetensors::serialize(views, None).expect("the tensors make a file")
}

/// Filters as in He et al. 2015, identity normalizations, biases of 0.
fn tiny_tensor(spec: &TensorSpec, random: &mut Sequence) -> TinyTensor {
    let shape: Vec<usize> =
        spec.shape.iter().map(|&n| usize::try_from(n).expect("sizes are positive")).collect();
    let count = shape.iter().product();
    let one = spec.name.ends_with("norm.weight") || spec.name.ends_with("running_var");
    let values: Vec<f32> = match shape.len() {
        1 => vec![if one { 1.0 } else { 0.0 }; count],
        _ => {
            let transposed = spec.name.starts_with("up");
            let fan_in =
                if transposed { shape[0] * shape[2] * shape[3] / 4 } else { shape[1..].iter().product() };
            let most = (6.0 / f32::from(u16::try_from(fan_in).expect("layers are small"))).sqrt();
            (0..count).map(|_| random.next() * most).collect()
        }
    };
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TinyTensor { name: spec.name.clone(), dtype: Dtype::F32, shape, bytes }
}

/// Numbers in -1 .. 1 (Knuth's MMIX generator).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let top = u16::try_from(self.0 >> 48).expect("16 bits are left");
        f32::from(top) / 32_768.0 - 1.0
    }
}
