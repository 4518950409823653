//! From the decoder's output to a picture: planes interleaved, samples widened, every color space to gray or RGB.

use std::io::{Read, Seek};

use anyhow::bail;
use autochrome_loader::PixelFormat;
use tiff::decoder::Decoder;
use tiff::tags::SampleFormat;
use tiff::{ColorType, TiffError};

use super::problem::{NAME, explain};
use crate::format::problem::{damaged, unsupported};
use crate::picture::{Depth, Picture, narrowed, quantised};

/// What the decoder is not told of a page.
pub struct Kind {
    /// Red, green and blue of every index, 16 bits each in the machine's order.
    pub palette: Option<Vec<u8>>,
    /// Colors are stored multiplied by alpha.
    pub associated: bool,
    /// An extra sample beyond the colors is something other than transparency.
    pub no_alpha: bool,
}

/// How far above 1 a float may be and still be the rounding of one that is not.
const BRIGHTEST: f32 = 1.5;

/// Samples next to each other, pixel by pixel.
struct Raw {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
    channels: usize,
    depth: Depth,
}

/// Decodes the decoder's current page, in `memory` bytes at most.
pub fn read<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    kind: &Kind,
    memory: usize,
    notes: &mut Vec<String>,
) -> anyhow::Result<Picture> {
    let (width, height) = decoder.dimensions().map_err(|error| explain(&error))?;
    let color = decoder.colortype().map_err(|error| explain(&error))?;
    let layout = decoder.image_buffer_layout().map_err(|error| explain(&error))?;
    if layout.complete_len > memory {
        return Err(explain(&TiffError::LimitsExceeded));
    }
    let mut bytes = vec![0; layout.complete_len];
    decoder.read_image_bytes(&mut bytes).map_err(|error| explain(&error))?;
    let channels = usize::from(color.num_samples());
    let columns = usize::try_from(width)?;
    let rows = usize::try_from(height)?;
    let bits = color.bit_depth();
    if let (1 | 2 | 4, 1) = (bits, channels) {
        bytes = unpacked(&bytes, columns, rows, bits, kind.palette.is_none());
    }
    let size = usize::from(bits.div_ceil(8));
    if bytes.len() != columns * rows * channels * size {
        return Err(damaged(NAME, &"its samples do not fill its pixels"));
    }
    if layout.planes > 1 {
        bytes = woven(&bytes, channels, size);
    }
    let (bytes, depth) = widened(bytes, bits, layout.sample_format, notes)?;
    let raw = Raw { width, height, bytes, channels, depth };
    if let Some(palette) = &kind.palette {
        return raw.colored_by(palette);
    }
    let raw = if kind.no_alpha && raw.channels == 2 { raw.first_channel() } else { raw };
    let mut picture = raw.picture(color, notes)?;
    if kind.associated && picture.alpha {
        picture = picture.unassociated();
        notes.push("its colors were premultiplied by alpha and were divided by it".into());
    }
    Ok(picture)
}

/// One sample a byte; as shades they fill the range, as indices of a palette they stay what they are.
fn unpacked(bytes: &[u8], columns: usize, rows: usize, bits: u8, shades: bool) -> Vec<u8> {
    let each = usize::from(8 / bits);
    let mask = u8::MAX >> (8 - bits);
    let factor = if shades { u8::MAX / mask } else { 1 };
    let mut samples = Vec::with_capacity(columns * rows);
    for row in bytes.chunks_exact(columns.div_ceil(each)).take(rows) {
        let values = row.iter().flat_map(|byte| {
            (0..8 / bits).map(move |place| (byte >> (8 - bits - place * bits) & mask) * factor)
        });
        samples.extend(values.take(columns));
    }
    samples
}

/// Planes one after another as samples next to each other.
fn woven(bytes: &[u8], channels: usize, size: usize) -> Vec<u8> {
    let planes: Vec<&[u8]> = bytes.chunks_exact(bytes.len() / channels).collect();
    let mut woven = Vec::with_capacity(bytes.len());
    for at in (0..bytes.len() / channels).step_by(size) {
        planes.iter().for_each(|plane| woven.extend_from_slice(&plane[at..at + size]));
    }
    woven
}

