//! Doors for the fuzz targets (`fuzz/`): bytes of strangers go in, and what must hold whatever they are is asserted.
//!
//! The idea: **a fuzz target looks for more than a crash**. A picture has as many bytes as its size states, metadata that
//! was mended needs no second mending, and what was written is read again as it was.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use autochrome_loader::PixelFormat;
use image::metadata::Orientation;

use crate::decode;
use crate::encode::Sink;
use crate::format::{self, Limits, Options, Source};
use crate::metadata::exif::Fields;
use crate::metadata::xmp::Provenance;
use crate::metadata::{Metadata, exif, iptc, profile, xmp};
use crate::picture::Picture;
use crate::stop::Stop;

/// Largest picture that is decoded: small ones show the same faults sooner.
pub const MAX_PIXELS: u64 = 1 << 20;
/// Most pages of a file that are decoded.
const PAGES: usize = 16;

/// Decodes a file of any format: every page upright in sRGB, as the program does it.
///
/// # Panics
/// If a page is not what it states.
pub fn image(bytes: &[u8]) {
    let Ok(pages) = opened(bytes) else { return };
    for page in pages.pages.take(PAGES) {
        let Ok(page) = page else { continue };
        whole(&page.picture);
        let (picture, metadata) = decode::settle(page);
        whole(&picture);
        settled(&metadata);
    }
}

fn opened(bytes: &[u8]) -> anyhow::Result<format::Pages> {
    let mut file = file()?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let stop = Stop::default();
    let source = Source::new(file, u64::try_from(bytes.len())?, &stop);
    decode::read(source, &Limits { max_pixels: MAX_PIXELS }, &stop)
}

/// The one file that every input is put into, without a name, in memory where there is such a folder.
fn file() -> anyhow::Result<File> {
    thread_local! {
        static FILE: File =
            tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).expect("a file can be made");
    }
    Ok(FILE.with(File::try_clone)?)
}

/// It has pixels, no more than allowed, and as many bytes as they take.
fn whole(picture: &Picture) {
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    assert!((1..=MAX_PIXELS).contains(&pixels), "{} x {}", picture.width, picture.height);
    let bytes = pixels * u64::try_from(picture.format.bytes_per_pixel()).expect("few");
    assert_eq!(u64::try_from(picture.pixels.len()), Ok(bytes), "{:?}", picture.format);
}

/// What is said of a result is true of it, and sentences are lines.
fn settled(metadata: &Metadata) {
    assert!(metadata.icc.is_none());
    assert!(metadata.orientation().is_none_or(|orientation| orientation == Orientation::NoTransforms));
    assert!(metadata.notes.iter().all(|note| !note.contains('\n')), "{:?}", metadata.notes);
}

/// EXIF, XMP or IPTC; the first byte chooses.
///
/// # Panics
/// If what comes out is not what it should be.
pub fn metadata(bytes: &[u8]) {
    let Some((choice, block)) = bytes.split_first() else { return };
    match choice % 3 {
        0 => exif_block(block),
        1 => xmp_packet(block),
        _ => iptc_records(block),
    }
}

fn exif_block(block: &[u8]) {
    let before = exif::orientation(block);
    assert!(before.is_none_or(|value| (1..=8).contains(&value)));
    for swapped in [false, true] {
        let Some(mended) = exif::mended(block.to_vec(), 640, 480, swapped) else { continue };
        assert!(mended.len() <= block.len());
        assert!(exif::orientation(&mended).is_none_or(|value| value == 1 || before.is_none()));
    }
    // What is rebuilt is read again as it was, but for a tag that stood there twice.
    let Some(fields) = Fields::parse(block) else { return };
    let rebuilt = fields.to_block();
    let read = Fields::parse(&rebuilt).expect("a block of our own");
    assert_eq!(read.to_block(), rebuilt);
    assert_eq!((read.exif.is_empty(), read.gps.is_empty()), (fields.exif.is_empty(), fields.gps.is_empty()));
}

fn xmp_packet(packet: &[u8]) {
    let note = Provenance { tool: "Autochrome <1>".into(), model: "a & b".into() };
    for provenance in [None, Some(&note)] {
        let (merged, problem) = xmp::merged(Some(packet), provenance, &[]);
        assert!(problem.as_ref().is_none_or(|problem| problem.starts_with("its XMP was dropped: ")));
        let Some(merged) = merged else { continue };
        // Ours or theirs, it is XMP: merging into it once more finds nothing wrong.
        let (again, problem) = xmp::merged(Some(&merged), provenance, &[]);
        assert_eq!((again.is_some(), problem), (true, None), "{}", String::from_utf8_lossy(&merged));
    }
}

fn iptc_records(records: &[u8]) {
    if let Some(found) = iptc::from_photoshop(records) {
        assert!(found.len() <= records.len());
    }
    // Anything that is not empty and does not look like Photoshop's own comes back.
    let wrapped = iptc::to_photoshop(records);
    let back = iptc::from_photoshop(&wrapped);
    assert_eq!(back.as_deref(), Some(records).filter(|records| !records.is_empty()));
}

