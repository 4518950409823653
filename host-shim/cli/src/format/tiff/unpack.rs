//! From the stored bytes of a strip or tile to those of its rows. A chunk that unpacks to less than its rows is
//! refused: nothing is made up.

use std::io::{Cursor, Read};

use autochrome_jpeg::{Color, Outcome, Transform};
use fax::Color as Ink;
use fax::decoder::{DecodeStatus, Group3Decoder, Group4Decoder, pels};
use image_webp::WebPDecoder;
use weezl::{BitOrder, LzwStatus};

use super::layout::{Layout, Photometric};
use super::problem::NAME;
use super::tags::{
    DEFLATE, FAX_3, FAX_4, JPEG, LZMA, LZW, OLD_DEFLATE, OLD_STYLE_JPEG, PACK_BITS, RAW, WEBP, ZSTD,
};
use crate::format::problem::{cut_short, damaged, unsupported};

/// Memory that LZMA and ZSTD may take for their windows.
const WINDOW: u64 = 128 << 20;

/// Unpacks a chunk of `columns` and `rows` to exactly `size` bytes, in `memory` bytes at most.
pub fn unpack(
    layout: &Layout,
    mut stored: Vec<u8>,
    (columns, rows): (usize, usize),
    (size, memory): (usize, usize),
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<u8>> {
    if layout.reversed && !matches!(layout.compression, JPEG | WEBP) {
        stored.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    let broken = |what: &str| damaged(NAME, &format!("its {what} data cannot be unpacked"));
    let read = |mut from: Box<dyn Read + '_>, what: &str| {
        let mut bytes = vec![0; size];
        from.read_exact(&mut bytes).map(|()| bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => cut_short(NAME),
            _ => broken(what),
        })
    };
    match layout.compression {
        RAW if stored.len() >= size => {
            stored.truncate(size);
            Ok(stored)
        }
        RAW => Err(cut_short(NAME)),
        LZW => lzw(&stored, size),
        PACK_BITS => pack_bits(&stored, size).ok_or_else(|| cut_short(NAME)),
        DEFLATE | OLD_DEFLATE => read(Box::new(flate2::read::ZlibDecoder::new(stored.as_slice())), "deflate"),
        ZSTD => {
            let decoder =
                ruzstd::decoding::StreamingDecoder::new_with_max_window_size(stored.as_slice(), WINDOW);
            read(Box::new(decoder.map_err(|_| broken("ZSTD"))?), "ZSTD")
        }
        LZMA => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(WINDOW, 0).map_err(|_| broken("LZMA"))?;
            read(Box::new(liblzma::read::XzDecoder::new_stream(stored.as_slice(), stream)), "LZMA")
        }
        FAX_3 | FAX_4 => fax(layout, &stored, (columns, rows), size, notes),
        JPEG => jpeg(layout, &stored, (columns, rows), (size, memory), notes),
        WEBP => webp(&stored, (columns, rows), size).ok_or_else(|| broken("WebP")),
        OLD_STYLE_JPEG => Err(unsupported(NAME, &"it is old-style JPEG without a whole JPEG in it")),
        2 => Err(unsupported(NAME, &"it is packed as modified Huffman fax (compression 2)")),
        34_712 => Err(unsupported(NAME, &"it is packed as JPEG 2000")),
        34_892 => Err(unsupported(NAME, &"it is packed as lossy DNG")),
        50_002 => Err(unsupported(NAME, &"it is packed as JPEG XL")),
        other => Err(unsupported(NAME, &format!("it is packed in a way of its own (compression {other})"))),
    }
}

/// LZW of TIFF 6.0, or as writers had it before: lowest bit first.
fn lzw(stored: &[u8], size: usize) -> anyhow::Result<Vec<u8>> {
    let mut decoder = match stored {
        [0, second, ..] if second & 1 == 1 => weezl::decode::Decoder::new(BitOrder::Lsb, 8),
        _ => weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let (mut bytes, mut from, mut to) = (vec![0; size], 0, 0);
    while to < size {
        let result = decoder.decode_bytes(&stored[from..], &mut bytes[to..]);
        (from, to) = (from + result.consumed_in, to + result.consumed_out);
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            Ok(_) if to == size => {}
            Ok(_) => return Err(cut_short(NAME)),
            Err(_) => return Err(damaged(NAME, &"its LZW data cannot be unpacked")),
        }
    }
    Ok(bytes)
}

/// Runs and literals of Apple's PackBits.
fn pack_bits(stored: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size);
    let mut rest = stored;
    while bytes.len() < size {
        let (head, after) = rest.split_first()?;
        rest = after;
        match *head {
            128 => {}
            count @ 0..128 => {
                let (literal, after) = rest.split_at_checked(usize::from(count) + 1)?;
                bytes.extend_from_slice(literal);
                rest = after;
            }
            count => {
                let (value, after) = rest.split_first()?;
                bytes.resize(bytes.len() + 257 - usize::from(count), *value);
                rest = after;
            }
        }
    }
    bytes.truncate(size);
    Some(bytes)
}

