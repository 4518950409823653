//! CIFAR-10 in its binary form (Krizhevsky 2009): records of one label byte and 3 x 1024 bytes, the red, green and blue
//! planes of a 32x32 picture, row by row, in `data_batch_1.bin` to `data_batch_5.bin` (train) and `test_batch.bin`
//! (test).
//!
//! Read from a folder with these files, or from a tar archive of them: plain, `.tar.gz` as the official one is, or
//! `.tar.xz`. The split asked for is held in memory (150 MB of the whole set). A last record that is cut short and a
//! label above 9 are corrupt photographs; the rest is used.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use image::RgbImage;

use super::item::Place;
use super::tar::{CUT, damaged};
use super::{Item, Listing, Split};

/// Side of a picture.
const SIDE: usize = 32;
/// Bytes of a record.
pub(super) const RECORD: usize = 1 + 3 * SIDE * SIDE;
/// The classes, by label.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
/// Larger batches are refused before they are read: the official ones have 10,000 records.
const MAX_BATCH: u64 = 100_000 * RECORD as u64;
/// More files than this in an archive are refused: the official one has eight.
const MAX_FILES: usize = 64;

/// Whether `path` is a folder that holds CIFAR-10's files, or an archive named after it or compressed.
pub(super) fn is(path: &Path) -> bool {
    if path.is_dir() {
        let batches = |name: &str| path.join(name).is_file();
        return batches("test_batch.bin") || (1..=5).any(|n| batches(&format!("data_batch_{n}.bin")));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.is_file() && (name.starts_with("cifar") || [".gz", ".xz", ".tgz"].iter().any(|e| name.ends_with(e)))
}

/// Every record of the split.
pub(super) fn list(path: &Path, split: Option<Split>) -> Result<Listing> {
    let split = split.unwrap_or(Split::Train);
    let mut listing = Listing::default();
    let mut batch = |name: &str, size: u64, reader: &mut dyn Read| {
        if !belongs(name, split) {
            return Ok(());
        }
        if size > MAX_BATCH {
            bail!("{name}: expected at most {MAX_BATCH} bytes, got {size}");
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size)?);
        let read = reader.take(size).read_to_end(&mut bytes).with_context(|| format!("{name}: {CUT}"))?;
        if u64::try_from(read)? < size {
            bail!("{name}: {CUT}");
        }
        records(name, &Arc::new(bytes), &mut listing);
        Ok(())
    };
    if path.is_dir() {
        for number in 0..=5 {
            let name = if number == 0 { "test_batch.bin".into() } else { format!("data_batch_{number}.bin") };
            let file = path.join(&name);
            if file.is_file() {
                let mut reader = File::open(&file).with_context(|| name.clone())?;
                batch(&name, reader.metadata()?.len(), &mut reader)?;
            }
        }
    } else {
        each_file(path, &mut batch)?;
    }
    Ok(listing)
}

type OnFile<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<()> + 'a;

/// Calls `visit` with the name, size and contents of every file in a tar archive, compressed or not.
fn each_file(path: &Path, visit: &mut OnFile) -> Result<()> {
    let file = BufReader::new(File::open(path)?);
    let name = path.to_string_lossy();
    let reader: Box<dyn Read> = if name.ends_with(".xz") {
        Box::new(liblzma::read::XzDecoder::new(file))
    } else if name.ends_with("gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut archive = tar::Archive::new(reader);
    for (index, entry) in archive.entries()?.enumerate() {
        let expected =
            if index == 0 { "expected CIFAR-10 in a tar, .tar.gz or .tar.xz archive" } else { CUT };
        let mut entry = entry.map_err(|error| damaged(expected, &error))?;
        if index == MAX_FILES {
            bail!("expected CIFAR-10 with its 8 files, got an archive with more than {MAX_FILES}");
        }
        let name = entry.path()?.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let size = entry.size();
        visit(&name, size, &mut entry)?;
    }
    Ok(())
}

fn belongs(name: &str, split: Split) -> bool {
    match split {
        Split::Train => name.starts_with("data_batch_") && name.ends_with(".bin"),
        Split::Test => name == "test_batch.bin",
    }
}

/// Sorts the records of a batch into photographs and corrupt ones.
fn records(name: &str, batch: &Arc<Vec<u8>>, listing: &mut Listing) {
    for (index, record) in batch.chunks_exact(RECORD).enumerate() {
        let at = format!("{name}/{index:05}");
        match CLASSES.get(usize::from(record[0])) {
            Some(class) => listing.items.push(Item {
                name: format!("{at}-{class}"),
                class: Some((*class).to_owned()),
                place: Place::Record { batch: Arc::clone(batch), offset: index * RECORD },
            }),
            None => listing.corrupt.push((at, format!("expected a label of 0 to 9, got {}", record[0]))),
        }
    }
    let rest = batch.len() % RECORD;
    if rest > 0 {
        let at = format!("{name}/{:05}", batch.len() / RECORD);
        listing
            .corrupt
            .push((at, format!("the file ends inside the record, after {rest} of {RECORD} bytes")));
    }
}

/// The picture of a record.
pub(super) fn picture(record: &[u8]) -> RgbImage {
    let planes = &record[1..];
    let area = SIDE * SIDE;
    let pixels: Vec<u8> =
        (0..area).flat_map(|i| [planes[i], planes[area + i], planes[2 * area + i]]).collect();
    let side = u32::try_from(SIDE).unwrap_or_default();
    RgbImage::from_raw(side, side, pixels).unwrap_or_default()
}
