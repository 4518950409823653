//! EXIF: preserved, except for what the result makes untrue.
//!
//! A block is patched in place (orientation, size, thumbnail, color space), so every offset in it, including those in
//! maker notes, stays valid. It is parsed and rebuilt only between TIFF, whose own directories hold these values, and
//! the other formats.

use std::io::{Cursor, Read, Seek};

use super::density::Density;
use super::ifd::{Directory, Entry, Header, size_of};

/// Directories below the first one.
const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xA005;
/// What the result makes untrue.
const ORIENTATION: u16 = 0x0112;
const COLOR_SPACE: u16 = 0xA001;
const PIXEL_X: u16 = 0xA002;
const PIXEL_Y: u16 = 0xA003;
const X_RESOLUTION: u16 = 0x011A;
const Y_RESOLUTION: u16 = 0x011B;
const RESOLUTION_UNIT: u16 = 0x0128;
/// What describes a photograph in the first directory of a TIFF file, rather than how its pixels are stored there.
const DESCRIPTIVE: [u16; 21] = [
    0x010D,
    0x010E,
    0x010F,
    0x0110,
    0x011D,
    X_RESOLUTION,
    Y_RESOLUTION,
    RESOLUTION_UNIT,
    0x0131,
    0x0132,
    0x013B,
    0x013C,
    0x4746,
    0x4749,
    0x8298,
    0x9C9B,
    0x9C9C,
    0x9C9D,
    0x9C9E,
    0x9C9F,
    0x0129,
];
/// Most bytes of one value; no photograph needs more.
const MOST: usize = 1 << 20;

/// A value and its tag, in native byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub tag: u16,
    pub kind: u16,
    pub data: Vec<u8>,
}

/// The values of a block, or of a TIFF file's directories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    pub main: Vec<Field>,
    pub exif: Vec<Field>,
    pub gps: Vec<Field>,
}

/// A block without the name that JPEG puts before it, which many writers put there in other formats too.
pub fn without_prefix(mut block: Vec<u8>) -> Vec<u8> {
    if block.starts_with(b"Exif\0") {
        block.drain(..block.len().min(6));
    }
    block
}

/// The orientation that a block states: 1 to 8.
pub fn orientation(block: &[u8]) -> Option<u8> {
    let mut reader = Cursor::new(block);
    let header = Header::read(&mut reader).ok()?;
    let main = header.directory(&mut reader, header.first).ok()?;
    let value = header.unsigned(&mut reader, main.find(ORIENTATION)?)?;
    u8::try_from(value).ok().filter(|value| (1..=8).contains(value))
}

/// Dots per inch, as a block states them.
pub fn density(block: &[u8]) -> Option<Density> {
    Fields::parse(block)?.density()
}

/// Patches a block for a result that is upright, of this size, in sRGB, and unlike its gray thumbnail. `swapped` says
/// that rotation turned rows into columns. `None` when it is not EXIF.
pub fn mended(mut block: Vec<u8>, width: u32, height: u32, swapped: bool) -> Option<Vec<u8>> {
    let mut reader = Cursor::new(block.as_slice());
    let header = Header::read(&mut reader).ok().filter(|header| !header.wide)?;
    let main = header.directory(&mut reader, header.first).ok()?;
    let below = |reader: &mut Cursor<&[u8]>, parent: &Directory, tag| {
        let at = header.unsigned(reader, parent.find(tag)?)?;
        header.directory(reader, at).ok()
    };
    let exif = below(&mut reader, &main, EXIF);
    let others = [
        below(&mut reader, &main, GPS),
        exif.as_ref().and_then(|exif| below(&mut reader, exif, INTEROPERABILITY)),
    ];
    let mut changes = vec![(&main, ORIENTATION, 1)];
    if let Some(exif) = &exif {
        changes.extend([(exif, COLOR_SPACE, 1), (exif, PIXEL_X, width), (exif, PIXEL_Y, height)]);
    }
    let mut patches = Vec::new();
    for (directory, tag, value) in changes {
        // Readers disagree on which of several entries counts, and take the first value of an entry of several.
        for entry in directory.entries.iter().filter(|entry| entry.tag == tag && entry.count > 0) {
            let (at, _) = header.extent(&mut reader, entry).ok()?;
            patches.push((at, header.encoded(entry.kind, value)?));
        }
    }
    let resolution = [X_RESOLUTION, Y_RESOLUTION].map(|tag| main.find(tag).filter(|entry| entry.kind == 5));
    if let ([Some(x), Some(y)], true) = (resolution, swapped) {
        // Swaps the offsets of the two fractions.
        for (from, to) in [(x.at, y.at), (y.at, x.at)] {
            let from = usize::try_from(from).ok()?;
            patches.push((to, block.get(from..from + 4)?.to_vec()));
        }
    }
    // The second directory is the thumbnail's. Where nothing else follows it, its bytes are dropped too.
    let kept = [Some(&main), exif.as_ref(), others[0].as_ref(), others[1].as_ref()];
    let end = kept.into_iter().flatten().map(|directory| end_of(&header, &mut reader, directory)).max()?;
    patches.push((main.link, vec![0; 4]));
    let thumbnail = main.next;
    for (at, bytes) in patches {
        let at = usize::try_from(at).ok()?;
        block.get_mut(at..at + bytes.len())?.copy_from_slice(&bytes);
    }
    if thumbnail >= end && thumbnail != 0 {
        block.truncate(usize::try_from(end).ok()?);
    }
    // Where directories of a damaged block overlap, one patch may undo another.
    orientation(&block).is_none_or(|value| value == 1).then_some(block)
}

