//! Pixels in memory, and what needs no knowledge of color: rotation, depth, transparency.

use autochrome_loader::PixelFormat;
use image::metadata::Orientation;

/// Bits of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// 8 bits.
    Eight,
    /// 16 bits.
    Sixteen,
    /// 32-bit floating point.
    Float,
}

/// A picture, rows without gaps, top row first, samples as the plugin takes them.
pub struct Picture {
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
    /// Whether it came with transparency. The plugin has no floating-point RGB, so RGBA stands for both.
    pub alpha: bool,
}

impl Picture {
    /// A picture of these pixels, with transparency if the format has it.
    pub fn new(format: PixelFormat, width: u32, height: u32, pixels: Vec<u8>) -> Self {
        Self { format, width, height, pixels, alpha: format.has_alpha() }
    }

    /// How deep its samples are.
    pub fn depth(&self) -> Depth {
        match self.format.bytes_per_sample() {
            1 => Depth::Eight,
            2 => Depth::Sixteen,
            _ => Depth::Float,
        }
    }

    /// Whether no pixel is transparent.
    pub fn is_opaque(&self) -> bool {
        match self.format {
            _ if !self.alpha => true,
            PixelFormat::Rgba8 => self.pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 0xFF),
            PixelFormat::Rgba16 => self.pixels.as_chunks::<8>().0.iter().all(|pixel| pixel[6..] == [0xFF; 2]),
            PixelFormat::RgbaF32 => {
                let one = 1_f32.to_ne_bytes();
                self.pixels.as_chunks::<16>().0.iter().all(|pixel| pixel[12..] == one)
            }
            _ => true,
        }
    }

    /// The picture, rotated or flipped as `orientation` states.
    pub fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let pixels = match self.format.bytes_per_pixel() {
            1 => turn::<1>(&self, orientation),
            2 => turn::<2>(&self, orientation),
            3 => turn::<3>(&self, orientation),
            4 => turn::<4>(&self, orientation),
            6 => turn::<6>(&self, orientation),
            8 => turn::<8>(&self, orientation),
            _ => turn::<16>(&self, orientation),
        };
        let (width, height) =
            if swaps_sides(orientation) { (self.height, self.width) } else { (self.width, self.height) };
        Self { width, height, pixels, ..self }
    }

    /// The picture with samples no deeper than `depth`, rounded; alpha that only stood for none is left out.
    pub fn at_most(self, depth: Depth) -> Self {
        let Picture { format, alpha, .. } = self;
        let (format, pixels) = match (format, depth) {
            (PixelFormat::Rgb16, Depth::Eight) => (PixelFormat::Rgb8, from_16_to_8(&self.pixels)),
            (PixelFormat::Rgba16, Depth::Eight) => (PixelFormat::Rgba8, from_16_to_8(&self.pixels)),
            (PixelFormat::RgbaF32, Depth::Eight) if alpha => {
                (PixelFormat::Rgba8, from_float_to_8::<4>(&self.pixels))
            }
            (PixelFormat::RgbaF32, Depth::Eight) => (PixelFormat::Rgb8, from_float_to_8::<3>(&self.pixels)),
            (PixelFormat::RgbaF32, Depth::Sixteen) if alpha => {
                (PixelFormat::Rgba16, from_float_to_16::<4>(&self.pixels))
            }
            (PixelFormat::RgbaF32, Depth::Sixteen) => {
                (PixelFormat::Rgb16, from_float_to_16::<3>(&self.pixels))
            }
            _ => return self,
        };
        Self { format, pixels, ..self }
    }

    /// An opaque picture of 8 or 16 bits without its alpha.
    pub fn without_alpha(self) -> Self {
        let (format, pixels) = match self.format {
            PixelFormat::Rgba8 => (PixelFormat::Rgb8, first_of_each::<4>(&self.pixels, 3)),
            PixelFormat::Rgba16 => (PixelFormat::Rgb16, first_of_each::<8>(&self.pixels, 6)),
            _ => return self,
        };
        Self { format, pixels, alpha: false, ..self }
    }

    /// The colors of a premultiplied picture, divided by its alpha; alpha itself is untouched.
    pub fn unassociated(mut self) -> Self {
        match self.format {
            PixelFormat::Rgba8 => {
                for pixel in self.pixels.as_chunks_mut::<4>().0 {
                    let alpha = u32::from(pixel[3]);
                    for sample in &mut pixel[..3] {
                        let value = (u32::from(*sample) * 255 + alpha / 2).checked_div(alpha).unwrap_or(0);
                        *sample = u8::try_from(value).unwrap_or(u8::MAX);
                    }
                }
            }
            PixelFormat::Rgba16 => {
                for pixel in self.pixels.as_chunks_mut::<8>().0 {
                    let alpha = u32::from(u16::from_ne_bytes([pixel[6], pixel[7]]));
                    for sample in pixel[..6].as_chunks_mut::<2>().0 {
                        let value = u32::from(u16::from_ne_bytes(*sample));
                        let value = (value * 65_535 + alpha / 2).checked_div(alpha).unwrap_or(0);
                        *sample = u16::try_from(value).unwrap_or(u16::MAX).to_ne_bytes();
                    }
                }
            }
            PixelFormat::RgbaF32 => {
                for pixel in self.pixels.as_chunks_mut::<16>().0 {
                    let samples = pixel.as_chunks_mut::<4>().0;
                    let alpha = f32::from_ne_bytes(samples[3]);
                    for sample in &mut samples[..3] {
                        let value =
                            if alpha > 0.0 { (f32::from_ne_bytes(*sample) / alpha).min(1.0) } else { 0.0 };
                        *sample = value.to_ne_bytes();
                    }
                }
            }
            _ => {}
        }
        self
    }
}

