//! Image files as found in the wild: truncated, gray, animated, misnamed, CMYK.
//!
//! The idea: **every file is made here, by an encoder other than the product's decoder where there is one**, so
//! that no photograph of unknown license is needed and the right colors are known.

use std::io::Cursor;

use autochrome_pixels::color::{linear_to_srgb, srgb_to_luminance};
use image::codecs::webp::WebPEncoder;
use image::{
    DynamicImage, ExtendedColorType, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage,
};
use jpeg_encoder::{ColorType, Encoder};

/// Side of every image except the one-pixel one.
pub const SIDE: u32 = 32;
/// The color of the CMYK image: cyan, magenta, yellow and black, 255 for full ink.
pub const INKS: [u8; 4] = [0, 200, 160, 30];

/// The gray (0..1) of the same lightness as a color (0..1 each): what a colorized pixel keeps of its input.
#[must_use]
pub fn gray_of(rgb: [f32; 3]) -> f32 {
    linear_to_srgb(srgb_to_luminance(rgb))
}

/// A small but good photograph; a different one for every `seed`.
#[must_use]
pub fn photograph(seed: u8) -> RgbImage {
    let shade = |value: u32| u8::try_from((value + u32::from(seed) * 5) % 256).expect("below 256");
    RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb([shade(x * 6), shade(y * 5), shade(200 - x * 2)]))
}

/// An image file.
///
/// # Panics
/// If the format has no encoder here, or not for such an image.
#[must_use]
pub fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("the picture can be encoded");
    bytes.into_inner()
}

/// Every kind of bad or odd file, under a descriptive name; the folder in the name is its class.
#[must_use]
pub fn zoo() -> Vec<(&'static str, Vec<u8>)> {
    let whole = DynamicImage::from(photograph(1));
    let (png, jpeg, webp) =
        (file(&whole, ImageFormat::Png), file(&whole, ImageFormat::Jpeg), file(&whole, ImageFormat::WebP));
    let gray = DynamicImage::from(ImageBuffer::from_fn(SIDE, SIDE, |x, _| Luma([bytes_of(x)])));
    let deep = DynamicImage::from(whole.to_rgb16());
    let clear = RgbaImage::from_fn(SIDE, SIDE, |x, y| Rgba([bytes_of(x), bytes_of(y), 90, bytes_of(x)]));
    let cut = |bytes: &[u8]| bytes[..bytes.len() * 2 / 3].to_vec();
    vec![
        ("bad/cut.jpg", cut(&jpeg)),
        ("bad/cut.png", cut(&png)),
        ("bad/cut.tif", cut(&file(&whole, ImageFormat::Tiff))),
        ("bad/cut.webp", cut(&webp)),
        ("bad/empty.jpg", Vec::new()),
        ("bad/gif.jpg", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
        ("bad/gray.jpg", file(&gray, ImageFormat::Jpeg)),
        ("bad/gray-in-color.png", file(&gray.to_rgb8().into(), ImageFormat::Png)),
        ("bad/inks-of-nobody.jpg", without_app14(&inks(ColorType::Cmyk))),
        ("bad/one-pixel.png", file(&whole.crop_imm(0, 0, 1, 1), ImageFormat::Png)),
        ("bad/text.png", b"no photograph".to_vec()),
        ("odd/animated.png", animated_png()),
        ("odd/animated.webp", animated_webp()),
        ("odd/clear.png", file(&clear.into(), ImageFormat::Png)),
        ("odd/deep.png", file(&deep, ImageFormat::Png)),
        ("odd/deep.tif", file(&deep, ImageFormat::Tiff)),
        ("odd/inks.jpg", inks(ColorType::Cmyk)),
        ("odd/inks-ycck.jpg", inks(ColorType::CmykAsYcck)),
        ("odd/png.jpg", png),
    ]
}

fn bytes_of(place: u32) -> u8 {
    u8::try_from(place * 7 % 256).expect("below 256")
}

/// A JPEG filled with [`INKS`], as Adobe writes it: inverted, with its marker.
///
/// # Panics
/// If it cannot be encoded.
#[must_use]
pub fn inks(color: ColorType) -> Vec<u8> {
    let side = u16::try_from(SIDE).expect("a small side");
    let mut bytes = Vec::new();
    let pixels = INKS.repeat(usize::from(side) * usize::from(side));
    Encoder::new(&mut bytes, 95).encode(&pixels, side, side, color).expect("inks can be encoded");
    bytes
}

/// The same file without the Adobe marker.
fn without_app14(jpeg: &[u8]) -> Vec<u8> {
    let at = jpeg.windows(2).position(|pair| pair == [0xFF, 0xEE]).expect("a marker of Adobe");
    let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    [&jpeg[..at], &jpeg[at + 2 + length..]].concat()
}

/// A PNG of two frames; the first is the one that programs without animation show.
fn animated_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).expect("two pictures");
    let mut writer = encoder.write_header().expect("a header");
    for seed in [1, 2] {
        writer.write_image_data(&photograph(seed)).expect("a picture");
    }
    writer.finish().expect("an end");
    bytes
}