/// Rows of runs; black is a set bit, whatever the photometric interpretation makes of it.
fn fax(
    layout: &Layout,
    stored: &[u8],
    (columns, rows): (usize, usize),
    size: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<u8>> {
    if layout.bits != 1 || layout.in_chunk() != 1 {
        return Err(damaged(NAME, &"it is fax, and its pixels are more than a bit"));
    }
    let width =
        u16::try_from(columns).map_err(|_| unsupported(NAME, &"it is fax wider than 65,535 pixels"))?;
    let broken = || damaged(NAME, &"its fax data cannot be unpacked");
    let mut bytes = Vec::with_capacity(size);
    let mut push = |line: &[u16]| {
        let mut row = vec![0_u8; columns.div_ceil(8)];
        for (at, ink) in pels(line, width).enumerate() {
            if ink == Ink::Black {
                row[at / 8] |= 0x80 >> (at % 8);
            }
        }
        bytes.extend(row);
    };
    let input = stored.iter().map(|byte| Ok::<u8, std::convert::Infallible>(*byte));
    if layout.compression == FAX_4 {
        let mut decoder = Group4Decoder::new(input, width).map_err(|_| broken())?;
        for row in 0..rows {
            match decoder.advance().map_err(|_| broken())? {
                DecodeStatus::Incomplete => push(decoder.transition()),
                DecodeStatus::End if row == 0 => return Err(cut_short(NAME)),
                // Some writers leave out white rows at the end.
                DecodeStatus::End => {
                    notes.push(format!(
                        "the last {} rows of its fax data are missing: they are blank",
                        rows - row
                    ));
                    break;
                }
            }
        }
    } else {
        if layout.fax_options & 1 != 0 {
            return Err(unsupported(NAME, &"it is two-dimensional fax G3"));
        }
        let mut decoder = Group3Decoder::new(input).map_err(|_| broken())?;
        for row in 0..rows {
            // The last row has no end-of-line code behind it.
            let more = decoder.advance();
            let whole = decoder.transitions().last().is_some_and(|end| *end == width);
            if !whole {
                return Err(broken());
            }
            push(decoder.transitions());
            if more.is_err() && row + 1 < rows {
                return Err(cut_short(NAME));
            }
        }
    }
    bytes.resize(size, 0);
    Ok(bytes)
}

/// A JPEG without its tables, which are the page's.
fn jpeg(
    layout: &Layout,
    stored: &[u8],
    (columns, rows): (usize, usize),
    (size, memory): (usize, usize),
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<u8>> {
    let unlike = || damaged(NAME, &"a JPEG in it is not of the size or colors of its strip or tile");
    if layout.bits != 8 {
        return Err(unlike());
    }
    let whole = match layout.jpeg_tables.as_deref() {
        Some(tables) if tables.len() > 4 => {
            [tables.strip_suffix(b"\xFF\xD9").unwrap_or(tables), stored.get(2..).unwrap_or_default()].concat()
        }
        _ => stored.to_vec(),
    };
    let transform = match layout.photometric {
        Photometric::YCbCr => Transform::FromYCbCr,
        _ => Transform::None,
    };
    let (pixels, color) = whole_jpeg(&whole, (columns, rows), transform, memory, notes)?;
    if color.channels() != layout.in_chunk() || pixels.len() < size {
        return Err(unlike());
    }
    Ok(pixels)
}

/// A JPEG in a TIFF, `columns` wide and at least `rows` high, in `memory` bytes at most.
pub fn whole_jpeg(
    jpeg: &[u8],
    (columns, rows): (usize, usize),
    transform: Transform,
    memory: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<(Vec<u8>, Color)> {
    let explain = |error: autochrome_jpeg::Error| match error {
        autochrome_jpeg::Error::Truncated => cut_short(NAME),
        _ => damaged(NAME, &"a JPEG in it cannot be read"),
    };
    let header = autochrome_jpeg::header(jpeg).map_err(explain)?;
    let (width, height) = (usize::try_from(header.width)?, usize::try_from(header.height)?);
    if width != columns || height < rows || height > rows.saturating_add(64) {
        return Err(damaged(
            NAME,
            &format!("a JPEG in it is {width} x {height} pixels, expected {columns} x {rows}"),
        ));
    }
    let bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(header.color.channels()));
    let bytes = bytes
        .filter(|bytes| *bytes <= memory)
        .ok_or_else(|| anyhow::anyhow!("a JPEG in the TIFF needs more memory than --max-pixels allows"))?;
    let mut pixels = vec![0; bytes];
    let memory = memory.min(bytes.saturating_mul(4).saturating_add(16 << 20));
    if autochrome_jpeg::decode_as(jpeg, transform, &mut pixels, memory).map_err(explain)?
        == Outcome::Recovered
    {
        notes.push("damaged: part of the picture may be wrong".into());
    }
    pixels.truncate(width * rows * header.color.channels());
    Ok((pixels, header.color))
}

fn webp(stored: &[u8], (columns, rows): (usize, usize), size: usize) -> Option<Vec<u8>> {
    let mut decoder = WebPDecoder::new(Cursor::new(stored)).ok()?;
    let (width, height) = decoder.dimensions();
    let right = usize::try_from(width) == Ok(columns) && usize::try_from(height) == Ok(rows);
    let length = decoder.output_buffer_size().filter(|_| right)?;
    // An opaque picture may be stored without the alpha that the page has.
    let mut pixels = vec![0; length];
    decoder.read_image(&mut pixels).ok()?;
    match (length, size) {
        _ if length == size => Some(pixels),
        _ if length / 3 * 4 == size => {
            Some(pixels.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect())
        }
        _ => None,
    }
}
