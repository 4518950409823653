//! From a file to upright pictures in sRGB; every limit is checked before memory is allocated.
//!
//! The content says what a file is, not its name. A format reads the pixels as stored; what all formats have in common
//! is done here: the color profile, the rotation, and what the metadata says about both.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use image::metadata::Orientation;

use crate::format::{self, Limits, Page, Pages, Source};
use crate::metadata::{Metadata, exif, profile};
use crate::picture::Picture;
use crate::stop::Stop;

/// Opens the pictures in `path`.
pub fn open(path: &Path, limits: &Limits, stop: &Stop) -> anyhow::Result<Pages> {
    let (file, length) = open_file(path)?;
    read(Source::new(file, length, stop), limits, stop)
}

/// The pictures of an open file.
pub fn read(mut source: Source, limits: &Limits, stop: &Stop) -> anyhow::Result<Pages> {
    let start = source.start()?;
    let format = format::by_content(&start).with_context(|| match format::known_otherwise(&start) {
        Some(problem) => problem.to_owned(),
        None => format::not_a_picture(),
    })?;
    let opened = (format.read)(source, limits);
    stop.check()?;
    opened
}

/// A page as it should be seen: upright, in sRGB.
pub fn settle(page: Page) -> (Picture, Metadata) {
    let Page { mut picture, mut metadata, orientation } = page;
    metadata.exif = metadata.exif.map(exif::without_prefix);
    if let Some(icc) = metadata.icc.take() {
        let (converted, note) = profile::to_srgb(picture, &icc);
        picture = converted;
        metadata.notes.extend(note);
    }
    let orientation = orientation.or_else(|| metadata.orientation()).unwrap_or(Orientation::NoTransforms);
    let picture = picture.turned(orientation);
    metadata.settle(&picture, orientation);
    (picture, metadata)
}

fn open_file(path: &Path) -> anyhow::Result<(File, u64)> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("no such file"),
        Err(error) => bail!("cannot be read: {error}"),
    };
    if !metadata.is_file() {
        bail!("it is not a file");
    }
    if metadata.len() == 0 {
        bail!("the file is empty");
    }
    let file = File::open(path).map_err(|error| anyhow!("cannot be read: {error}"))?;
    Ok((file, metadata.len()))
}
