//! How the pixels of a picture are stored.
//!
//! The idea: **one list of formats for the pipeline, the C ABI and every host.**

/// How the pixels of a picture are stored: sRGB-encoded, straight alpha, samples in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue, alpha; 8 bits each.
    Rgba8,
    /// Red, green, blue; 8 bits each.
    Rgb8,
    /// Gray, 8 bits; an input, or a map of confidence.
    Gray8,
    /// Red, green, blue, alpha; 16 bits each.
    Rgba16,
    /// Red, green, blue; 16 bits each.
    Rgb16,
    /// Gray, 16 bits; an input, or a map of confidence.
    Gray16,
    /// Red, green, blue, alpha; 32-bit floats, 0..1. Values beyond are clamped, NaN reads as 0.
    RgbaF32,
    /// Gray, 32-bit float, 0..1; an input, or a map of confidence. Values beyond are clamped, NaN reads as 0.
    GrayF32,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Rgba8,
        Self::Rgb8,
        Self::Gray8,
        Self::Rgba16,
        Self::Rgb16,
        Self::Gray16,
        Self::RgbaF32,
        Self::GrayF32,
    ];

    /// Samples of one pixel: 1 (gray), 3, or 4 with alpha last.
    #[must_use]
    pub const fn samples(self) -> usize {
        match self {
            Self::Gray8 | Self::Gray16 | Self::GrayF32 => 1,
            Self::Rgb8 | Self::Rgb16 => 3,
            Self::Rgba8 | Self::Rgba16 | Self::RgbaF32 => 4,
        }
    }

    /// Bytes of one sample: 1, 2 or 4.
    #[must_use]
    pub const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Gray8 | Self::Rgb8 | Self::Rgba8 => 1,
            Self::Gray16 | Self::Rgb16 | Self::Rgba16 => 2,
            Self::GrayF32 | Self::RgbaF32 => 4,
        }
    }

    /// Bytes of one pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
        self.samples() * self.bytes_per_sample()
    }

    /// Whether it holds red, green and blue, as an output of colorizing must.
    #[must_use]
    pub const fn has_color(self) -> bool {
        self.samples() >= 3
    }

    /// Whether it holds alpha.
    #[must_use]
    pub const fn has_alpha(self) -> bool {
        self.samples() == 4
    }
}
