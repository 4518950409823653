//! Files: written whole or not at all, identified by their hash; and the text and tensors in them.
//!
//! The idea: **a file is written under a temporary name and renamed**, so that a reader never finds half of one,
//! whenever the process dies or the disk fills up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use safetensors::tensor::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tch::Tensor;

/// Prefix of files that are being written; once the process is gone, they are garbage.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes a file under a temporary name and renames it, so that it is whole or absent.
///
/// # Errors
/// The folder cannot be written to, or the disk is full; the old file, if any, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_beside(path, bytes).with_context(|| unwritten(bytes))
}

/// As [`write_whole`], for callers with an error text of their own.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // With the permissions of any new file, which the user's mask narrows.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file =
        tempfile::Builder::new().prefix(UNFINISHED).permissions(permissions).tempfile_in(folder)?;
    // Not through the wrapper, whose errors name the temporary file.
    file.as_file_mut().write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The text of a write error.
pub(crate) fn unwritten(bytes: &[u8]) -> String {
    let count = grouped(bytes.len());
    format!("{count} bytes cannot be written, the old file is untouched; check space and permissions")
}

/// Removes what a killed process left half-written in `folder`.
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
            // Counters of other frameworks, which no network here uses.
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

/// Lower-case hexadecimal SHA-256 of a file, read in pieces.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("{}", path.display()))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A field of a CSV file, whatever is in it.
#[must_use]
pub fn csv_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A count with a comma every three digits.
pub fn grouped(count: impl ToString) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
