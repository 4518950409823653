//! How the pixels of a page are stored, as its directory says: checked here, so that what reads them can trust it.

use std::io::{Read, Seek};

use super::problem::NAME;
use super::tags::*;
use crate::format::limits::Limits;
use crate::format::problem::{damaged, unsupported};
use crate::metadata::ifd::{Directory, Header};

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    /// CIELAB with signed a and b.
    CieLab,
    /// CIELAB with a and b from 128 on.
    IccLab,
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Unsigned,
    Signed,
    Float,
}

/// How the pixels of a page are stored.
#[derive(Debug, Clone)]
pub struct Layout {
    pub width: usize,
    pub height: usize,
    pub bits: usize,
    pub number: Number,
    /// Samples of a pixel.
    pub channels: usize,
    /// Meanings of the samples beyond the colors; none where the file does not say.
    pub extra: Vec<u64>,
    pub photometric: Photometric,
    pub compression: u64,
    pub predictor: u64,
    /// Whether the lowest bit of a byte comes first.
    pub reversed: bool,
    /// Whether the samples of a channel are stored together.
    pub planar: bool,
    /// Width and height of a strip or tile.
    pub chunk: (usize, usize),
    pub tiled: bool,
    /// Where each chunk is and how many bytes it takes.
    pub chunks: Vec<(u64, u64)>,
    /// Pixels that share a chroma sample, across and down.
    pub subsampling: (usize, usize),
    pub fax_options: u64,
    pub jpeg_tables: Option<Vec<u8>>,
    /// A whole JPEG, as TIFF 6.0 embedded it: place and length.
    pub old_jpeg: Option<(u64, u64)>,
    pub palette: Vec<u16>,
    /// Shares of red, green, and blue in luma; black and white of luma and chroma.
    pub luma: [f32; 3],
    pub reference: [f32; 6],
}

/// Compressions that may be of differences.
const PREDICTED: [u64; 5] = [LZW, DEFLATE, OLD_DEFLATE, ZSTD, LZMA];
/// Tiles may be larger than the picture up to this many pixels a side.
const TILE: usize = 4096;
/// Shares of red, green, and blue in luma (ITU-R BT.601), where a file states none.
const LUMA_601: [f32; 3] = [0.299, 0.587, 0.114];
/// Black and white of luma and chroma, where a file states none.
const FULL_RANGE: [f32; 6] = [0.0, 255.0, 128.0, 255.0, 128.0, 255.0];
/// Most channels of a pixel; multispectral pictures have more and are no photographs.
const MOST_CHANNELS: u64 = 64;

