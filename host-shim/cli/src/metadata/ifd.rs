//! Directories of tagged values (TIFF 6.0, BigTIFF; EXIF is built of them): found by their offsets, read under limits.

use std::io::{self, Read, Seek, SeekFrom};

use anyhow::bail;

/// Byte order and width of offsets, as a file's first bytes state.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    pub big_endian: bool,
    /// BigTIFF: offsets of 64 bits.
    pub wide: bool,
    /// Where the first directory is.
    pub first: u64,
}

/// A value's place.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub tag: u16,
    /// TIFF's number for the type of the values.
    pub kind: u16,
    pub count: u64,
    /// Where the value is, or the offset of the value when it does not fit there.
    pub at: u64,
}

/// A directory's entries.
#[derive(Debug, Clone)]
pub struct Directory {
    pub entries: Vec<Entry>,
    /// Where the offset of the next directory is, and that offset.
    pub link: u64,
    pub next: u64,
    /// The first byte after it.
    pub end: u64,
}

/// Bytes of one value of a type; 0 for an unknown type.
pub fn size_of(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    }
}

/// Bytes that are swapped as one: those of a value, or of half a fraction.
pub fn word_of(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 5 | 9 | 10 | 11 | 13 => 4,
        12 | 16 | 17 | 18 => 8,
        _ => 1,
    }
}

impl Directory {
    /// The entry of `tag`.
    pub fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

impl Header {
    /// Reads the first bytes of a TIFF file or an EXIF block.
    pub fn read(reader: &mut (impl Read + Seek)) -> anyhow::Result<Self> {
        let mut start = [0; 16];
        reader.seek(SeekFrom::Start(0))?;
        reader.read_exact(&mut start[..8])?;
        let big_endian = match &start[..2] {
            b"II" => false,
            b"MM" => true,
            _ => bail!("its first bytes are not II or MM"),
        };
        let mut header = Self { big_endian, wide: false, first: 0 };
        match header.number(&start[2..4]) {
            42 => header.first = header.number(&start[4..8]),
            43 => {
                reader.read_exact(&mut start[8..])?;
                header.wide = true;
                header.first = header.number(&start[8..16]);
            }
            other => bail!("its version is {other}, expected 42 or 43"),
        }
        Ok(header)
    }

    /// An unsigned number of any width.
    pub fn number(&self, bytes: &[u8]) -> u64 {
        let join = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }

    /// The directory at `at`.
    pub fn directory(&self, reader: &mut (impl Read + Seek), at: u64) -> io::Result<Directory> {
        let (count_size, entry_size, offset_size) = if self.wide { (8, 20, 8) } else { (2, 12, 4) };
        reader.seek(SeekFrom::Start(at))?;
        let count = self.number(&bytes(reader, count_size)?);
        if count > 65_535 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a directory claims too many entries"));
        }
        let table = bytes(reader, count * entry_size)?;
        let mut entries = Vec::new();
        let mut place = at + count_size;
        for entry in table.chunks_exact(usize::from(u8::try_from(entry_size).unwrap_or(12))) {
            let head = if self.wide { 12 } else { 8 };
            let number = |range: std::ops::Range<usize>| self.number(&entry[range]);
            entries.push(Entry {
                tag: u16::try_from(number(0..2)).unwrap_or(0),
                kind: u16::try_from(number(2..4)).unwrap_or(0),
                count: number(4..head),
                at: place + u64::try_from(head).unwrap_or(0),
            });
            place += entry_size;
        }
        let next = self.number(&bytes(reader, offset_size)?);
        Ok(Directory { entries, link: place, next, end: place + offset_size })
    }

    /// Where an entry's values begin and how many bytes they take.
    pub fn extent(&self, reader: &mut (impl Read + Seek), entry: &Entry) -> io::Result<(u64, u64)> {
        let length = entry.count.saturating_mul(size_of(entry.kind));
        let room = if self.wide { 8 } else { 4 };
        if length <= room {
            return Ok((entry.at, length));
        }
        reader.seek(SeekFrom::Start(entry.at))?;
        Ok((self.number(&bytes(reader, room)?), length))
    }

    /// An entry's values as stored, if they are at most `most` bytes.
    pub fn raw(&self, reader: &mut (impl Read + Seek), entry: &Entry, most: usize) -> Option<Vec<u8>> {
        let (at, length) = self.extent(reader, entry).ok()?;
        if length > u64::try_from(most).ok()? {
            return None;
        }
        reader.seek(SeekFrom::Start(at)).ok()?;
        bytes(reader, length).ok()
    }

    /// An entry's values in native byte order.
    pub fn values(&self, reader: &mut (impl Read + Seek), entry: &Entry, most: usize) -> Option<Vec<u8>> {
        let mut values = self.raw(reader, entry, most)?;
        if self.big_endian != cfg!(target_endian = "big") {
            values.chunks_exact_mut(word_of(entry.kind)).for_each(<[u8]>::reverse);
        }
        Some(values)
    }

    /// The unsigned numbers an entry holds, a million at most.
    pub fn unsigned_values(&self, reader: &mut (impl Read + Seek), entry: &Entry) -> Option<Vec<u64>> {
        if !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return None;
        }
        let values = self.raw(reader, entry, 8 << 20)?;
        let size = usize::try_from(size_of(entry.kind)).ok()?;
        Some(values.chunks_exact(size).map(|value| self.number(value)).collect())
    }

    /// The one unsigned number an entry holds.
    pub fn unsigned(&self, reader: &mut (impl Read + Seek), entry: &Entry) -> Option<u64> {
        let value = self.raw(reader, entry, 8)?;
        let size = usize::try_from(size_of(entry.kind)).ok()?;
        (matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18))
            .then(|| self.number(value.get(..size)?).into())
            .flatten()
    }
}

/// Exactly `count` bytes; memory grows with what is there, not with what is claimed.
fn bytes(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length == count) {
        return Ok(bytes);
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
