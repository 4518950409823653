//! Writing a package.
//!
//! The idea: **a package is whole or absent**: it is written to a hidden folder next to the final one, opened again
//! there, then renamed. The same inputs give the same bytes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use super::problem::quoted;
use super::weights::hex;
use super::{CARD_FILE, MANIFEST_FILE, Manifest, Package, PackageError, Problem};

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Filters and matrices in float16; vectors (biases, statistics of batch normalization), which weigh nothing
    /// and whose small values float16 would blur, in float32. Half the size.
    #[default]
    F16,
    /// All in float32.
    F32,
}

/// A tensor as it will stand in the file.
struct Stored {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Package {
    /// Writes a package to `folder` and opens it. `manifest` need not know the sha256: it is filled in. A package
    /// that is there already is replaced; anything else that is there is left alone and an error.
    ///
    /// `tensors` are all tensors of the network, float, of any device; `card` is the text of `CARD.md`.
    ///
    /// # Errors
    /// Whatever [`Package::open`] would say about the result, a value that float16 cannot hold, or a folder that
    /// cannot be written; nothing of the new package is then left.
    pub fn write(
        folder: &Path,
        manifest: &Manifest,
        tensors: &[(String, Tensor)],
        card: &str,
        precision: Precision,
    ) -> Result<Self, PackageError> {
        write(folder, manifest, tensors, card, precision)
            .map_err(|problem| PackageError { folder: folder.to_owned(), problem })?;
        Self::open(folder)
    }
}

fn write(
    folder: &Path,
    manifest: &Manifest,
    tensors: &[(String, Tensor)],
    card: &str,
    precision: Precision,
) -> Result<(), Problem> {
    manifest.check()?;
    let stored: Vec<Stored> =
        tensors.iter().map(|(name, tensor)| store(name, tensor, precision)).collect::<Result<_, _>>()?;
    let bytes = serialize(&stored)?;
    let mut manifest = manifest.clone();
    manifest.weights.sha256 = hex(&Sha256::digest(&bytes));

    let temporary = Temporary::beside(folder, "new")?;
    // The name is checked when the package is opened; until then it must only not lead elsewhere.
    let file = Path::new(&manifest.weights.file)
        .file_name()
        .filter(|name| *name == manifest.weights.file.as_str())
        .ok_or_else(|| Problem::Outside(quoted(&manifest.weights.file)))?;
    temporary.put(Path::new(file), &bytes)?;
    temporary.put(Path::new(CARD_FILE), card.as_bytes())?;
    temporary.put(Path::new(MANIFEST_FILE), manifest.to_toml()?.as_bytes())?;
    Package::check(&temporary.0)?;
    temporary.move_to(folder)
}

/// The values of a tensor as they will stand in the file.
fn store(name: &str, tensor: &Tensor, precision: Precision) -> Result<Stored, Problem> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0.0_f32; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    if !values.iter().all(|value| value.is_finite()) {
        return Err(Problem::NonFinite(quoted(name)));
    }
    let shape: Vec<usize> = tensor.size().into_iter().filter_map(|n| usize::try_from(n).ok()).collect();
    let halve = precision == Precision::F16 && shape.len() > 1;
    let (dtype, bytes) = if halve {
        let halves: Vec<f16> = values.iter().map(|value| f16::from_f32(*value)).collect();
        if !halves.iter().all(|half| half.is_finite()) {
            return Err(Problem::Overflow(quoted(name)));
        }
        (Dtype::F16, halves.iter().flat_map(|half| half.to_le_bytes()).collect())
    } else {
        (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    };
    Ok(Stored { name: name.to_owned(), shape, dtype, bytes })
}

/// The bytes of a safetensors file.
fn serialize(stored: &[Stored]) -> Result<Vec<u8>, Problem> {
    let unsound = |error: safetensors::SafeTensorError| Problem::Header {
        file: "the new weights file".to_owned(),
        reason: error.to_string(),
    };
    let mut views = Vec::with_capacity(stored.len());
    for tensor in stored {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(unsound)?;
        views.push((tensor.name.as_str(), view));
    }
    safetensors::serialize(views, None).map_err(unsound)
}

/// A hidden folder beside the target; removed when dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(folder: &Path, purpose: &str) -> Result<Self, Problem> {
        let name = folder.file_name().ok_or_else(|| Problem::Missing("the name of the folder".to_owned()))?;
        let parent =
            folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(Problem::io("the folder above", "made"))?;
        let name = format!(".{}.{purpose}-{}", name.to_string_lossy(), std::process::id());
        let path = parent.join(name);
        // Left by a process of the same number that was killed.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(Problem::io("the new folder", "made"))?;
        Ok(Temporary(path))
    }

    /// Writes a file and waits until it is on the disk.
    fn put(&self, name: &Path, bytes: &[u8]) -> Result<(), Problem> {
        let write = || {
            let mut file = File::create_new(self.0.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(Problem::io(&quoted(&name.to_string_lossy()), "written"))
    }

    /// Takes the place of `folder`; a package that is there moves aside first and goes when the new one is in place.
    fn move_to(self, folder: &Path) -> Result<(), Problem> {
        if !folder.exists() {
            return fs::rename(&self.0, folder).map_err(Problem::io("the new folder", "moved into place"));
        }
        if !folder.join(MANIFEST_FILE).is_file() {
            return Err(Problem::Occupied);
        }
        // Through a link to the folder itself, so that the link stays.
        let folder = folder.canonicalize().map_err(Problem::io("the old folder", "read"))?;
        let aside = Temporary::beside(&folder, "old")?;
        fs::rename(&folder, &aside.0).map_err(Problem::io("the old folder", "moved aside"))?;
        if let Err(error) = fs::rename(&self.0, &folder) {
            fs::rename(&aside.0, &folder).map_err(Problem::io("the old folder", "moved back"))?;
            return Err(Problem::io("the new folder", "moved into place")(error));
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Already moved away after a success; after a failure the cause matters more than a left-over.
        let _ = fs::remove_dir_all(&self.0);
    }
}