/// Samples as the plugin takes them: 8 or 16 bits, or floats.
fn widened(
    bytes: Vec<u8>,
    bits: u8,
    format: SampleFormat,
    notes: &mut Vec<String>,
) -> anyhow::Result<(Vec<u8>, Depth)> {
    Ok(match (format, bits) {
        (SampleFormat::Uint | SampleFormat::Void, 1..=8) => (bytes, Depth::Eight),
        (SampleFormat::Uint | SampleFormat::Void, 16) => (bytes, Depth::Sixteen),
        (SampleFormat::Uint, 32) => {
            notes.push("its 32-bit integers were reduced to 16 bits".into());
            let samples = bytes.as_chunks::<4>().0.iter().map(|sample| u32::from_ne_bytes(*sample) >> 16);
            let samples = samples.flat_map(|sample| u16::try_from(sample).unwrap_or(u16::MAX).to_ne_bytes());
            (samples.collect(), Depth::Sixteen)
        }
        (SampleFormat::IEEEFP, 16) => {
            let samples = bytes.as_chunks::<2>().0.iter().map(|sample| half(u16::from_ne_bytes(*sample)));
            (samples.flat_map(f32::to_ne_bytes).collect(), Depth::Float)
        }
        (SampleFormat::IEEEFP, 32) => (bytes, Depth::Float),
        #[expect(clippy::cast_possible_truncation, reason = "a float of 64 bits is rounded to one of 32")]
        (SampleFormat::IEEEFP, 64) => {
            let samples = bytes.as_chunks::<8>().0.iter().map(|sample| f64::from_ne_bytes(*sample) as f32);
            (samples.flat_map(f32::to_ne_bytes).collect(), Depth::Float)
        }
        (format, bits) => {
            return Err(unsupported(NAME, &format!("its samples have {bits} bits ({format:?})")));
        }
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
    /// The picture whose indices these are.
    fn colored_by(self, palette: &[u8]) -> anyhow::Result<Picture> {
        let values: Vec<u16> =
            palette.as_chunks::<2>().0.iter().map(|value| u16::from_ne_bytes(*value)).collect();
        let size = values.len() / 3;
        if self.depth != Depth::Eight || self.channels != 1 {
            return Err(unsupported(NAME, &"its palette has more than 256 colors"));
        }
        // Some writers fill 8 of the 16 bits.
        let narrow = values.iter().all(|value| *value < 256);
        let byte = |value: u16| if narrow { u8::try_from(value).unwrap_or(u8::MAX) } else { narrowed(value) };
        let mut pixels = Vec::with_capacity(self.bytes.len() * 3);
        for index in self.bytes.iter().map(|index| usize::from(*index)) {
            if index >= size {
                return Err(damaged(NAME, &format!("color {index} is used, but its palette has {size}")));
            }
            pixels.extend([0, 1, 2].map(|channel| byte(values[channel * size + index])));
        }
        Ok(Picture::new(PixelFormat::Rgb8, self.width, self.height, pixels))
    }

    fn picture(mut self, color: ColorType, notes: &mut Vec<String>) -> anyhow::Result<Picture> {
        match color {
            ColorType::CMYK(_) => self.inks_to_rgb(notes)?,
            ColorType::YCbCr(8) => self.luma_and_chroma_to_rgb(),
            ColorType::Gray(_) | ColorType::GrayA(_) | ColorType::RGB(_) | ColorType::RGBA(_) => {}
            ColorType::Multiband { num_samples: 2, .. } => {}
            other => return Err(unsupported(NAME, &format!("it is {other:?}"))),
        }
        if self.depth == Depth::Float {
            self.check_floats()?;
        }
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
        Ok(Picture { format, width: self.width, height: self.height, pixels, alpha })
    }

    /// Without the second of two channels.
    fn first_channel(self) -> Self {
        Self { bytes: self.ordered(&[0]), channels: 1, ..self }
    }

    /// Pixels of the channels of `order`; three of floats get an opaque fourth.
    fn ordered(&self, order: &[usize]) -> Vec<u8> {
        let size = match self.depth {
            Depth::Eight => 1,
            Depth::Sixteen => 2,
            Depth::Float => 4,
        };
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
        let mut brightest = 0_f32;
        for sample in self.bytes.as_chunks_mut::<4>().0 {
            let value = f32::from_ne_bytes(*sample);
            brightest = brightest.max(value);
            if !(0.0..=1.0).contains(&value) {
                *sample = if value > 1.0 { 1_f32 } else { 0.0 }.to_ne_bytes();
            }
        }
        if brightest > BRIGHTEST {
            bail!(
                "the TIFF contains floating-point values up to {brightest}, expected 0 to 1 (black to white); scale it, \
                 or save it with 16 bits"
            );
        }
        Ok(())
    }

    /// CMYK by formula: the light that one ink and black let through.
    fn inks_to_rgb(&mut self, notes: &mut Vec<String>) -> anyhow::Result<()> {
        notes.push("CMYK was converted to RGB by formula".into());
        let light = |ink: f32, black: f32| (1.0 - ink) * (1.0 - black);
        self.bytes = match self.depth {
            Depth::Eight => self
                .bytes
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|inks| {
                    let [cyan, magenta, yellow, black] = inks.map(|ink| f32::from(ink) / 255.0);
                    [cyan, magenta, yellow].map(|ink| narrowed(quantised(light(ink, black))))
                })
                .collect(),
            Depth::Sixteen => self
                .bytes
                .as_chunks::<8>()
                .0
                .iter()
                .flat_map(|inks| {
                    let ink = |at: usize| {
                        f32::from(u16::from_ne_bytes([inks[at * 2], inks[at * 2 + 1]])) / 65_535.0
                    };
                    [0, 1, 2].map(|at| quantised(light(ink(at), ink(3))))
                })
                .flat_map(u16::to_ne_bytes)
                .collect(),
            Depth::Float => return Err(unsupported(NAME, &"it is floating-point CMYK")),
        };
        self.channels = 3;
        Ok(())
    }

    /// YCbCr of JPEG (ITU-R BT.601, full range).
    fn luma_and_chroma_to_rgb(&mut self) {
        for pixel in self.bytes.as_chunks_mut::<3>().0 {
            let [luma, blue, red] = pixel.map(f32::from);
            let (blue, red) = (blue - 128.0, red - 128.0);
            let rgb = [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
            *pixel = rgb.map(|value| narrowed(quantised(value / 255.0)));
        }
    }
}