/// Gray and alpha of `SAMPLE` bytes each as RGBA.
pub fn gray_alpha_to_rgba<const SAMPLE: usize>(pixels: &[u8]) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(pixels.len() * 2);
    for pixel in pixels.chunks_exact(2 * SAMPLE) {
        let (gray, alpha) = pixel.split_at(SAMPLE);
        for part in [gray, gray, gray, alpha] {
            rgba.extend_from_slice(part);
        }
    }
    rgba
}

/// Whether width and height are swapped.
pub fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn turn<const BYTES: usize>(picture: &Picture, orientation: Orientation) -> Vec<u8> {
    let width = usize::try_from(picture.width).unwrap_or(usize::MAX);
    let height = usize::try_from(picture.height).unwrap_or(usize::MAX);
    let source = picture.pixels.as_chunks::<BYTES>().0;
    let (columns, rows) = if swaps_sides(orientation) { (height, width) } else { (width, height) };
    // Where the result's pixel (x, y) is taken from.
    let from = |x: usize, y: usize| match orientation {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (width - 1 - x, y),
        Orientation::Rotate180 => (width - 1 - x, height - 1 - y),
        Orientation::FlipVertical => (x, height - 1 - y),
        Orientation::Rotate90 => (y, height - 1 - x),
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate270 => (width - 1 - y, x),
        Orientation::Rotate270FlipH => (width - 1 - y, height - 1 - x),
    };
    let mut turned = Vec::with_capacity(picture.pixels.len());
    for y in 0..rows {
        for x in 0..columns {
            let (x, y) = from(x, y);
            turned.extend_from_slice(&source[y * width + x]);
        }
    }
    turned
}

/// A 16-bit sample at 8 bits.
pub fn narrowed(sample: u16) -> u8 {
    u8::try_from((u32::from(sample) * 255 + 32_767) / 65_535).unwrap_or(u8::MAX)
}

/// A sample of 0..1 at 16 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
pub fn quantised(sample: f32) -> u16 {
    (sample.clamp(0.0, 1.0) * 65_535.0).round() as u16
}

fn from_16_to_8(pixels: &[u8]) -> Vec<u8> {
    pixels.as_chunks::<2>().0.iter().map(|sample| narrowed(u16::from_ne_bytes(*sample))).collect()
}

fn floats<const CHANNELS: usize>(pixels: &[u8]) -> impl Iterator<Item = f32> {
    let pixels = pixels.as_chunks::<16>().0.iter();
    pixels.flat_map(|pixel| {
        pixel.as_chunks::<4>().0[..CHANNELS].iter().map(|sample| f32::from_ne_bytes(*sample))
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
fn from_float_to_8<const CHANNELS: usize>(pixels: &[u8]) -> Vec<u8> {
    floats::<CHANNELS>(pixels).map(|sample| (sample.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

fn from_float_to_16<const CHANNELS: usize>(pixels: &[u8]) -> Vec<u8> {
    floats::<CHANNELS>(pixels).flat_map(|sample| quantised(sample).to_ne_bytes()).collect()
}

fn first_of_each<const BYTES: usize>(pixels: &[u8], kept: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(pixels.len() / BYTES * kept);
    for pixel in pixels.as_chunks::<BYTES>().0 {
        result.extend_from_slice(&pixel[..kept]);
    }
    result
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::*;

    #[test]
    fn turns_as_the_image_crate_does() {
        let pixels: Vec<u8> = (0..18).collect();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let ours = Picture::new(PixelFormat::Rgb8, 3, 2, pixels.clone()).turned(orientation);
            let mut theirs = DynamicImage::from(image::RgbImage::from_raw(3, 2, pixels.clone()).unwrap());
            theirs.apply_orientation(orientation);
            assert_eq!((ours.width, ours.height), (theirs.width(), theirs.height()), "{exif}");
            assert_eq!(ours.pixels, theirs.into_bytes(), "{exif}");
        }
    }

    #[test]
    fn depth_is_reduced_and_never_made_up() {
        let deep = [0_u16, 128, 65_535, 32_768].map(u16::to_ne_bytes).concat();
        let shallow = Picture::new(PixelFormat::Rgba16, 1, 1, deep.clone()).at_most(Depth::Eight);
        assert_eq!((shallow.format, shallow.pixels), (PixelFormat::Rgba8, vec![0, 0, 255, 128]));
        assert_eq!(Picture::new(PixelFormat::Rgba16, 1, 1, deep.clone()).at_most(Depth::Float).pixels, deep);
        let float = [0.0_f32, 0.5, 1.0, 1.0].map(f32::to_ne_bytes).concat();
        let mut float = Picture::new(PixelFormat::RgbaF32, 1, 1, float);
        assert!(float.is_opaque());
        float.alpha = false;
        let shallow = float.at_most(Depth::Sixteen);
        assert_eq!(shallow.format, PixelFormat::Rgb16);
        assert_eq!(shallow.pixels, [0_u16, 32_768, 65_535].map(u16::to_ne_bytes).concat());
    }
}