/// The last byte a directory and its values take.
fn end_of(header: &Header, reader: &mut Cursor<&[u8]>, directory: &Directory) -> u64 {
    let ends = directory.entries.iter().filter_map(|entry| {
        let (at, length) = header.extent(reader, entry).ok()?;
        at.checked_add(length)
    });
    ends.max().unwrap_or(0).max(directory.end)
}

impl Header {
    /// A number as an entry of `kind` stores it.
    fn encoded(&self, kind: u16, value: u32) -> Option<Vec<u8>> {
        let width = usize::try_from(size_of(kind)).ok().filter(|_| matches!(kind, 1 | 3 | 4))?;
        let bytes = value.to_be_bytes();
        let mut bytes = bytes[4 - width..].to_vec();
        if !self.big_endian {
            bytes.reverse();
        }
        Some(bytes)
    }
}

impl Fields {
    /// Parses a block.
    pub fn parse(block: &[u8]) -> Option<Self> {
        let mut reader = Cursor::new(block);
        let header = Header::read(&mut reader).ok()?;
        let main = header.directory(&mut reader, header.first).ok()?;
        Some(Self::of(&header, &mut reader, &main))
    }

    /// What describes the photograph in a directory of a TIFF file, and in those below it.
    pub fn of(header: &Header, reader: &mut (impl Read + Seek), main: &Directory) -> Self {
        let descriptive = |entry: &Entry| DESCRIPTIVE.contains(&entry.tag);
        let mut room = super::MAX_METADATA + MOST;
        let mut result =
            Self { main: fields(header, reader, main, descriptive, &mut room), ..Self::default() };
        for (tag, into) in [(EXIF, &mut result.exif), (GPS, &mut result.gps)] {
            let directory = main.find(tag).and_then(|entry| header.unsigned(reader, entry));
            if let Some(directory) = directory.and_then(|at| header.directory(reader, at).ok()) {
                *into = fields(header, reader, &directory, |entry| entry.tag != INTEROPERABILITY, &mut room);
            }
        }
        result
    }

    /// Dots per inch, as the first directory states them.
    pub fn density(&self) -> Option<Density> {
        let field = |tag| self.main.iter().find(|field| field.tag == tag);
        let fraction = |tag| {
            let data = field(tag).filter(|field| field.kind == 5)?.data.as_chunks::<4>().0;
            let [above, below] = data else { return None };
            Some(f64::from(u32::from_ne_bytes(*above)) / f64::from(u32::from_ne_bytes(*below)))
        };
        let unit = field(RESOLUTION_UNIT).and_then(|field| field.data.first_chunk().copied());
        let factor = match unit.map_or(2, u16::from_ne_bytes) {
            2 => 1.0,
            3 => 2.54,
            _ => return None,
        };
        Density::per_inch(fraction(X_RESOLUTION)? * factor, fraction(Y_RESOLUTION)? * factor)
    }

