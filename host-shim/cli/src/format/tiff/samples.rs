//! From strips and tiles to samples next to each other, pixel by pixel, in native byte order.

use std::io::{Read, Seek, SeekFrom};

use super::layout::{Layout, Number};
use super::problem::{NAME, from_reading};
use super::unpack::unpack;
use crate::format::problem::{damaged, unsupported};

/// Reads every sample of a page: 1 byte each up to 8 bits, then 2, 4 or 8; `big_endian` is the file's byte order.
pub fn read(
    layout: &Layout,
    reader: &mut (impl Read + Seek),
    big_endian: bool,
    memory: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<u8>> {
    let sample = bytes_of(layout);
    let too_large = || anyhow::anyhow!("the TIFF needs more memory than --max-pixels allows");
    let pixel = sample * layout.channels;
    let size = layout.width.checked_mul(layout.height).and_then(|pixels| pixels.checked_mul(pixel));
    let size = size.filter(|size| *size <= memory).ok_or_else(too_large)?;
    let mut samples = vec![0; size];
    let (across, down) = layout.grid();
    let planes = if layout.planar { layout.channels } else { 1 };
    for index in 0..across * down * planes {
        let (plane, place) = (index / (across * down), index % (across * down));
        let (left, top) = (place % across * layout.chunk.0, place / across * layout.chunk.1);
        let columns = layout.chunk.0;
        // Tiles are whole; the last strip ends with the picture.
        let rows = if layout.tiled { layout.chunk.1 } else { layout.chunk.1.min(layout.height - top) };
        let length =
            layout.chunk_bytes(columns, rows).filter(|length| *length <= memory).ok_or_else(too_large)?;
        // As samples it may be larger than as it is packed, and than the picture.
        let in_pixel = if layout.in_units() { 3 } else { sample * layout.in_chunk() };
        let whole = columns.checked_mul(rows).and_then(|pixels| pixels.checked_mul(in_pixel));
        whole.filter(|whole| *whole <= memory).ok_or_else(too_large)?;
        let stored = stored(reader, layout.chunks[index], memory)?;
        let bytes = unpack(layout, stored, (columns, rows), (length, memory), notes)?;
        let values = match layout.in_units() {
            true => spread(layout, &bytes, columns, rows),
            false => values(layout, bytes, columns, rows, big_endian)?,
        };
        let chunk = Chunk { values, columns, pixel: sample * layout.in_chunk() };
        chunk.place(layout, &mut samples, (left, top), plane * sample, pixel);
    }
    Ok(samples)
}

/// Bytes of a sample once it is read.
pub fn bytes_of(layout: &Layout) -> usize {
    match layout.bits {
        0..=8 => 1,
        9..=16 => 2,
        17..=32 => 4,
        _ => 8,
    }
}

fn stored(
    reader: &mut (impl Read + Seek),
    (at, length): (u64, u64),
    memory: usize,
) -> anyhow::Result<Vec<u8>> {
    let length = length.min(u64::try_from(memory)?);
    let mut stored = Vec::new();
    reader.seek(SeekFrom::Start(at)).map_err(|error| from_reading(&error))?;
    reader.take(length).read_to_end(&mut stored).map_err(|error| from_reading(&error))?;
    Ok(stored)
}

/// A strip or tile of samples.
struct Chunk {
    values: Vec<u8>,
    columns: usize,
    /// Bytes of a pixel in it.
    pixel: usize,
}

impl Chunk {
    /// Copies what lies within the picture to where it belongs, `offset` bytes into each pixel of `pixel` bytes.
    fn place(
        &self,
        layout: &Layout,
        samples: &mut [u8],
        (left, top): (usize, usize),
        offset: usize,
        pixel: usize,
    ) {
        let columns = self.columns.min(layout.width - left);
        let rows = self.values.chunks_exact(self.columns * self.pixel);
        for (row, values) in rows.enumerate().take(layout.height - top) {
            let from = ((top + row) * layout.width + left) * pixel;
            let target = &mut samples[from..from + columns * pixel];
            if self.pixel == pixel {
                target.copy_from_slice(&values[..columns * pixel]);
                continue;
            }
            for (target, value) in target.chunks_exact_mut(pixel).zip(values.chunks_exact(self.pixel)) {
                target[offset..offset + self.pixel].copy_from_slice(value);
            }
        }
    }
}

/// The samples of a chunk's rows in native byte order, its predictor undone.
fn values(
    layout: &Layout,
    mut bytes: Vec<u8>,
    columns: usize,
    rows: usize,
    big_endian: bool,
) -> anyhow::Result<Vec<u8>> {
    let in_row = columns * layout.in_chunk();
    if !matches!(layout.bits, 8 | 16 | 32 | 64) {
        if layout.predictor != 1 {
            return Err(unsupported(NAME, &format!("it has a predictor for {} bits", layout.bits)));
        }
        return Ok(unpacked(&bytes, in_row, rows, layout.bits));
    }
    let size = layout.bits / 8;
    match layout.predictor {
        3 if layout.number == Number::Float => {
            for row in bytes.chunks_exact_mut(in_row * size) {
                undo_float(row, layout.in_chunk(), size);
            }
        }
        1 | 2 => {
            if big_endian != cfg!(target_endian = "big") {
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            if layout.predictor == 2 {
                for row in bytes.chunks_exact_mut(in_row * size) {
                    undo_differences(row, layout.in_chunk(), size);
                }
            }
        }
        other => return Err(damaged(NAME, &format!("its predictor is {other}, expected 1, 2 or 3"))),
    }
    Ok(bytes)
}

/// Samples of any number of bits up to 16, rows padded to bytes, as one or two bytes each.
fn unpacked(bytes: &[u8], in_row: usize, rows: usize, bits: usize) -> Vec<u8> {
    let wide = bits > 8;
    let mut samples = Vec::with_capacity(in_row * rows * if wide { 2 } else { 1 });
    for row in bytes.chunks_exact((in_row * bits).div_ceil(8)).take(rows) {
        let (mut held, mut count, mut next) = (0_u32, 0, row.iter());
        for _ in 0..in_row {
            while count < bits {
                held = held << 8 | u32::from(*next.next().unwrap_or(&0));
                count += 8;
            }
            count -= bits;
            let value = held >> count & ((1 << bits) - 1);
            if wide {
                samples.extend(u16::try_from(value).unwrap_or(u16::MAX).to_ne_bytes());
            } else {
                samples.push(u8::try_from(value).unwrap_or(u8::MAX));
            }
        }
    }
    samples
}

/// Sums of the differences between neighbors.
fn undo_differences(row: &mut [u8], channels: usize, size: usize) {
    macro_rules! add {
        ($number:ty) => {{
            const SIZE: usize = size_of::<$number>();
            let samples = row.as_chunks_mut::<SIZE>().0;
            for at in channels..samples.len() {
                let sum = <$number>::from_ne_bytes(samples[at])
                    .wrapping_add(<$number>::from_ne_bytes(samples[at - channels]));
                samples[at] = sum.to_ne_bytes();
            }
        }};
    }
    match size {
        1 => add!(u8),
        2 => add!(u16),
        4 => add!(u32),
        _ => add!(u64),
    }
}

/// Floats whose bytes were sorted by weight, highest first, and then stored as differences.
fn undo_float(row: &mut [u8], channels: usize, size: usize) {
    for at in channels..row.len() {
        row[at] = row[at].wrapping_add(row[at - channels]);
    }
    let sorted = row.to_vec();
    let count = row.len() / size;
    for (at, sample) in row.chunks_exact_mut(size).enumerate() {
        for (weight, byte) in sample.iter_mut().enumerate() {
            let weight = if cfg!(target_endian = "big") { weight } else { size - 1 - weight };
            *byte = sorted[weight * count + at];
        }
    }
}

/// Units of several luma samples and the chroma they share, as three samples a pixel.
fn spread(layout: &Layout, bytes: &[u8], columns: usize, rows: usize) -> Vec<u8> {
    let (across, down) = layout.subsampling;
    let units = columns.div_ceil(across);
    let unit = across * down + 2;
    let mut samples = Vec::with_capacity(columns * rows * 3);
    for y in 0..rows {
        for x in 0..columns {
            let unit = &bytes[(y / down * units + x / across) * unit..][..unit];
            samples.extend([
                unit[y % down * across + x % across],
                unit[across * down],
                unit[across * down + 1],
            ]);
        }
    }
    samples
}
