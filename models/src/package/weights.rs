//! The weights file: safetensors, read with suspicion.
//!
//! The idea: **nothing is allocated for what a file claims, only for what it is**: sizes come from the file
//! system, the header is read under a limit and must account for every byte of the file, names and shapes must be
//! exactly those the network asks for, and only then are values read, one tensor at a time in file order. Reading
//! them gives the sha256 of the whole file on the way, so what is loaded is what was checked. The file is read,
//! not mapped: a mapped file that shrinks under the reader kills the process.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use super::problem::{Problem, one_line, quoted};
use crate::net::TensorSpec;

/// Largest weights file that is read, in bytes.
pub const MAX_WEIGHTS: u64 = 1 << 30;

/// Largest header of a weights file that is read, in bytes.
pub const MAX_HEADER: u64 = 16 << 20;

/// The length of the header stands before it, in 8 bytes.
const PREFIX: u64 = 8;

/// A tensor of the file, in file order.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    name: String,
    shape: Vec<i64>,
    dtype: Dtype,
    bytes: usize,
}

/// What is done with the bytes of each tensor.
type Visit<'a> = dyn FnMut(&Entry, &[u8]) -> Result<(), Problem> + 'a;

/// A weights file whose header was found sound and fit for the network.
#[derive(Debug, Clone)]
pub(super) struct WeightsFile {
    path: PathBuf,
    /// As in the manifest, for sentences.
    name: String,
    header: u64,
    entries: Vec<Entry>,
}

impl WeightsFile {
    /// Finds the file and checks its header against what the network asks for.
    pub(super) fn open(folder: &Path, file: &str, specs: &[TensorSpec]) -> Result<Self, Problem> {
        let path = inside(folder, file)?;
        let name = quoted(file);
        let size = regular_size(&path, &name, MAX_WEIGHTS)?;
        let mut reader = File::open(&path).map_err(Problem::io(&name, "read"))?;
        let (header, text) = read_header(&mut reader, size, &name)?;
        let entries = entries(&text, size - PREFIX - header, &name)?;
        compare(&entries, specs)?;
        Ok(WeightsFile { path, name, header, entries })
    }

    /// Reads every value: all must be finite and the whole file must have this sha256. Keeps nothing.
    pub(super) fn verify(&self, sha256: &str) -> Result<(), Problem> {
        let mut not_finite = None;
        let got = self.scan(&mut |entry, bytes| {
            if not_finite.is_none() && !finite(entry.dtype, bytes) {
                not_finite = Some(quoted(&entry.name));
            }
            Ok(())
        })?;
        // A damaged file is the likelier cause of wild values, and the better news.
        self.compare_sha256(sha256, got)?;
        not_finite.map_or(Ok(()), |name| Err(Problem::NonFinite(name)))
    }

    /// Every tensor in float32, if the file still is the one of this sha256.
    pub(super) fn load(&self, sha256: &str) -> Result<HashMap<String, Tensor>, Problem> {
        let mut tensors = HashMap::with_capacity(self.entries.len());
        let got = self.scan(&mut |entry, bytes| {
            let kind = if entry.dtype == Dtype::F16 { Kind::Half } else { Kind::Float };
            let tensor = Tensor::f_from_data_size(bytes, &entry.shape, kind)?.f_to_kind(Kind::Float)?;
            tensors.insert(entry.name.clone(), tensor);
            Ok(())
        })?;
        self.compare_sha256(sha256, got)?;
        Ok(tensors)
    }

    fn compare_sha256(&self, expected: &str, got: String) -> Result<(), Problem> {
        if got == expected {
            return Ok(());
        }
        Err(Problem::Sha256 { file: self.name.clone(), expected: expected.to_owned(), got })
    }

    /// Shows the bytes of each tensor to `visit` and gives the sha256 of the whole file.
    fn scan(&self, visit: &mut Visit) -> Result<String, Problem> {
        let io = || Problem::io(&self.name, "read");
        let mut reader = File::open(&self.path).map_err(io())?;
        let mut hash = Sha256::new();
        let mut buffer = Vec::new();
        take(&mut reader, PREFIX + self.header, &mut buffer).map_err(io())?;
        hash.update(&buffer);
        for entry in &self.entries {
            take(&mut reader, entry.bytes as u64, &mut buffer).map_err(io())?;
            hash.update(&buffer);
            // A file cut short since its header was checked has another sha256 and nothing to show.
            if buffer.len() == entry.bytes {
                visit(entry, &buffer)?;
            }
        }
        // Bytes added since the header was checked change the sum too.
        while take(&mut reader, PREFIX + self.header, &mut buffer).map_err(io())? > 0 {
            hash.update(&buffer);
        }
        Ok(hex(&hash.finalize()))
    }
}

/// The path of `file` in `folder`, if it is safetensors and stays inside, links followed.
fn inside(folder: &Path, file: &str) -> Result<PathBuf, Problem> {
    if !file.ends_with(".safetensors") {
        return Err(Problem::Format(quoted(file)));
    }
    let relative = Path::new(file);
    if file.contains('\0') || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Problem::Outside(quoted(file)));
    }
    let root = folder.canonicalize().map_err(Problem::io("the folder", "read"))?;
    let path = root.join(relative).canonicalize().map_err(Problem::io(&quoted(file), "read"))?;
    if path.starts_with(&root) { Ok(path) } else { Err(Problem::Outside(quoted(file))) }
}

