//! What the markers of a JPEG file say that the decoder does not: whether the file is whole, and whose CMYK it is.
//!
//! The idea: **what a decoder fills in or guesses, a network would learn as true**. The decoder fills what a truncated
//! file lacks with gray, and takes the ink of every CMYK picture to be inverted, as Adobe writes it. The markers
//! (ITU-T T.81, annex B) reveal both, without decoding a pixel.

use anyhow::{Result, bail};

const END: u8 = 0xD9;
const APP14: u8 = 0xEE;
/// Channels of a CMYK or YCCK picture.
const INKS: u8 = 4;

/// What was found among the markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Markers {
    components: u8,
    adobe: bool,
    ends: bool,
}

impl Markers {
    /// Goes from marker to marker up to the end of the picture; what cannot be read ends it early.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut markers = Markers::default();
        let mut rest = bytes.get(2..).unwrap_or_default();
        while let Some((code, after)) = next(rest) {
            if code == END {
                markers.ends = true;
                break;
            }
            let length = after.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
            let segment = after.get(2..length).unwrap_or_default();
            match code {
                // Frames; the codes between are tables and an extension that nobody writes.
                0xC0..=0xCF if !matches!(code, 0xC4 | 0xC8 | 0xCC) => {
                    markers.components = segment.get(5).copied().unwrap_or_default();
                }
                APP14 => markers.adobe |= segment.starts_with(b"Adobe"),
                _ => {}
            }
            rest = after.get(length..).unwrap_or_default();
        }
        markers
    }

    /// Whether the picture is stored as inks.
    pub(super) fn is_cmyk(self) -> bool {
        self.components == INKS
    }

    /// Refuses what would be learned wrongly.
    ///
    /// # Errors
    /// The picture has no end, or its CMYK polarity is unknown.
    pub(super) fn check(self) -> Result<()> {
        if !self.ends {
            bail!("truncated or damaged: the end of the picture is missing");
        }
        if self.is_cmyk() && !self.adobe {
            bail!("CMYK without Adobe's marker, so it is unknown whether it is inverted; convert it to RGB");
        }
        Ok(())
    }
}

/// The code of the next marker and what follows it. Inside a scan a byte of 255 that is data has a 0 behind it;
/// restarts belong to the scan.
fn next(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0x01 | 0xD0..=0xD8 | 0xFF);
    let at = bytes.windows(2).position(is_marker)?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_when_its_end_is_no_thumbnails() {
        // A thumbnail's end inside APP1, a frame of three components, a scan with a stuffed byte and a restart.
        let whole = b"\xFF\xD8\xFF\xE1\0\x06\xFF\xD9\xFF\xD9\xFF\xC0\0\x0B\x08\0\x08\0\x08\x03\x01\x11\0\
            \xFF\xDA\0\x02\x12\xFF\0\x34\xFF\xD0\x56\xFF\xD9";
        let markers = Markers::read(whole);
        assert_eq!(markers, Markers { components: 3, adobe: false, ends: true });
        assert!(markers.check().is_ok());
        for cut in 0..whole.len() {
            assert!(!Markers::read(&whole[..cut]).ends, "cut at {cut}");
        }
    }
}