impl Layout {
    /// Reads the directory of a page.
    pub fn of(
        header: &Header,
        reader: &mut (impl Read + Seek),
        directory: &Directory,
        length: u64,
    ) -> anyhow::Result<Self> {
        let mut list = |tag: u16| directory.find(tag).and_then(|entry| header.unsigned_values(reader, entry));
        let mut first =
            |tag: u16, otherwise: u64| list(tag).and_then(|list| list.first().copied()).unwrap_or(otherwise);
        let (width, height) = (first(WIDTH, 0), first(LENGTH, 0));
        let (compression, channels) = (first(COMPRESSION, 1), first(SAMPLES_PER_PIXEL, 1));
        if channels == 0 || channels > MOST_CHANNELS {
            return Err(unsupported(NAME, &format!("its pixels have {channels} samples each")));
        }
        let tiled = directory.find(TILE_OFFSETS).is_some();
        let chunk = match tiled {
            true => (first(TILE_WIDTH, 0), first(TILE_LENGTH, 0)),
            false => (width, first(ROWS_PER_STRIP, height).clamp(1, height.max(1))),
        };
        let number = match first(SAMPLE_FORMAT, 1) {
            1 | 4 => Number::Unsigned,
            2 => Number::Signed,
            3 => Number::Float,
            _ => return Err(unsupported(NAME, &"its samples are complex numbers")),
        };
        let photometric = photometric(first(PHOTOMETRIC, 1))?;
        let old_jpeg = (first(OLD_JPEG, 0), first(OLD_JPEG_LENGTH, 0));
        let (predictor, planar) = (first(PREDICTOR, 1), first(PLANAR, 1) == 2);
        let (fax_options, reversed) = (first(FAX_OPTIONS, 0), first(FILL_ORDER, 1) == 2);
        let bits = list(BITS_PER_SAMPLE).unwrap_or_else(|| vec![1]);
        if bits.iter().any(|other| *other != bits[0]) {
            return Err(unsupported(NAME, &format!("its channels differ in depth: {bits:?} bits")));
        }
        let bits = *bits.first().unwrap_or(&1);
        if !matches!(
            (number, bits),
            (Number::Unsigned, 1..=16 | 32) | (Number::Signed, 8 | 16) | (Number::Float, 16 | 32 | 64)
        ) {
            let kind = match number {
                Number::Unsigned => "",
                Number::Signed => " (signed)",
                Number::Float => " (floating point)",
            };
            return Err(unsupported(NAME, &format!("its samples have {bits} bits{kind}")));
        }
        let subsampling = match (photometric, list(SUBSAMPLING).as_deref()) {
            (Photometric::YCbCr, Some([across, down, ..])) => (*across, *down),
            (Photometric::YCbCr, _) => (2, 2),
            _ => (1, 1),
        };
        if ![subsampling.0, subsampling.1].iter().all(|factor| matches!(factor, 1 | 2 | 4)) {
            return Err(damaged(NAME, &format!("its chroma is subsampled by {subsampling:?}")));
        }
        let (places, sizes) = if tiled { (TILE_OFFSETS, TILE_SIZES) } else { (STRIP_OFFSETS, STRIP_SIZES) };
        let (places, sizes) = (list(places).unwrap_or_default(), list(sizes));
        // Old writers leave out the sizes; what is there is as much as can be read.
        let sizes =
            sizes.unwrap_or_else(|| places.iter().map(|place| length.saturating_sub(*place)).collect());
        let palette = list(COLOR_MAP).unwrap_or_default();
        let size = |value: u64| usize::try_from(value);
        let layout = Self {
            width: size(width)?,
            height: size(height)?,
            bits: size(bits)?,
            number,
            channels: size(channels)?,
            extra: list(EXTRA_SAMPLES).unwrap_or_default(),
            photometric,
            compression,
            // Only these write differences, whatever a leftover tag says.
            predictor: if PREDICTED.contains(&compression) { predictor } else { 1 },
            reversed,
            planar: planar && channels > 1,
            chunk: (size(chunk.0)?, size(chunk.1)?),
            tiled,
            chunks: places.into_iter().zip(sizes).collect(),
            subsampling: (size(subsampling.0)?, size(subsampling.1)?),
            fax_options,
            jpeg_tables: directory.find(JPEG_TABLES).and_then(|entry| header.raw(reader, entry, 1 << 20)),
            old_jpeg: (old_jpeg.0 > 0 && compression == OLD_STYLE_JPEG).then_some(old_jpeg),
            palette: palette.into_iter().map(|value| u16::try_from(value).unwrap_or(u16::MAX)).collect(),
            luma: Some(floats(header, reader, directory, LUMA, LUMA_601))
                .filter(|[_, green, _]| *green > 0.0)
                .unwrap_or(LUMA_601),
            reference: Some(floats(header, reader, directory, REFERENCE, FULL_RANGE))
                .filter(|range| range.as_chunks::<2>().0.iter().all(|[low, high]| low < high))
                .unwrap_or(FULL_RANGE),
        };
        layout.check()?;
        Ok(layout)
    }

