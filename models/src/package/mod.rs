//! Model packages: a folder with `model.toml`, `weights.safetensors` and a card, checked before it is trusted.
//!
//! The idea: **opening checks everything and keeps nothing; loading can then only fail for want of memory.** A
//! package is data from a stranger: it cannot run code, reach outside its folder, or make us allocate what it
//! merely claims. A bad one is an entry in the list with its reason ([`find_models`]), never the end of the list.

mod find;
mod manifest;
mod problem;
mod weights;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};

pub use find::{Found, find_models};
pub use manifest::{
    Confidence, Input, InputValues, Manifest, SCHEMA, Training, TrainingData, WORKING_STEP, Weights,
};
pub use problem::{PackageError, Problem};
pub use weights::{MAX_HEADER, MAX_WEIGHTS};
pub use write::Precision;

use crate::net::{Init, NetError, Network, Store};
use weights::{WeightsFile, regular_size};

/// Largest `model.toml` that is read, in bytes.
pub const MAX_MANIFEST: u64 = 1 << 20;

/// The file that makes a folder a model package.
pub const MANIFEST_FILE: &str = "model.toml";

/// The card: what people should know about the model, in Markdown.
pub const CARD_FILE: &str = "CARD.md";

/// A model package that was checked and can be loaded. Holds no weights and no open file.
#[derive(Debug, Clone)]
pub struct Package {
    folder: PathBuf,
    manifest: Manifest,
    weights: WeightsFile,
}

impl Package {
    /// Checks the package in `folder`: manifest, network and codec, weights path, header, tensors, values, sha256,
    /// in this order. Reads the weights once (about 20 ms for 10 MB) and keeps none of them.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        Self::check(folder).map_err(|problem| PackageError { folder: folder.to_owned(), problem })
    }

    fn check(folder: &Path) -> Result<Self, Problem> {
        let manifest = Manifest::parse(&read_manifest(folder)?)?;
        let channels = manifest.codec.build()?.channels();
        let specs = manifest.network.tensor_specs(channels)?;
        let weights = WeightsFile::open(folder, &manifest.weights.file, &specs)?;
        weights.verify(&manifest.weights.sha256)?;
        Ok(Package { folder: folder.to_owned(), manifest, weights })
    }

    /// What the package says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder it was opened from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Loads the network, ready for prediction: batch normalization folded, channels_last, on `device` in `kind`.
    ///
    /// # Errors
    /// The weights changed since they were checked, or there is no memory for them.
    pub fn load(&self, device: Device, kind: Kind) -> Result<Box<dyn Network>, PackageError> {
        self.build(device, kind).map_err(|problem| PackageError { folder: self.folder.clone(), problem })
    }

    /// Every tensor of the weights, in float32 on the CPU, by name: what a training that goes on from here begins with.
    ///
    /// # Errors
    /// The weights changed since they were checked, or there is no memory for them.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>, PackageError> {
        let loaded = self.weights.load(&self.manifest.weights.sha256);
        loaded.map_err(|problem| PackageError { folder: self.folder.clone(), problem })
    }

    fn build(&self, device: Device, kind: Kind) -> Result<Box<dyn Network>, Problem> {
        let channels = self.manifest.codec.build()?.channels();
        let mut store = LoadStore { tensors: self.weights.load(&self.manifest.weights.sha256)? };
        let mut network = self.manifest.network.build(channels, &mut store)?;
        // In float32 up to here: batch normalization is folded before anything is rounded to half.
        network.prepare(device, kind)?;
        Ok(network)
    }
}

/// The text of `model.toml`.
fn read_manifest(folder: &Path) -> Result<String, Problem> {
    let path = folder.join(MANIFEST_FILE);
    regular_size(&path, MANIFEST_FILE, MAX_MANIFEST)?;
    let mut text = Vec::new();
    let file = File::open(path).map_err(Problem::io(MANIFEST_FILE, "read"))?;
    file.take(MAX_MANIFEST).read_to_end(&mut text).map_err(Problem::io(MANIFEST_FILE, "read"))?;
    String::from_utf8(text).map_err(|_| Problem::Syntax("it is not UTF-8 text".to_owned()))
}

/// Hands a network the tensors of a checked file, each once.
struct LoadStore {
    tensors: HashMap<String, Tensor>,
}

impl Store for LoadStore {
    fn tensor(&mut self, name: &str, shape: &[i64], _init: Init) -> Result<Tensor, NetError> {
        match self.tensors.remove(name) {
            Some(tensor) if tensor.size() == shape => Ok(tensor),
            Some(tensor) => Err(NetError::Tensor(format!(
                "tensor `{name}`: expected shape {shape:?}, got {:?}",
                tensor.size()
            ))),
            None => Err(NetError::Tensor(format!("tensor `{name}` is not in the weights file"))),
        }
    }
}

#[cfg(test)]
mod tests;