    /// Sets the dots per inch.
    pub fn set_density(&mut self, density: Density) {
        self.main.retain(|field| ![X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT].contains(&field.tag));
        let [x, y] = density.fractions();
        self.main.push(Field { tag: X_RESOLUTION, kind: 5, data: x });
        self.main.push(Field { tag: Y_RESOLUTION, kind: 5, data: y });
        self.main.push(Field { tag: RESOLUTION_UNIT, kind: 3, data: 2_u16.to_ne_bytes().to_vec() });
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.main.is_empty() && self.exif.is_empty() && self.gps.is_empty()
    }

    /// Builds a block, in native byte order.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = if cfg!(target_endian = "big") { b"MM".to_vec() } else { b"II".to_vec() };
        block.extend(42_u16.to_ne_bytes());
        block.extend(8_u32.to_ne_bytes());
        let mut main = self.main.clone();
        // The offsets of the directories below are known once the first one is written.
        for (tag, fields) in [(EXIF, &self.exif), (GPS, &self.gps)] {
            if !fields.is_empty() {
                main.push(Field { tag, kind: 4, data: vec![0; 4] });
            }
        }
        let places = append(&mut block, &main);
        for (tag, fields) in [(EXIF, &self.exif), (GPS, &self.gps)] {
            if let Some((_, place)) = places.iter().find(|(written, _)| *written == tag) {
                let at = u32::try_from(block.len()).unwrap_or(0).to_ne_bytes();
                block[*place..place + 4].copy_from_slice(&at);
                append(&mut block, fields);
            }
        }
        block
    }
}

/// The values of a directory's `wanted` entries, a thousand at most. `room` is what may still be read; once it is used
/// up, there is more than any format takes, and all of it is dropped with a note where it is written.
fn fields(
    header: &Header,
    reader: &mut (impl Read + Seek),
    directory: &Directory,
    wanted: impl Fn(&Entry) -> bool,
    room: &mut usize,
) -> Vec<Field> {
    let entries = directory.entries.iter().filter(|entry| wanted(entry) && size_of(entry.kind) > 0);
    let field = |entry: &Entry| {
        if *room < MOST {
            return None;
        }
        let data = header.values(reader, entry, MOST).filter(|data| !data.is_empty())?;
        *room -= data.len();
        Some(Field { tag: entry.tag, kind: entry.kind, data })
    };
    entries.take(1000).filter_map(field).collect()
}

/// Appends a directory and its values; returns where in the block the value of each tag is.
fn append(block: &mut Vec<u8>, fields: &[Field]) -> Vec<(u16, usize)> {
    let mut fields: Vec<&Field> = fields.iter().collect();
    fields.sort_by_key(|field| field.tag);
    fields.dedup_by_key(|field| field.tag);
    let values = block.len() + 2 + 12 * fields.len() + 4;
    let mut places = Vec::new();
    let mut behind = Vec::new();
    let number = |value: usize| u32::try_from(value).unwrap_or(0).to_ne_bytes();
    block.extend(u16::try_from(fields.len()).unwrap_or(0).to_ne_bytes());
    for field in fields {
        let size = usize::try_from(size_of(field.kind).max(1)).unwrap_or(1);
        block.extend(field.tag.to_ne_bytes());
        block.extend(field.kind.to_ne_bytes());
        block.extend(number(field.data.len() / size));
        places.push((field.tag, block.len()));
        if field.data.len() <= 4 {
            let mut inline = field.data.clone();
            inline.resize(4, 0);
            block.extend(inline);
        } else {
            block.extend(number(values + behind.len()));
            behind.extend(&field.data);
            behind.resize(behind.len().next_multiple_of(2), 0);
        }
    }
    block.extend([0; 4]);
    block.extend(behind);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block whose only directory has these entries, with their values in them.
    fn block(entries: &[[u8; 12]]) -> Vec<u8> {
        let count = u16::try_from(entries.len()).unwrap().to_be_bytes();
        [b"MM\0*\0\0\0\x08", &count[..], &entries.concat(), &[0; 4]].concat()
    }

    const TURNED: [u8; 12] = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];

    #[test]
    fn no_second_orientation_is_left_that_would_turn_the_result_again() {
        let of_two_values = [1, 0x12, 0, 3, 0, 0, 0, 2, 0, 6, 0, 8];
        assert_eq!(orientation(&block(&[of_two_values])), Some(6));
        assert_eq!(orientation(&mended(block(&[of_two_values]), 9, 9, true).unwrap()), Some(1));
        let [upright] = [[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 1, 0, 0]];
        assert_eq!(mended(block(&[TURNED, TURNED]), 9, 9, true).unwrap(), block(&[upright, upright]));
    }
}
