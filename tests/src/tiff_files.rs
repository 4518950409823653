//! TIFF files built by hand: kinds that no encoder here writes, and kinds that nobody should.

/// A directory entry: its tag, the number of its type, and its bytes.
pub type Entry = (u16, u16, Vec<u8>);

/// A page: its directory, and its one strip of pixels.
pub struct Page {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The directory entries besides the size and the strip.
    pub entries: Vec<Entry>,
    /// The pixels as stored in the file.
    pub pixels: Vec<u8>,
    /// Tiles instead of the strip.
    pub tiles: Option<Tiles>,
}

/// The tiles of a page.
pub struct Tiles {
    /// Width and height of each.
    pub size: (u32, u32),
    /// The pixels of each as stored in the file.
    pub stored: Vec<Vec<u8>>,
}

/// 16-bit numbers as stored in an entry.
#[must_use]
pub fn shorts(values: &[u16]) -> (u16, Vec<u8>) {
    (3, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

impl Page {
    /// A page of pixels of `bits`, with this `photometric` interpretation.
    #[must_use]
    pub fn new(size: (u32, u32), bits: &[u16], photometric: u16, pixels: Vec<u8>) -> Self {
        let mut page = Self { size, entries: Vec::new(), pixels, tiles: None };
        page.set(258, shorts(bits));
        page.set(262, shorts(&[photometric]));
        page.set(277, shorts(&[u16::try_from(bits.len()).expect("few channels")]));
        page
    }

    /// Sets a value.
    pub fn set(&mut self, tag: u16, (kind, value): (u16, Vec<u8>)) -> &mut Self {
        self.entries.push((tag, kind, value));
        self
    }
}

/// A little-endian file with these `pages`.
///
/// # Panics
/// If it would exceed 4 GB.
#[must_use]
pub fn file(pages: &[Page]) -> Vec<u8> {
    let mut file = b"II*\0".to_vec();
    let mut link = file.len();
    file.extend([0; 4]);
    let long = |value: usize| u32::try_from(value).expect("a small file").to_le_bytes();
    for page in pages {
        let mut entries = page.entries.clone();
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        entries.extend([(256, 4, longs(&[page.size.0])), (257, 4, longs(&[page.size.1]))]);
        let (chunks, sizes) = match &page.tiles {
            None => (std::slice::from_ref(&page.pixels), [(278, page.size.1)].to_vec()),
            Some(Tiles { size: (width, height), stored }) => {
                (stored.as_slice(), [(322, *width), (323, *height)].to_vec())
            }
        };
        entries.extend(sizes.into_iter().map(|(tag, value)| (tag, 4, longs(&[value]))));
        let (mut places, mut lengths) = (Vec::new(), Vec::new());
        for chunk in chunks {
            places.extend(long(file.len()));
            lengths.extend(long(chunk.len()));
            file.extend(chunk);
            file.resize(file.len().next_multiple_of(2), 0);
        }
        let (place, length) = if page.tiles.is_some() { (324, 325) } else { (273, 279) };
        entries.extend([(place, 4, places), (length, 4, lengths)]);
        entries.sort_by_key(|entry| entry.0);
        let at = long(file.len());
        file[link..link + 4].copy_from_slice(&at);
        link = directory(&mut file, &entries);
    }
    file
}

/// Appends a directory; returns where the offset of the next one goes.
fn directory(file: &mut Vec<u8>, entries: &[Entry]) -> usize {
    let mut behind = Vec::new();
    let values = file.len() + 2 + entries.len() * 12 + 4;
    file.extend(u16::try_from(entries.len()).expect("few entries").to_le_bytes());
    for (tag, kind, value) in entries {
        let size = match kind {
            3 => 2,
            4 | 11 => 4,
            5 | 12 => 8,
            _ => 1,
        };
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(u32::try_from(value.len() / size).expect("few values").to_le_bytes());
        if value.len() <= 4 {
            let mut inline = value.clone();
            inline.resize(4, 0);
            file.extend(inline);
        } else {
            file.extend(u32::try_from(values + behind.len()).expect("a small file").to_le_bytes());
            behind.extend(value);
            behind.resize(behind.len().next_multiple_of(2), 0);
        }
    }
    let link = file.len();
    file.extend([0; 4]);
    file.extend(behind);
    link
}