/// A WebP of two frames, assembled from two still images (RFC 9649, section 2.7).
fn animated_webp() -> Vec<u8> {
    let size = |value: u32| value.to_le_bytes()[..3].to_vec();
    let chunk = |name: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("a small chunk").to_le_bytes();
        [name, &length, data, &vec![0; data.len() % 2]].concat()
    };
    let frame = |seed: u8| {
        let mut still = Vec::new();
        WebPEncoder::new_lossless(&mut still)
            .encode(&photograph(seed), SIDE, SIDE, ExtendedColorType::Rgb8)
            .expect("a still picture");
        // Position, size, 100 ms, no blending; then the still image without its file header.
        let place = [size(0), size(0), size(SIDE - 1), size(SIDE - 1), size(100), vec![2]].concat();
        chunk(b"ANMF", &[place.as_slice(), &still[12..]].concat())
    };
    const ANIMATED: u8 = 2;
    let canvas = [vec![ANIMATED, 0, 0, 0], size(SIDE - 1), size(SIDE - 1)].concat();
    let parts = [b"WEBP".to_vec(), chunk(b"VP8X", &canvas), chunk(b"ANIM", &[0; 6]), frame(1), frame(2)];
    chunk(b"RIFF", &parts.concat())
}

/// Sides of the JPEG in separate scans: neither a multiple of 16 blocks, where padding shows.
pub const SCANNED: (usize, usize) = (40, 24);

/// The shade of a pixel of [`separate_scans`]: one for each block of 8 x 8.
#[must_use]
pub fn scanned_shade(x: usize, y: usize) -> u8 {
    u8::try_from(50 + 9 * (x / 8) + 40 * (y / 8)).expect("below 256")
}

/// A baseline JPEG whose three components are in a scan each, the last two at 1 / `across` of the width and 1 / `down`
/// of the height, and without color. Its blocks are flat, so every value is known.
///
/// # Panics
/// Never.
#[must_use]
pub fn separate_scans(across: u8, down: u8) -> Vec<u8> {
    let (width, height) = SCANNED;
    let byte = |value: usize| u8::try_from(value).expect("a small side");
    let mut file = b"\xFF\xD8".to_vec();
    // A step of 8 makes the first coefficient the mean itself.
    segment(&mut file, 0xDB, &[&[0][..], &[8; 64]].concat());
    let sampling = [across << 4 | down, 0x11, 0x11];
    let mut frame = vec![8, 0, byte(height), 0, byte(width), 3];
    (1..).zip(sampling).for_each(|(id, sampling)| frame.extend([id, sampling, 0]));
    segment(&mut file, 0xC0, &frame);
    // Twelve codes of 4 bits for the sizes of differences; one code, of 1 bit, for the end of a block.
    segment(&mut file, 0xC4, &[&[0, 0, 0, 0, 12][..], &[0; 12], &(0..12).collect::<Vec<u8>>()].concat());
    segment(&mut file, 0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    for id in 1..=3 {
        segment(&mut file, 0xDA, &[1, id, 0, 0, 63, 0]);
        let (across, down) = if id == 1 { (1, 1) } else { (usize::from(across), usize::from(down)) };
        let (columns, rows) = (width.div_ceil(across).div_ceil(8), height.div_ceil(down).div_ceil(8));
        let mut bits = Bits::default();
        let mut last = 0;
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let mean = if id == 1 { i32::from(scanned_shade(column * 8, row * 8)) - 128 } else { 0 };
            bits.difference(mean - last);
            last = mean;
        }
        file.extend(bits.bytes());
    }
    file.extend(b"\xFF\xD9");
    file
}

/// Appends a segment of a JPEG.
fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    let length = u16::try_from(content.len() + 2).expect("a small segment").to_be_bytes();
    file.extend([&[0xFF, marker][..], &length, content].concat());
}

/// The entropy-coded data of a scan, bit by bit.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|place| value >> place & 1 == 1));
    }

    /// A block whose mean differs by `value` from that of the last one, and nothing else.
    fn difference(&mut self, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        self.push(size, 4);
        let below = u32::try_from(value).unwrap_or_else(|_| (1 << size) - 1 - value.unsigned_abs());
        self.push(below, size);
        self.push(0, 1);
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.resize(self.0.len().next_multiple_of(8), true);
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte: u8, bit| byte << 1 | u8::from(*bit));
        let stuffed = |byte: u8| if byte == 0xFF { vec![0xFF, 0] } else { vec![byte] };
        self.0.chunks(8).map(byte).flat_map(stuffed).collect()
    }
}
