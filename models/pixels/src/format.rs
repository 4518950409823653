//! Pixel formats.
//!
//! The idea: **one list of formats for the pipeline, the C ABI and every host.**

/// How pixels are stored: sRGB-encoded, straight (not premultiplied) alpha, samples in native byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue, alpha; 8 bits each.
    Rgba8,
    /// Red, green, blue; 8 bits each.
    Rgb8,
    /// Gray, 8 bits; an input or a confidence map.
    Gray8,
    /// Red, green, blue, alpha; 16 bits each.
    Rgba16,
    /// Red, green, blue; 16 bits each.
    Rgb16,
    /// Gray, 16 bits; an input or a confidence map.
    Gray16,
    /// Red, green, blue, alpha; 32-bit floats, 0..1. Values outside are clamped; NaN reads as 0.
    RgbaF32,
    /// Gray, 32-bit float, 0..1; an input or a confidence map. Values outside are clamped; NaN reads as 0.
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

    /// Samples per pixel: 1 (gray), 3, or 4 with alpha last.
    #[must_use]
    pub const fn samples(self) -> usize {
        match self {
            Self::Gray8 | Self::Gray16 | Self::GrayF32 => 1,
            Self::Rgb8 | Self::Rgb16 => 3,
            Self::Rgba8 | Self::Rgba16 | Self::RgbaF32 => 4,
        }
    }

    /// Bytes per sample: 1, 2 or 4.
    #[must_use]
    pub const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Gray8 | Self::Rgb8 | Self::Rgba8 => 1,
            Self::Gray16 | Self::Rgb16 | Self::Rgba16 => 2,
            Self::GrayF32 | Self::RgbaF32 => 4,
        }
    }

    /// Bytes per pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
        self.samples() * self.bytes_per_sample()
    }

    /// Whether it has red, green and blue, as the output of `colorize` must.
    #[must_use]
    pub const fn has_color(self) -> bool {
        self.samples() >= 3
    }

    /// Whether it has alpha.
    #[must_use]
    pub const fn has_alpha(self) -> bool {
        self.samples() == 4
    }
}
