//! Samples of any format as numbers from 0 to 1: what every analysis reads.

use crate::picture::Picture;

/// The colors of a picture, 0..1, wherever they lie.
pub struct Colors<'a> {
    picture: &'a Picture,
    width: usize,
    bytes: usize,
    sample: usize,
}

impl<'a> Colors<'a> {
    /// The colors of `picture`; `None` when it is gray.
    pub fn of(picture: &'a Picture) -> Option<Self> {
        if !picture.format.has_color() {
            return None;
        }
        let width = usize::try_from(picture.width).ok()?;
        let (bytes, sample) = (picture.format.bytes_per_pixel(), picture.format.bytes_per_sample());
        Some(Self { picture, width, bytes, sample })
    }

    /// Red, green and blue at a place.
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let pixel = &self.picture.pixels[(y * self.width + x) * self.bytes..][..self.bytes];
        [0, 1, 2].map(|channel| level(&pixel[channel * self.sample..][..self.sample]))
    }
}

/// A sample, 0..1.
pub fn level(sample: &[u8]) -> f32 {
    match *sample {
        [byte] => f32::from(byte) / 255.0,
        [high, low] => f32::from(u16::from_ne_bytes([high, low])) / 65_535.0,
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]).clamp(0.0, 1.0),
        _ => 0.0,
    }
}