/// A color profile over a few pixels; the first byte chooses their format.
///
/// # Panics
/// If the picture is another one, or a sample is out of range.
pub fn profile(bytes: &[u8]) {
    let Some((choice, icc)) = bytes.split_first() else { return };
    const FORMATS: [PixelFormat; 8] = [
        PixelFormat::Gray8,
        PixelFormat::Rgb8,
        PixelFormat::Rgba8,
        PixelFormat::Gray16,
        PixelFormat::Rgb16,
        PixelFormat::Rgba16,
        PixelFormat::GrayF32,
        PixelFormat::RgbaF32,
    ];
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    let pixels = picture_bytes(format, 12, &[0, 1, 40, 128, 200, 255]);
    let (picture, note) = profile::to_srgb(Picture::new(format, 4, 3, pixels), icc);
    whole(&picture);
    assert_eq!(picture.format, format);
    assert!(note.is_none_or(|note| !note.contains('\n')));
    if format.bytes_per_sample() == 4 {
        let shown = |sample: &[u8; 4]| (0.0..=1.0).contains(&f32::from_ne_bytes(*sample));
        assert!(picture.pixels.as_chunks().0.iter().all(shown), "a sample is out of range");
    }
}

/// The bytes of so many pixels whose samples run through `seed`; floats are between 0 and 1.
fn picture_bytes(format: PixelFormat, pixels: usize, seed: &[u8]) -> Vec<u8> {
    let samples = seed.iter().copied().cycle().take(pixels * format.samples());
    match format.bytes_per_sample() {
        1 => samples.collect(),
        2 => samples.flat_map(|value| [value, value ^ 0x5A]).collect(),
        _ => samples.flat_map(|value| (f32::from(value) / 255.0).to_ne_bytes()).collect(),
    }
}

/// Longest side of a picture that is written.
const MOST_SIDE: u8 = 24;

/// What a picture is made of for [`written`].
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// Chooses the output's format.
    pub writer: u8,
    /// Chooses the format of the pixels.
    pub pixels: u8,
    /// Width and height; only what is left over by the largest side counts.
    pub size: (u8, u8),
    /// The samples, repeated.
    pub seed: &'a [u8],
    /// Metadata, as a source could have it.
    pub exif: &'a [u8],
    /// See `exif`.
    pub xmp: &'a [u8],
    /// See `exif`.
    pub iptc: &'a [u8],
}

/// Writes a picture with metadata and reads it again: the same pixels where the format loses nothing, the same metadata
/// where nothing was noted.
///
/// # Panics
/// If something else comes back, or nothing.
pub fn written(made: &Made<'_>) {
    const FORMATS: [PixelFormat; 5] = [
        PixelFormat::Rgb8,
        PixelFormat::Rgba8,
        PixelFormat::Rgb16,
        PixelFormat::Rgba16,
        PixelFormat::RgbaF32,
    ];
    let writers: Vec<_> = format::FORMATS.into_iter().filter(|format| format.write.is_some()).collect();
    let target = writers[usize::from(made.writer) % writers.len()];
    let format = FORMATS[usize::from(made.pixels) % FORMATS.len()];
    let [columns, rows] = [made.size.0, made.size.1].map(|side| side % MOST_SIDE + 1);
    let (width, height) = (u32::from(columns), u32::from(rows));
    let seed = if made.seed.is_empty() { &[7] } else { made.seed };
    let count = usize::from(columns) * usize::from(rows);
    let make = || Picture::new(format, width, height, picture_bytes(format, count, seed));
    let some = |block: &[u8]| (!block.is_empty()).then(|| block.to_vec());
    // Records begin so; whatever does not is no IPTC to any reader.
    let records = (!made.iptc.is_empty()).then(|| [b"\x1C", made.iptc].concat());
    let mut metadata = Metadata { exif: some(made.exif), iptc: records, ..Metadata::default() };
    metadata.xmp = xmp::merged(some(made.xmp).as_deref(), None, &[]).0;
    metadata.settle(&make(), Orientation::NoTransforms);
    let Ok((bytes, kept)) = through_sink(target, make(), metadata) else { return };
    let mut pages = opened(&bytes).expect("what was written can be opened");
    let page = pages.pages.next().expect("a page").expect("what was written can be read");
    let writer = target.write.as_ref().expect("it is written");
    let expected = make().at_most(writer.depth);
    let (picture, read) = decode::settle(page);
    assert_eq!((picture.width, picture.height), (width, height));
    if target.name != "JPEG" {
        assert!(picture.format == expected.format, "{:?} for {:?}", picture.format, expected.format);
        let other = picture.pixels.iter().zip(&expected.pixels).position(|(got, put)| got != put);
        let near = |pixels: &[u8]| other.map(|at| pixels[at..].iter().take(16).copied().collect::<Vec<u8>>());
        assert_eq!(near(&picture.pixels), near(&expected.pixels), "{} at {other:?}", target.name);
        assert_eq!(picture.pixels.len(), expected.pixels.len());
    }
    assert_eq!(read.xmp, kept.xmp, "{}: XMP", target.name);
    assert_eq!(read.iptc, kept.iptc, "{}: IPTC", target.name);
}

/// The file of a picture, and its metadata with what was noted as dropped.
fn through_sink(
    target: &'static format::Format,
    picture: Picture,
    mut metadata: Metadata,
) -> anyhow::Result<(Vec<u8>, Metadata)> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let path = folder.path().join("a");
    let stop = Stop::default();
    let mut sink = Sink::new(target, &path, Options { quality: 92, pam: false }, false, &stop)?;
    sink.check(&picture)?;
    sink.put(picture, &mut metadata).expect("a picture that was found to fit is written");
    sink.finish().expect("and ended");
    let mut bytes = Vec::new();
    File::open(&path)?.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}
