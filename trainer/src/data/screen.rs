//! What a photograph needs to be usable, and the remarks that one can get.

use image::RgbImage;
use serde::Serialize;

/// Remarks on a photograph: the first three make it unusable for training, the others are worth knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remark {
    /// It cannot be read or decoded, or its colors would come out wrong.
    Corrupt,
    /// A side is below [`Screen::min_side`].
    TooSmall,
    /// It has no color to learn from.
    Gray,
    /// Its format is not what its name says.
    Mislabeled,
    /// More than 8 bits per channel.
    Deep,
    /// Stored as inks.
    Cmyk,
    /// Several pictures after one another.
    Animated,
    /// It has transparency.
    Alpha,
}

impl Remark {
    /// Whether training skips such a photograph.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Remark::Corrupt | Remark::TooSmall | Remark::Gray)
    }

    /// The words for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Remark::Corrupt => "corrupt",
            Remark::TooSmall => "too small",
            Remark::Gray => "gray",
            Remark::Mislabeled => "mislabeled",
            Remark::Deep => "deep",
            Remark::Cmyk => "CMYK",
            Remark::Animated => "animated",
            Remark::Alpha => "alpha",
        }
    }
}

/// What a photograph needs to be usable; one that lacks it is skipped, counted and named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// Refuses photographs without color.
    pub color: bool,
    /// Refuses photographs with a side below this, in pixels.
    pub min_side: u32,
}

impl Screen {
    /// What training asks for: color to learn from, and 16 pixels per side.
    pub const TRAINING: Screen = Screen { color: true, min_side: 16 };

    /// What a photograph lacks, and the sentence for it.
    #[must_use]
    pub fn fault(self, image: &RgbImage) -> Option<(Remark, String)> {
        let (width, height) = image.dimensions();
        let least = self.min_side.max(1);
        if width.min(height) < least {
            let reason = format!("expected at least {least} pixels a side, got {width} x {height}");
            return Some((Remark::TooSmall, reason));
        }
        let gray = self.color && is_gray(image);
        gray.then(|| (Remark::Gray, "there is no color to learn from".to_owned()))
    }
}

/// Mean difference of the greatest and the least channel, in 8-bit steps, below which a photograph counts as gray:
/// what JPEG leaves of a gray picture stored in three channels.
const GRAY_BELOW: f64 = 2.0;

/// Whether a picture has no color but the noise of its compression.
#[must_use]
pub fn is_gray(image: &RgbImage) -> bool {
    let spans = image.pixels().map(|pixel| {
        let [r, g, b] = pixel.0;
        f64::from(r.max(g).max(b) - r.min(g).min(b))
    });
    spans.sum::<f64>() / (f64::from(image.width()) * f64::from(image.height())) < GRAY_BELOW
}