    /// Samples of a pixel that are its color.
    pub fn colors(&self) -> usize {
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero | Photometric::Palette => 1,
            // A picture of lightness alone.
            Photometric::CieLab | Photometric::IccLab if self.channels < 3 => 1,
            Photometric::Rgb | Photometric::YCbCr | Photometric::CieLab | Photometric::IccLab => 3,
            Photometric::Cmyk => 4,
        }
    }

    /// Samples of a pixel in one chunk.
    pub fn in_chunk(&self) -> usize {
        if self.planar { 1 } else { self.channels }
    }

    /// Chunks across and down.
    pub fn grid(&self) -> (usize, usize) {
        (self.width.div_ceil(self.chunk.0), self.height.div_ceil(self.chunk.1))
    }

    /// Whether several pixels share their chroma, in units of their own.
    pub fn in_units(&self) -> bool {
        self.photometric == Photometric::YCbCr
            && !self.planar
            && self.subsampling != (1, 1)
            && self.compression != JPEG
    }

    /// Bytes of a chunk of `columns` and `rows` once it is unpacked.
    pub fn chunk_bytes(&self, columns: usize, rows: usize) -> Option<usize> {
        if self.in_units() {
            let (across, down) = self.subsampling;
            let units = columns.div_ceil(across).checked_mul(rows.div_ceil(down))?;
            return units.checked_mul(across * down + 2);
        }
        let row = columns.checked_mul(self.in_chunk())?.checked_mul(self.bits)?.div_ceil(8);
        row.checked_mul(rows)
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.chunk.0 == 0 || self.chunk.1 == 0 {
            return Err(damaged(NAME, &"its strips or tiles have no size"));
        }
        let beyond = |chunk: usize, side: usize| chunk > TILE.max(side.saturating_add(TILE));
        if self.tiled && (beyond(self.chunk.0, self.width) || beyond(self.chunk.1, self.height)) {
            return Err(damaged(
                NAME,
                &format!(
                    "its tiles are {} x {} pixels, for a picture of {} x {}",
                    self.chunk.0, self.chunk.1, self.width, self.height
                ),
            ));
        }
        if self.channels < self.colors() {
            return Err(damaged(
                NAME,
                &format!("it has {} channels, expected {}", self.channels, self.colors()),
            ));
        }
        let planes = if self.planar { self.channels } else { 1 };
        let (across, down) = self.grid();
        let needed = across.saturating_mul(down).saturating_mul(planes);
        if self.old_jpeg.is_none() && self.chunks.len() < needed {
            return Err(damaged(
                NAME,
                &format!("it has {} strips or tiles, expected {needed}", self.chunks.len()),
            ));
        }
        if self.in_units() && self.predictor != 1 {
            return Err(unsupported(NAME, &"its chroma is subsampled, and it has a predictor"));
        }
        if self.in_units() && (self.bits != 8 || self.channels != 3) {
            return Err(unsupported(NAME, &"its chroma is subsampled, and it is not 8-bit YCbCr"));
        }
        if self.photometric == Photometric::YCbCr && self.planar && self.subsampling != (1, 1) {
            return Err(unsupported(NAME, &"its chroma is subsampled in planes of its own"));
        }
        Ok(())
    }

    /// Refuses a size that is too large, or that the file cannot hold.
    pub fn check_size(
        header: &Header,
        reader: &mut (impl Read + Seek),
        directory: &Directory,
        limits: &Limits,
        length: u64,
    ) -> anyhow::Result<()> {
        let mut number = |tag| header.unsigned(reader, directory.find(tag)?);
        let side = |value: Option<u64>| u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX);
        let (width, height) = (side(number(WIDTH)), side(number(LENGTH)));
        limits.size(width, height)?;
        Limits::holds(NAME, width, height, length, most_pixels_a_byte(number(COMPRESSION).unwrap_or(1)))
    }
}

fn photometric(value: u64) -> anyhow::Result<Photometric> {
    Ok(match value {
        0 => Photometric::WhiteIsZero,
        1 => Photometric::BlackIsZero,
        2 => Photometric::Rgb,
        3 => Photometric::Palette,
        5 => Photometric::Cmyk,
        6 => Photometric::YCbCr,
        8 => Photometric::CieLab,
        9 => Photometric::IccLab,
        4 => return Err(unsupported(NAME, &"it is a mask of another picture")),
        32_803 | 34_892 => return Err(unsupported(NAME, &"it is camera raw, which must be developed first")),
        other => return Err(unsupported(NAME, &format!("its colors are of a kind of their own ({other})"))),
    })
}

/// Pixels a byte can hold, by how they are packed.
fn most_pixels_a_byte(compression: u64) -> u64 {
    match compression {
        1 => 8,
        // LZW: strings of 4096 bytes in codes of 12 bits.
        LZW => 8 * 2731,
        DEFLATE | OLD_DEFLATE => 8 * 1032,
        PACK_BITS => 8 * 64,
        // The others have runs without end.
        _ => u64::MAX,
    }
}

/// The fractions or floats of a tag, if there are as many as expected and they make sense.
fn floats<const COUNT: usize>(
    header: &Header,
    reader: &mut (impl Read + Seek),
    directory: &Directory,
    tag: u16,
    otherwise: [f32; COUNT],
) -> [f32; COUNT] {
    let mut read = || {
        let entry = directory.find(tag).filter(|entry| entry.kind == 5)?;
        let bytes = header.values(reader, entry, COUNT * 8)?;
        let halves: Vec<u32> =
            bytes.as_chunks::<4>().0.iter().map(|half| u32::from_ne_bytes(*half)).collect();
        #[expect(clippy::cast_precision_loss, reason = "small numbers, and 24 bits of them are enough")]
        let value = |pair: &[u32; 2]| pair[0] as f32 / pair[1] as f32;
        let values: Vec<f32> = halves.as_chunks::<2>().0.iter().map(value).collect();
        <[f32; COUNT]>::try_from(values).ok()
    };
    read().filter(|values| values.iter().all(|value| value.is_finite())).unwrap_or(otherwise)
}
