//! Checkpoints: one safetensors file with weights, their average, the optimizer's moments, and the configuration.
//!
//! The idea: **one file, written under a temporary name and renamed**, so that it is whole or absent whenever the run
//! dies.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Device, Kind, Tensor};

use super::config::RunConfig;
use super::inherited::Inherited;
use crate::data::DataStamp;
use crate::files;

/// The state of a run besides its tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: u64,
    /// The configuration it was started with.
    pub config: RunConfig,
    /// Name and SHA-256 of each data set's listing, as the package will state them.
    pub data: Vec<DataStamp>,
    /// Commit of the trainer that took the last step; empty where unknown.
    pub commit: String,
    /// Prediction settings of the package it started from, if any.
    pub inherited: Option<Inherited>,
}

/// Where a run keeps its checkpoint.
#[must_use]
pub fn checkpoint_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint.safetensors")
}

/// Writes a checkpoint: whole, or not at all.
///
/// # Errors
/// The tensors cannot be read back from the device, or the file not written.
pub fn write(path: &Path, state: &State, tensors: &[(String, Tensor)]) -> Result<()> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors.iter().map(to_bytes).collect::<Result<_>>()?;
    let views = bytes
        .iter()
        .map(|(name, shape, data)| Ok((name.clone(), TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut metadata = HashMap::from([
        ("step".to_owned(), state.step.to_string()),
        ("config".to_owned(), state.config.to_text()?),
        ("data".to_owned(), serde_json::to_string(&state.data)?),
        ("commit".to_owned(), state.commit.clone()),
    ]);
    if let Some(inherited) = &state.inherited {
        metadata.insert("inherited".to_owned(), serde_json::to_string(inherited)?);
    }
    let whole = safetensors::serialize(views, Some(metadata))?;
    files::write_beside(path, &whole).with_context(|| {
        let next =
            if path.exists() { "resume with --resume" } else { "start again, there is no checkpoint yet" };
        format!("checkpoint {}: {}, then {next}", path.display(), files::unwritten(&whole))
    })
}

/// Reads a checkpoint.
///
/// # Errors
/// No such file, or not a checkpoint of this trainer.
pub fn read(path: &Path) -> Result<(State, HashMap<String, Tensor>)> {
    let bytes = std::fs::read(path).with_context(|| format!("checkpoint {}", path.display()))?;
    read_bytes(&bytes).with_context(|| format!("checkpoint {}", path.display()))
}

fn read_bytes(bytes: &[u8]) -> Result<(State, HashMap<String, Tensor>)> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry =
        |key: &str| metadata.get(key).with_context(|| format!("expected metadata {key:?}, found none"));
    let state = State {
        step: entry("step")?.parse().context("step")?,
        config: RunConfig::parse(entry("config")?)?,
        data: serde_json::from_str(entry("data")?).context("data")?,
        // Older checkpoints lack it.
        commit: metadata.get("commit").cloned().unwrap_or_default(),
        inherited: metadata
            .get("inherited")
            .map(|text| serde_json::from_str(text))
            .transpose()
            .context("inherited")?,
    };
    Ok((state, files::tensors(bytes)?))
}

fn to_bytes((name, tensor): &(String, Tensor)) -> Result<(String, Vec<usize>, Vec<u8>)> {
    let shape = tensor.size().into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()?;
    let flat =
        tensor.detach().f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?;
    let values = Vec::<f32>::try_from(flat)?;
    Ok((name.clone(), shape, values.into_iter().flat_map(f32::to_le_bytes).collect()))
}
