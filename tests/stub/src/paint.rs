//! The stub's colour rule: gray plus a tint of one hue that grows from left to right and keeps luma.

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One byte, 0..255.
    U8,
    /// Two bytes in the machine's order, 0..65535.
    U16,
    /// A float, 0..1.
    F32,
}

/// Samples of a pixel and their depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// 1 (gray), 3 or 4.
    pub channels: usize,
    /// Depth of every sample.
    pub depth: Depth,
}

impl Layout {
    /// The layout of a format of the interface; `None` for an unknown one.
    #[must_use]
    pub fn of(format: autochrome_abi::AutochromeFormat) -> Option<Self> {
        let (channels, depth) = match format {
            autochrome_abi::AUTOCHROME_FORMAT_RGBA8 => (4, Depth::U8),
            autochrome_abi::AUTOCHROME_FORMAT_RGB8 => (3, Depth::U8),
            autochrome_abi::AUTOCHROME_FORMAT_GRAY8 => (1, Depth::U8),
            autochrome_abi::AUTOCHROME_FORMAT_RGBA16 => (4, Depth::U16),
            autochrome_abi::AUTOCHROME_FORMAT_RGB16 => (3, Depth::U16),
            autochrome_abi::AUTOCHROME_FORMAT_GRAY16 => (1, Depth::U16),
            autochrome_abi::AUTOCHROME_FORMAT_RGBA_F32 => (4, Depth::F32),
            autochrome_abi::AUTOCHROME_FORMAT_GRAY_F32 => (1, Depth::F32),
            _ => return None,
        };
        Some(Self { channels, depth })
    }

    /// Bytes of a pixel.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.channels
            * match self.depth {
                Depth::U8 => 1,
                Depth::U16 => 2,
                Depth::F32 => 4,
            }
    }

    fn sample_bytes(self) -> usize {
        self.bytes() / self.channels
    }

    /// Sample `channel` of `pixel`, 0..1.
    fn read(self, pixel: &[u8], channel: usize) -> f32 {
        let at = channel * self.sample_bytes();
        match self.depth {
            Depth::U8 => f32::from(pixel[at]) / 255.0,
            Depth::U16 => f32::from(u16::from_ne_bytes([pixel[at], pixel[at + 1]])) / 65535.0,
            Depth::F32 => f32::from_ne_bytes([pixel[at], pixel[at + 1], pixel[at + 2], pixel[at + 3]]),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
    fn write(self, pixel: &mut [u8], channel: usize, value: f32) {
        let at = channel * self.sample_bytes();
        let value = value.clamp(0.0, 1.0);
        match self.depth {
            Depth::U8 => pixel[at] = (value * 255.0).round() as u8,
            Depth::U16 => {
                pixel[at..at + 2].copy_from_slice(&((value * 65535.0).round() as u16).to_ne_bytes());
            }
            Depth::F32 => pixel[at..at + 4].copy_from_slice(&value.to_ne_bytes()),
        }
    }
}

/// Copies one row: the first sample of a gray pixel to every colour of the other layout, all samples where both are alike.
pub fn copy_row(input: &[u8], from: Layout, output: &mut [u8], to: Layout) {
    match (from.channels, to.channels) {
        (1, 3) if from.depth == Depth::U8 => {
            for (gray, pixel) in input.iter().zip(output.as_chunks_mut::<3>().0) {
                *pixel = [*gray; 3];
            }
        }
        _ if from == to => output.copy_from_slice(input),
        _ => paint_row(input, from, output, to, 0.0),
    }
}

/// Luma weights of sRGB primaries.
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Tint at the right edge, as a share of the range; the left edge has half of it.
const TINT: f32 = 0.16;

/// Paints one row: `input` and `output` hold the same number of pixels in their layouts.
pub fn paint_row(input: &[u8], from: Layout, output: &mut [u8], to: Layout, strength: f32) {
    let width = output.len() / to.bytes();
    for (x, (source, target)) in
        input.chunks_exact(from.bytes()).zip(output.chunks_exact_mut(to.bytes())).enumerate()
    {
        let luma = if from.channels == 1 {
            from.read(source, 0)
        } else {
            LUMA.iter().enumerate().map(|(channel, weight)| weight * from.read(source, channel)).sum()
        };
        if to.channels == 1 {
            // A map: as sure as the picture is light.
            to.write(target, 0, luma);
            continue;
        }
        let tint = strength * TINT * (0.5 + 0.5 * ratio(x, width));
        let green = -tint * (LUMA[0] - LUMA[2]) / LUMA[1];
        for (channel, offset) in [tint, green, -tint].into_iter().enumerate() {
            to.write(target, channel, luma + offset);
        }
        if to.channels == 4 {
            let alpha = if from.channels == 4 { from.read(source, 3) } else { 1.0 };
            to.write(target, 3, alpha);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are far below 2^24")]
fn ratio(x: usize, width: usize) -> f32 {
    x as f32 / width as f32
}
