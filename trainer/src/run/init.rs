//! The initial weights of a run: random, from a pretrained encoder, or from a whole model package.
//!
//! The idea: **a tensor is initialized from the one of its name**, and a name or shape that does not fit is an error: a
//! partial start would look like a bad recipe.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use autochrome_models::net::TrainStore;
use autochrome_models::package::Package;
use tch::{Kind, Tensor};

use super::config::InitConfig;
use crate::files;

/// Copies into the tensors of `store` what the configuration names; relative paths start from `data_root`. Returns the package
/// that the run starts from, if any.
///
/// # Errors
/// A file that cannot be read, has another SHA-256, or does not fit the network.
pub fn initialize(store: &mut TrainStore, init: &InitConfig, data_root: &Path) -> Result<Option<Package>> {
    let _no_grad = tch::no_grad_guard();
    if let Some(package) = &init.package {
        return from_package(store, &found(package, data_root), init.package_sha256.as_deref()).map(Some);
    }
    if let Some(encoder) = &init.encoder {
        from_encoder(store, &found(encoder, data_root), init.encoder_sha256.as_deref())?;
    }
    Ok(None)
}

/// Loads a pretrained encoder. Its three-channel stem becomes a one-channel one: gray is three equal channels.
fn from_encoder(store: &mut TrainStore, path: &Path, sha256: Option<&str>) -> Result<()> {
    let subject = || format!("init.encoder {}", path.display());
    if let Some(expected) = sha256 {
        expect_sha256(expected, &files::sha256_of(path)?).with_context(subject)?;
    }
    let bytes = std::fs::read(path).with_context(subject)?;
    let tensors = files::tensors(&bytes).with_context(subject)?;
    for entry in &mut store.tensors {
        let Some(name) = entry.name.strip_prefix("encoder.") else { continue };
        let value = tensors.get(name).with_context(|| format!("init.encoder: tensor {name} is missing"))?;
        let summed = if value.dim() == 4 && value.size()[1] == 3 && entry.tensor.size()[1] == 1 {
            value.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?
        } else {
            value.shallow_clone()
        };
        copy(&mut entry.tensor, &summed, name).context("init.encoder")?;
    }
    Ok(())
}

/// Starts from the weights of a package.
fn from_package(store: &mut TrainStore, folder: &Path, sha256: Option<&str>) -> Result<Package> {
    let subject = || format!("init.package {}", folder.display());
    let package = Package::open(folder).with_context(subject)?;
    if let Some(expected) = sha256 {
        expect_sha256(expected, &package.manifest().weights.sha256).with_context(subject)?;
    }
    let tensors: HashMap<String, Tensor> = package.tensors().with_context(subject)?;
    for entry in &mut store.tensors {
        let missing = || format!("{}: tensor {} is missing; is it of this network?", subject(), entry.name);
        let value = tensors.get(&entry.name).with_context(missing)?;
        copy(&mut entry.tensor, value, &entry.name).with_context(subject)?;
    }
    Ok(package)
}

/// Data is in one folder, packages that ship and fetched encoders are in another: both are searched.
fn found(path: &Path, data_root: &Path) -> PathBuf {
    let below = data_root.join(path);
    if below.exists() || !path.exists() { below } else { path.to_owned() }
}

fn expect_sha256(expected: &str, got: &str) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    bail!("expected sha256 {expected}, got {got}")
}

fn copy(place: &mut Tensor, value: &Tensor, name: &str) -> Result<()> {
    if value.size() != place.size() {
        bail!("tensor {name}: expected {:?}, got {:?}", place.size(), value.size());
    }
    Ok(place.f_copy_(value)?)
}
