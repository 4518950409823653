//! JPEG with the recovery that libjpeg-turbo is known for: after damage it finds the stream again, and says that it
//! had to.
//!
//! The idea: **C code behind one door**. The decoder is MozJPEG's, a libjpeg-turbo that builds with a C compiler
//! alone; its errors are caught in C and arrive as a status, so nothing unwinds through it and nothing aborts.

mod fence;

use std::fmt;

/// The colors of a picture as they are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// One byte a pixel.
    Gray,
    /// Three bytes a pixel.
    Rgb,
    /// Four bytes a pixel, as stored: Adobe's files have 255 for no ink.
    Cmyk,
}

impl Color {
    /// Bytes of a pixel.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What a file's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Its colors.
    pub color: Color,
}

/// Whether all of a picture could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it was written.
    Whole,
    /// The decoder had to guess: part of the picture may be wrong. Nobody knows which, since damage is decoded as
    /// something before it is noticed.
    Recovered,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Its bytes make no sense; what the library says about them.
    Damaged(String),
    /// A kind of JPEG that the library does not read; what it says.
    Unsupported(String),
    /// It needs more memory than allowed.
    Memory,
    /// Its data end too early.
    Truncated,
    /// It claims more scans than any encoder writes.
    Scans,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(why) | Self::Unsupported(why) => f.write_str(why),
            Self::Memory => f.write_str("it needs more memory than allowed"),
            Self::Truncated => f.write_str("the end is missing"),
            Self::Scans => f.write_str("it has more than 200 scans"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads the header of a file.
///
/// # Errors
/// If it is damaged or of a kind that is not read.
pub fn header(bytes: &[u8]) -> Result<Header, Error> {
    let (status, about) = fence::header(bytes);
    check(status, &about)?;
    let color = match about.color {
        0 => Color::Gray,
        1 => Color::Rgb,
        _ => Color::Cmyk,
    };
    Ok(Header { width: about.width, height: about.height, color })
}

/// Decodes a file into `pixels`, whose size follows from its header, in `memory` bytes at most. Safe from any thread.
///
/// # Errors
/// If nothing can be recovered, or `pixels` has another size; they have no meaning then.
pub fn decode(bytes: &[u8], pixels: &mut [u8], memory: usize) -> Result<Outcome, Error> {
    decode_as(bytes, Transform::Guess, pixels, memory)
}

/// What is known of a picture's stored colors besides what the file itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Nothing: markers and components decide, as in JFIF.
    Guess,
    /// They are the colors themselves.
    None,
    /// They are luma and chroma.
    FromYCbCr,
}

/// Like [`decode`], for a JPEG inside of another format, which says what its colors are.
///
/// # Errors
/// As for [`decode`].
pub fn decode_as(
    bytes: &[u8],
    transform: Transform,
    pixels: &mut [u8],
    memory: usize,
) -> Result<Outcome, Error> {
    let number = match transform {
        Transform::Guess => 0,
        Transform::None => 1,
        Transform::FromYCbCr => 2,
    };
    let (status, about) = fence::pixels(bytes, number, pixels, memory);
    check(status, &about)?;
    Ok(if about.guesses > 0 { Outcome::Recovered } else { Outcome::Whole })
}