/// The size of a regular file, if it is one and within the limit. Asked before opening: opening a pipe would wait.
pub(super) fn regular_size(path: &Path, name: &str, limit: u64) -> Result<u64, Problem> {
    let about = fs::metadata(path).map_err(Problem::io(name, "read"))?;
    if !about.is_file() {
        return Err(Problem::NotAFile(name.to_owned()));
    }
    match about.len() {
        size if size <= limit => Ok(size),
        size => Err(Problem::TooLarge { what: name.to_owned(), size, limit }),
    }
}

/// Replaces `buffer` with up to `count` bytes; fewer only at the end of the file.
fn take(reader: &mut impl Read, count: u64, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    buffer.clear();
    reader.take(count).read_to_end(buffer)
}

/// Length and bytes of the header.
fn read_header(reader: &mut impl Read, size: u64, name: &str) -> Result<(u64, Vec<u8>), Problem> {
    let unsound = |reason: String| Problem::Header { file: name.to_owned(), reason };
    let mut prefix = [0; 8];
    if size < PREFIX {
        return Err(unsound(format!("it has {size} bytes, and the header alone takes more than 8")));
    }
    reader.read_exact(&mut prefix).map_err(Problem::io(name, "read"))?;
    let length = u64::from_le_bytes(prefix);
    let most = MAX_HEADER.min(size - PREFIX);
    if length > most {
        return Err(unsound(format!(
            "its header is said to take {length} bytes, but a file of {size} bytes has room for {most}"
        )));
    }
    let mut text = Vec::new();
    take(reader, length, &mut text).map_err(Problem::io(name, "read"))?;
    Ok((length, text))
}

/// The tensors a header lists, in file order; they fill the `data` bytes after it exactly.
fn entries(header: &[u8], data: u64, name: &str) -> Result<Vec<Entry>, Problem> {
    let unsound = |reason: String| Problem::Header { file: name.to_owned(), reason };
    // The crate checks that offsets follow each other without gaps and that sizes match shapes and types.
    let metadata: Metadata =
        serde_json::from_slice(header).map_err(|error| unsound(one_line(&error.to_string())))?;
    let claimed = metadata.data_len() as u64;
    if claimed != data {
        return Err(unsound(format!("its tensors take {claimed} bytes, but {data} bytes follow the header")));
    }
    metadata.offset_keys().into_iter().map(|key| entry(&metadata, key).map_err(unsound)).collect()
}

fn entry(metadata: &Metadata, name: String) -> Result<Entry, String> {
    let lost = || format!("tensor {} cannot be read", quoted(&name));
    let info = metadata.info(&name).ok_or_else(lost)?;
    let shape = info.shape.iter().map(|&n| i64::try_from(n)).collect::<Result<_, _>>().map_err(|_| lost())?;
    let bytes = info.data_offsets.1 - info.data_offsets.0;
    Ok(Entry { shape, dtype: info.dtype, bytes, name })
}

/// The file's tensors are exactly those of the network, all F32 or F16.
fn compare(entries: &[Entry], specs: &[TensorSpec]) -> Result<(), Problem> {
    let present: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    let wanted: HashMap<&str, &TensorSpec> = specs.iter().map(|spec| (spec.name.as_str(), spec)).collect();
    let missing = specs.iter().filter(|spec| !present.contains_key(spec.name.as_str()));
    let extra = entries.iter().filter(|entry| !wanted.contains_key(entry.name.as_str()));
    let misshaped = entries.iter().filter_map(|entry| {
        let spec = wanted.get(entry.name.as_str()).filter(|spec| spec.shape != entry.shape)?;
        let got = one_line(&format!("{:?}", entry.shape));
        Some(format!("{} has shape {got} instead of {:?}", quoted(&entry.name), spec.shape))
    });
    let mistyped = entries.iter().filter(|entry| !matches!(entry.dtype, Dtype::F32 | Dtype::F16));
    let faults = [
        list("missing", missing.map(|spec| quoted(&spec.name))),
        list("not part of this network", extra.map(|entry| quoted(&entry.name))),
        list("wrong shape", misshaped),
        list(
            "neither F32 nor F16",
            mistyped.map(|entry| format!("{} is {}", quoted(&entry.name), entry.dtype)),
        ),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::Tensors(faults.join("; "))) }
}

/// `title: a, b, c and 5 more`, or nothing for nothing.
fn list(title: &str, items: impl Iterator<Item = String>) -> Option<String> {
    const SHOWN: usize = 3;
    let mut items = items;
    let first: Vec<String> = items.by_ref().take(SHOWN).collect();
    let more = items.count();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| format!("{title}: {}{tail}", first.join(", ")))
}

fn finite(dtype: Dtype, bytes: &[u8]) -> bool {
    match dtype {
        Dtype::F16 => bytes.as_chunks().0.iter().all(|two| f16::from_le_bytes(*two).is_finite()),
        _ => bytes.as_chunks().0.iter().all(|four| f32::from_le_bytes(*four).is_finite()),
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
