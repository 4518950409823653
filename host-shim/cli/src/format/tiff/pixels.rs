//! From a page's samples to a picture: samples widened, every color space to gray or RGB.

use std::io::{Read, Seek, SeekFrom};

use anyhow::bail;
use autochrome_jpeg::{Color, Transform};
use autochrome_loader::PixelFormat;
use autochrome_pixels::color::{gamut, lab_to_srgb, unit_to_u8};

use super::layout::{Layout, Number, Photometric};
use super::problem::{NAME, from_reading};
use super::tags::{JPEG, OLD_STYLE_JPEG, WEBP};
use super::{samples, unpack};
use crate::format::problem::{damaged, unsupported};
use crate::picture::{Depth, Picture, narrowed, quantised};

/// How far above 1 a float may be and still be the rounding of one that is not.
const BRIGHTEST: f32 = 1.5;
/// Floats below this are of another encoding than sRGB's, too.
const DARKEST: f32 = -0.5;

/// Samples next to each other, pixel by pixel.
struct Raw {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
    channels: usize,
    depth: Depth,
}

/// Reads the pixels of a page, in `memory` bytes at most.
pub fn read(
    layout: &Layout,
    reader: &mut (impl Read + Seek),
    big_endian: bool,
    memory: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<Picture> {
    if let (OLD_STYLE_JPEG, Some(place)) = (layout.compression, layout.old_jpeg) {
        return old_jpeg(layout, reader, place, memory, notes);
    }
    let bytes = samples::read(layout, reader, big_endian, memory, notes)?;
    let (width, height) = (u32::try_from(layout.width)?, u32::try_from(layout.height)?);
    if layout.photometric == Photometric::Palette {
        return colored(layout, &bytes, notes);
    }
    let (bytes, depth) = widened(layout, bytes, notes)?;
    let mut raw = Raw { width, height, bytes, channels: layout.channels, depth };
    let alpha = raw.keep(layout, notes);
    if depth == Depth::Float {
        raw.check_floats()?;
    }
    if layout.photometric == Photometric::WhiteIsZero {
        raw.inverted(alpha);
    }
    raw.recolor(layout, alpha, notes)?;
    let mut picture = raw.picture();
    if picture.alpha && layout.extra.first() == Some(&1) {
        picture = picture.unassociated();
        notes.push("its colors were premultiplied by alpha and were divided by it".into());
    }
    Ok(picture)
}

/// The whole JPEG that some files before 1995 have beside their strips.
fn old_jpeg(
    layout: &Layout,
    reader: &mut (impl Read + Seek),
    (at, length): (u64, u64),
    memory: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<Picture> {
    // Many state no length, or only that of the tables: the decoder stops at the picture's end.
    let most = u64::try_from(memory)?;
    let length = if length == 0 || layout.chunks.iter().any(|(strip, _)| *strip > at) {
        most
    } else {
        length.min(most)
    };
    let mut jpeg = Vec::new();
    reader.seek(SeekFrom::Start(at)).map_err(|error| from_reading(&error))?;
    reader.take(length).read_to_end(&mut jpeg).map_err(|error| from_reading(&error))?;
    let size = (layout.width, layout.height);
    let (pixels, color) = unpack::whole_jpeg(&jpeg, size, Transform::Guess, memory, notes)
        .map_err(|_| unsupported(NAME, &"it is old-style JPEG without a whole JPEG in it"))?;
    let format = match color {
        Color::Gray => PixelFormat::Gray8,
        Color::Rgb => PixelFormat::Rgb8,
        Color::Cmyk => return Err(unsupported(NAME, &"it is old-style JPEG of CMYK")),
    };
    Ok(Picture::new(format, u32::try_from(size.0)?, u32::try_from(size.1)?, pixels))
}

/// The picture whose indices into a palette these are; its depth is the palette's.
fn colored(layout: &Layout, bytes: &[u8], notes: &mut Vec<String>) -> anyhow::Result<Picture> {
    let size = layout.palette.len() / 3;
    if size == 0 {
        return Err(damaged(NAME, &"it has no palette"));
    }
    // Some writers fill 8 of the 16 bits.
    let narrow = layout.palette.iter().all(|value| *value < 256);
    let byte = |value: u16| if narrow { u8::try_from(value).unwrap_or(u8::MAX) } else { narrowed(value) };
    let sample = samples::bytes_of(layout);
    if sample > 2 {
        return Err(unsupported(NAME, &"its palette has indices of 32 bits"));
    }
    if layout.channels > 1 {
        notes.push("a channel beside its palette was dropped".into());
    }
    let mut pixels = Vec::with_capacity(layout.width * layout.height * 3);
    for pixel in bytes.chunks_exact(sample * layout.channels) {
        let index = match sample {
            1 => usize::from(pixel[0]),
            _ => usize::from(u16::from_ne_bytes([pixel[0], pixel[1]])),
        };
        if index >= size {
            return Err(damaged(NAME, &format!("color {index} is used, but its palette has {size}")));
        }
        pixels.extend([0, 1, 2].map(|channel| byte(layout.palette[channel * size + index])));
    }
    Ok(Picture::new(PixelFormat::Rgb8, u32::try_from(layout.width)?, u32::try_from(layout.height)?, pixels))
}

/// Samples as the plugin takes them: 8 or 16 bits, or floats.
fn widened(layout: &Layout, mut bytes: Vec<u8>, notes: &mut Vec<String>) -> anyhow::Result<(Vec<u8>, Depth)> {
    let sixteen = |bytes: &[u8], change: &dyn Fn(u32) -> u32| -> Vec<u8> {
        let samples =
            bytes.as_chunks::<2>().0.iter().map(|sample| change(u16::from_ne_bytes(*sample).into()));
        samples.flat_map(|sample| u16::try_from(sample).unwrap_or(u16::MAX).to_ne_bytes()).collect()
    };
    // The a and b of CIELAB have signs whatever the file says of its samples.
    let number = match layout.photometric {
        Photometric::CieLab | Photometric::IccLab if layout.number == Number::Signed => Number::Unsigned,
        _ => layout.number,
    };
    Ok(match (number, layout.bits) {
        (Number::Unsigned, 8) => (bytes, Depth::Eight),
        (Number::Unsigned, bits @ 1..8) => {
            let most = (1_u32 << bits) - 1;
            let widest =
                |value: u8| u8::try_from((u32::from(value) * 255 + most / 2) / most).unwrap_or(u8::MAX);
            bytes.iter_mut().for_each(|value| *value = widest(*value));
            (bytes, Depth::Eight)
        }
        (Number::Unsigned, 16) => (bytes, Depth::Sixteen),
        (Number::Unsigned, bits @ 9..16) => {
            let most = (1_u32 << bits) - 1;
            (sixteen(&bytes, &|value| (value * 65_535 + most / 2) / most), Depth::Sixteen)
        }
        (Number::Unsigned, _) => {
            notes.push("its 32-bit integers were reduced to 16 bits".into());
            let samples = bytes.as_chunks::<4>().0.iter().map(|sample| u32::from_ne_bytes(*sample) >> 16);
            let samples = samples.flat_map(|sample| u16::try_from(sample).unwrap_or(u16::MAX).to_ne_bytes());
            (samples.collect(), Depth::Sixteen)
        }
        (Number::Signed, 16) => {
            let highest = bytes.as_chunks::<2>().0.iter().any(|sample| i16::from_ne_bytes(*sample) < 0);
            if highest {
                bail!(
                    "the TIFF contains negative samples, expected 0 (black) to 32767 (white); save it unsigned"
                );
            }
            notes.push("its signed samples were read as 0 (black) to 32767 (white)".into());
            (sixteen(&bytes, &|value| (value * 65_535 + 16_383) / 32_767), Depth::Sixteen)
        }
        (Number::Float, 16) => {
            let samples = bytes.as_chunks::<2>().0.iter().map(|sample| half(u16::from_ne_bytes(*sample)));
            (samples.flat_map(f32::to_ne_bytes).collect(), Depth::Float)
        }
        (Number::Float, 32) => (bytes, Depth::Float),
        #[expect(clippy::cast_possible_truncation, reason = "a float of 64 bits is rounded to one of 32")]
        (Number::Float, 64) => {
            let samples = bytes.as_chunks::<8>().0.iter().map(|sample| f64::from_ne_bytes(*sample) as f32);
            (samples.flat_map(f32::to_ne_bytes).collect(), Depth::Float)
        }
        (_, bits) => return Err(unsupported(NAME, &format!("its samples have {bits} bits (signed)"))),
    })
}

/// A float of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3FF);
    match i32::from(bits >> 10 & 0x1F) {
        0 => sign * fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

impl Raw {
    fn sample(&self) -> usize {
        match self.depth {
            Depth::Eight => 1,
            Depth::Sixteen => 2,
            Depth::Float => 4,
        }
    }

    /// Keeps the colors, and alpha if there is any: says so.
    fn keep(&mut self, layout: &Layout, notes: &mut Vec<String>) -> bool {
        let colors = layout.colors();
        let beyond = self.channels - colors;
        // A single one that the file says nothing of is alpha, as for other programs.
        let alpha = match layout.extra.first() {
            Some(kind) => beyond > 0 && matches!(kind, 1 | 2),
            None => beyond == 1,
        };
        let kept = colors + usize::from(alpha);
        if kept < self.channels {
            let pixel = self.sample() * self.channels;
            let kept_bytes = self.sample() * kept;
            self.bytes =
                self.bytes.chunks_exact(pixel).flat_map(|pixel| &pixel[..kept_bytes]).copied().collect();
            notes.push(match self.channels - kept {
                1 => "a channel that is neither color nor transparency was dropped".into(),
                more => format!("{more} channels that are neither color nor transparency were dropped"),
            });
            self.channels = kept;
        }
        alpha
    }

    /// White as the highest value.
    fn inverted(&mut self, alpha: bool) {
        let (sample, colors) = (self.sample(), self.channels - usize::from(alpha));
        for pixel in self.bytes.chunks_exact_mut(sample * self.channels) {
            for value in pixel[..colors * sample].chunks_exact_mut(sample) {
                match value {
                    [_] | [_, _] => value.iter_mut().for_each(|byte| *byte = !*byte),
                    _ => {
                        let float = f32::from_ne_bytes([value[0], value[1], value[2], value[3]]);
                        value.copy_from_slice(&(1.0 - float).to_ne_bytes());
                    }
                }
            }
        }
    }

    /// Colors of any kind as gray or RGB.
    fn recolor(&mut self, layout: &Layout, alpha: bool, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let decoded = matches!(layout.compression, JPEG | WEBP) && !layout.planar;
        let signed = layout.photometric == Photometric::CieLab;
        match layout.photometric {
            Photometric::Cmyk => {
                if !notes.iter().any(|note| note.contains("CMYK")) {
                    notes.push("CMYK was converted to RGB by formula".into());
                }
                // The light that one ink and black let through.
                self.recolored(4, alpha, |inks| [0, 1, 2].map(|at| (1.0 - inks[at]) * (1.0 - inks[3])));
            }
            Photometric::YCbCr if !decoded => {
                let (luma, reference) = (layout.luma, layout.reference);
                let scale = if self.depth == Depth::Eight { 255.0 } else { 65_535.0 };
                self.recolored(3, alpha, |stored| from_ycbcr(stored, luma, reference, scale));
            }
            Photometric::CieLab | Photometric::IccLab if self.depth == Depth::Float => {
                return Err(unsupported(NAME, &"it is floating-point CIELAB"));
            }
            Photometric::CieLab | Photometric::IccLab => {
                let deep = self.depth == Depth::Sixteen;
                let colors = layout.colors();
                self.recolored(colors, alpha, |stored| from_lab(stored, signed, deep));
                if colors == 3 {
                    notes.push("its CIELAB colors were converted to sRGB".into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes the `colors` of each pixel, as 0..1, through `convert`; alpha is untouched.
    fn recolored(&mut self, colors: usize, alpha: bool, convert: impl Fn(&[f32]) -> [f32; 3]) {
        let sample = self.sample();
        let mut pixels = Vec::with_capacity(self.bytes.len());
        for pixel in self.bytes.chunks_exact(sample * self.channels) {
            let (color, rest) = pixel.split_at(colors * sample);
            let mut values = [0.0; 4];
            for (value, bytes) in values.iter_mut().zip(color.chunks_exact(sample)) {
                *value = match *bytes {
                    [byte] => f32::from(byte) / 255.0,
                    [one, two] => f32::from(u16::from_ne_bytes([one, two])) / 65_535.0,
                    _ => f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
                };
            }
            for value in convert(&values[..colors]) {
                match self.depth {
                    Depth::Eight => pixels.push(unit_to_u8(value)),
                    Depth::Sixteen => pixels.extend(quantised(value).to_ne_bytes()),
                    Depth::Float => pixels.extend(value.to_ne_bytes()),
                }
            }
            pixels.extend_from_slice(rest);
        }
        self.bytes = pixels;
        self.channels = 3 + usize::from(alpha);
    }

    fn picture(self) -> Picture {
        let alpha = matches!(self.channels, 2 | 4);
        let (format, order): (PixelFormat, &[usize]) = match (self.depth, self.channels) {
            (Depth::Eight, 1) => (PixelFormat::Gray8, &[]),
            (Depth::Sixteen, 1) => (PixelFormat::Gray16, &[]),
            (Depth::Float, 1) => (PixelFormat::GrayF32, &[]),
            (Depth::Eight, 2) => (PixelFormat::Rgba8, &[0, 0, 0, 1]),
            (Depth::Sixteen, 2) => (PixelFormat::Rgba16, &[0, 0, 0, 1]),
            (Depth::Float, 2) => (PixelFormat::RgbaF32, &[0, 0, 0, 1]),
            (Depth::Eight, 3) => (PixelFormat::Rgb8, &[]),
            (Depth::Sixteen, 3) => (PixelFormat::Rgb16, &[]),
            (Depth::Float, 3) => (PixelFormat::RgbaF32, &[0, 1, 2]),
            (Depth::Eight, _) => (PixelFormat::Rgba8, &[]),
            (Depth::Sixteen, _) => (PixelFormat::Rgba16, &[]),
            (Depth::Float, _) => (PixelFormat::RgbaF32, &[]),
        };
        let pixels = if order.is_empty() { self.bytes } else { self.ordered(order) };
        Picture { format, width: self.width, height: self.height, pixels, alpha }
    }

    /// Pixels of the channels of `order`; three of floats get an opaque fourth.
    fn ordered(&self, order: &[usize]) -> Vec<u8> {
        let size = self.sample();
        let mut pixels = Vec::with_capacity(self.bytes.len() / self.channels * 4);
        for pixel in self.bytes.chunks_exact(size * self.channels) {
            order.iter().for_each(|channel| pixels.extend_from_slice(&pixel[channel * size..][..size]));
            if order.len() == 3 {
                pixels.extend(1_f32.to_ne_bytes());
            }
        }
        pixels
    }

    /// Floats slightly outside 0..1 are rounding; far outside, an encoding other than sRGB's.
    fn check_floats(&mut self) -> anyhow::Result<()> {
        let (mut darkest, mut brightest) = (0_f32, 0_f32);
        for sample in self.bytes.as_chunks_mut::<4>().0 {
            let value = f32::from_ne_bytes(*sample);
            (darkest, brightest) = (darkest.min(value), brightest.max(value));
            if !(0.0..=1.0).contains(&value) {
                *sample = if value > 1.0 { 1_f32 } else { 0.0 }.to_ne_bytes();
            }
        }
        if brightest > BRIGHTEST || darkest < DARKEST {
            let far = if brightest > BRIGHTEST {
                format!("up to {brightest}")
            } else {
                format!("down to {darkest}")
            };
            bail!(
                "the TIFF contains floating-point values {far}, expected 0 to 1 (black to white); scale it, \
                 or save it with 16 bits"
            );
        }
        Ok(())
    }
}

/// Luma and chroma between their black and white (TIFF 6.0, section 21).
fn from_ycbcr(stored: &[f32], [red, green, blue]: [f32; 3], reference: [f32; 6], scale: f32) -> [f32; 3] {
    // The references are those of 8 bits, or of as many as there are.
    let factor = if scale > 255.0 && reference[1] <= 255.0 { scale / 255.0 } else { 1.0 };
    let between = |at: usize, range: f32| {
        let (low, high) = (reference[at * 2] * factor, reference[at * 2 + 1] * factor);
        (stored[at] * scale - low) * range / (high - low)
    };
    let (luma, cb, cr) = (between(0, 1.0), between(1, 127.0 / 255.0), between(2, 127.0 / 255.0));
    let (r, b) = (luma + cr * (2.0 - 2.0 * red), luma + cb * (2.0 - 2.0 * blue));
    [r, (luma - blue * b - red * r) / green, b].map(|value| value.clamp(0.0, 1.0))
}

/// CIELAB: L from 0 to 100; a and b with a sign, or from the middle on. Colors that sRGB cannot show keep their lightness.
fn from_lab(stored: &[f32], signed: bool, deep: bool) -> [f32; 3] {
    let (scale, middle) = if deep { (65_535.0 / 256.0, 128.0) } else { (255.0, 128.0) };
    let chroma = |value: f32| match value * scale {
        value if !signed => value - middle,
        value if value >= middle => value - 2.0 * middle,
        value => value,
    };
    let (a, b) = if stored.len() == 3 { (chroma(stored[1]), chroma(stored[2])) } else { (0.0, 0.0) };
    lab_to_srgb(gamut::fit_chroma([stored[0] * 100.0, a, b])).map(|value| value.clamp(0.0, 1.0))
}