fn check(status: i32, about: &fence::About) -> Result<(), Error> {
    let text = || {
        let letters = about.message.iter().take_while(|letter| **letter != 0);
        letters.map(|letter| char::from(letter.to_ne_bytes()[0])).collect::<String>()
    };
    match status {
        0 => Ok(()),
        2 => Err(Error::Unsupported(text())),
        3 => Err(Error::Memory),
        4 => Err(Error::Truncated),
        5 => Err(Error::Scans),
        _ => Err(Error::Damaged(text())),
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    fn file(color: ColorType, progressive: bool, restart: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_progressive(progressive);
        if restart > 0 {
            encoder.set_restart_interval(restart);
        }
        let channels = channels(color);
        let pixels: Vec<u8> = (0..64 * 64).flat_map(|at| vec![shade(at); channels]).collect();
        encoder.encode(&pixels, 64, 64, color).unwrap();
        bytes
    }

    fn channels(color: ColorType) -> usize {
        match color {
            ColorType::Luma => 1,
            ColorType::Rgb => 3,
            _ => 4,
        }
    }

    fn shade(at: usize) -> u8 {
        u8::try_from(40 + at % 64 * 2 + at / 64).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, Outcome), Error> {
        let header = header(bytes)?;
        let mut pixels = vec![0; 64 * 64 * header.color.channels()];
        decode(bytes, &mut pixels, 1 << 24).map(|outcome| (pixels, outcome))
    }

    #[test]
    fn every_color_and_order_is_read() {
        for color in [ColorType::Luma, ColorType::Rgb, ColorType::Cmyk, ColorType::CmykAsYcck] {
            for progressive in [false, true] {
                let (pixels, outcome) = read(&file(color, progressive, 0)).unwrap();
                let channels = channels(color);
                let expected = |at: usize| if channels == 4 { 255 - shade(at) } else { shade(at) };
                assert_eq!(outcome, Outcome::Whole);
                for (at, pixel) in pixels.chunks(channels).enumerate() {
                    assert!(
                        pixel.iter().all(|value| value.abs_diff(expected(at)) < 8),
                        "{color:?} {pixel:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn damage_is_told_and_restarts_save_the_rest() {
        let mut bytes = file(ColorType::Luma, false, 8);
        // The fourth of eight rows of blocks; each ends with a restart.
        let restart =
            |bytes: &[u8], number: u8| bytes.windows(2).position(|two| two == [0xFF, 0xD0 + number]);
        let (from, to) = (restart(&bytes, 2).unwrap() + 2, restart(&bytes, 3).unwrap());
        bytes[from..to].fill(0xAA);
        let (pixels, outcome) = read(&bytes).unwrap();
        assert_eq!(outcome, Outcome::Recovered);
        for at in (0..64 * 64).filter(|at| !(24..32).contains(&(at / 64))) {
            assert!(pixels[at].abs_diff(shade(at)) < 8, "pixel {at}: {}", pixels[at]);
        }
    }

    #[test]
    fn any_bytes_come_to_an_error_or_a_picture() {
        let mut state = 1_u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from(state >> 8).unwrap() % below
        };
        for color in [ColorType::Luma, ColorType::Rgb, ColorType::CmykAsYcck] {
            for progressive in [false, true] {
                let good = file(color, progressive, 3);
                for _ in 0..500 {
                    let mut bad = good.clone();
                    for _ in 0..=random(4) {
                        let at = random(bad.len());
                        bad[at] ^= 1 << random(8);
                    }
                    bad.truncate(bad.len() - random(2) * random(good.len()));
                    let Ok(header) = header(&bad) else { continue };
                    let size = usize::try_from(u64::from(header.width) * u64::from(header.height)).unwrap();
                    if size < 1 << 22 {
                        let _ = decode(&bad, &mut vec![0; size * header.color.channels()], 1 << 24);
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let good = file(ColorType::Luma, false, 0);
        assert_eq!(read(&good[..good.len() - 40]).unwrap_err(), Error::Truncated);
        assert!(matches!(read(b"no JPEG"), Err(Error::Damaged(_))));
        let frame = good.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        for (at, value) in [(frame + 1, 0xC3), (frame + 4, 12)] {
            let mut other = good.clone();
            other[at] = value;
            assert!(matches!(read(&other), Err(Error::Unsupported(_))), "{value}");
        }
        assert!(matches!(decode(&good, &mut [0; 7], 1 << 24), Err(Error::Damaged(_))));
        assert_eq!(decode(&file(ColorType::Rgb, true, 0), &mut [0; 64 * 64 * 3], 1000), Err(Error::Memory));
    }
}
