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
