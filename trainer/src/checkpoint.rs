//! Checkpoints: one safetensors file with weights, their average, the optimizer's moments, and the configuration.
//!
//! The idea: **one file, written beside and renamed**, so that it is whole or absent whenever the run dies.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::config::RunConfig;
use crate::inherited::Inherited;

/// What is known of a run besides its tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: u64,
    /// The configuration it was started with.
    pub config: RunConfig,
    /// Name and SHA-256 of each data set's listing, as the package will state them.
    pub data: Vec<DataStamp>,
    /// Commit of the trainer that took the last step; empty where it is not known.
    pub commit: String,
    /// What the package it was begun from says of prediction, if it was begun from one.
    pub inherited: Option<Inherited>,
}

/// A data set as the run found it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DataStamp {
    /// File or folder name.
    pub name: String,
    /// SHA-256 of the archive; of a folder, of its sorted names and sizes.
    pub sha256: String,
    /// Photographs in it.
    pub count: usize,
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
    write_beside(path, &whole).with_context(|| {
        let next =
            if path.exists() { "go on with --resume" } else { "begin again, there is no checkpoint yet" };
        format!("checkpoint {}: {}, then {next}", path.display(), unwritten(&whole))
    })
}

/// What files begin with that are being written; with the process gone, nobody will finish them.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes a file beside its place and renames it, so that it is whole or absent.
///
/// # Errors
/// The folder cannot be written to, or the disk is full; the old file, if any, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_beside(path, bytes).with_context(|| unwritten(bytes))
}

fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // With the permissions of any new file, which the user's mask narrows.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file =
        tempfile::Builder::new().prefix(UNFINISHED).permissions(permissions).tempfile_in(folder)?;
    // Not through the wrapper, whose errors name the file that goes away.
    file.as_file_mut().write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn unwritten(bytes: &[u8]) -> String {
    let count = crate::log::grouped(bytes.len());
    format!("{count} bytes cannot be written, what was there is untouched; look at space and permissions")
}

/// Removes what a process that was killed while it wrote has left in `folder`.
///
/// # Errors
/// The folder cannot be read, or a file in it not removed.
pub fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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
        // Checkpoints of older versions do not say.
        commit: metadata.get("commit").cloned().unwrap_or_default(),
        inherited: metadata
            .get("inherited")
            .map(|text| serde_json::from_str(text))
            .transpose()
            .context("inherited")?,
    };
    Ok((state, tensors(bytes)?))
}

/// Every float32 tensor of a safetensors file.
///
/// # Errors
/// Not a safetensors file, or a float tensor of another type.
pub fn tensors(bytes: &[u8]) -> Result<HashMap<String, Tensor>> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        match view.dtype() {
            Dtype::F32 => {}
            // Counters of other frameworks, which no network here has.
            Dtype::I64 => continue,
            other => bail!("tensor {name}: expected float32, got {other:?}"),
        }
        let values: Vec<f32> =
            view.data().as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        let shape = view.shape().iter().map(|&side| i64::try_from(side)).collect::<Result<Vec<_>, _>>()?;
        tensors.insert(name.to_owned(), Tensor::f_from_slice(&values)?.f_view(shape.as_slice())?);
    }
    Ok(tensors)
}

fn to_bytes((name, tensor): &(String, Tensor)) -> Result<(String, Vec<usize>, Vec<u8>)> {
    let shape = tensor.size().into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()?;
    let flat =
        tensor.detach().f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?;
    let values = Vec::<f32>::try_from(flat)?;
    Ok((name.clone(), shape, values.into_iter().flat_map(f32::to_le_bytes).collect()))
}

/// Lower-case hexadecimal SHA-256 of a file, read in pieces.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("{}", path.display()))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = std::io::Read::read(&mut file, &mut piece)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
