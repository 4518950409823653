//! What comes out of a picture: depth, transparency, orientation, profile, format.

use std::fs::{self, File};
use std::io::BufWriter;

use autochrome_tests::pictures::gray_of;
use image::codecs::jpeg::JpegEncoder;
use image::{
    ColorType, DynamicImage, ImageBuffer, ImageDecoder, ImageEncoder, ImageReader, Luma, LumaA, Rgb, Rgba,
};

use super::{Desk, is_tinted, load};

/// Samples of one value in all channels of a 16-bit picture, with a fraction that 8 bits cannot hold.
fn deep(x: u32, y: u32) -> u16 {
    u16::try_from(10_000 + 1001 * x + 77 * y).unwrap()
}

#[test]
fn sixteen_bits_stay_sixteen() {
    for name in ["gray.png", "gray.tif", "color.png", "color.tif"] {
        let desk = Desk::new();
        let picture: DynamicImage = if name.starts_with("gray") {
            ImageBuffer::from_fn(20, 10, |x, y| Luma([deep(x, y)])).into()
        } else {
            ImageBuffer::from_fn(20, 10, |x, y| Rgb([deep(x, y); 3])).into()
        };
        desk.put(name, &picture);
        assert_eq!(desk.run(&[name, "-o", "out/"]).code, Some(0));
        let result = load(&desk.path(&format!("out/{name}")));
        assert_eq!(result.color(), ColorType::Rgb16, "{name}");
        for (x, y, pixel) in result.into_rgb16().enumerate_pixels() {
            let gray = 65_535.0 * gray_of(pixel.0.map(|sample| f32::from(sample) / 65_535.0));
            assert!((gray - f32::from(deep(x, y))).abs() < 2.0, "{name}: {pixel:?} at {x}, {y}");
        }
    }
}

#[test]
fn formats_of_eight_bits_get_eight() {
    let desk = Desk::new();
    desk.put("deep.png", &ImageBuffer::from_fn(20, 10, |x, y| Rgb([deep(x, y); 3])).into());
    for name in ["out.jpg", "out.webp"] {
        assert_eq!(desk.run(&["deep.png", "-o", name]).code, Some(0));
        assert_eq!(load(&desk.path(name)).color(), ColorType::Rgb8);
        assert!(is_tinted(&desk.path(name)));
    }
}

#[test]
fn transparency_is_kept() {
    let alpha = |x: u32, y: u32| u8::try_from(10 * x + y).unwrap();
    let gray = ImageBuffer::from_fn(16, 16, |x, y| LumaA([128, alpha(x, y)]));
    let color = ImageBuffer::from_fn(16, 16, |x, y| Rgba([128, 128, 128, alpha(x, y)]));
    for (picture, name) in [
        (DynamicImage::ImageLumaA8(gray), "gray.png"),
        (color.clone().into(), "color.tif"),
        (color.into(), "color.webp"),
    ] {
        let desk = Desk::new();
        desk.put(name, &picture);
        assert_eq!(desk.run(&[name, "-o", "out/"]).code, Some(0), "{name}");
        let result = load(&desk.path(&format!("out/{name}")));
        assert_eq!(result.color(), ColorType::Rgba8, "{name}");
        for (x, y, pixel) in result.into_rgba8().enumerate_pixels() {
            assert!(pixel[3] == alpha(x, y) && pixel[0] > pixel[2], "{name}: {pixel:?} at {x}, {y}");
        }
    }
}

#[test]
fn transparency_is_not_flattened_into_a_jpeg() {
    let desk = Desk::new();
    let picture = |alpha| ImageBuffer::from_pixel(16, 16, Rgba([128_u8, 128, 128, alpha])).into();
    desk.put("opaque.png", &picture(255));
    desk.put("glass.png", &picture(254));
    assert_eq!(desk.run(&["opaque.png", "-o", "opaque.jpg"]).code, Some(0));
    let ran = desk.run(&["glass.png", "-o", "glass.jpg"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "autochrome: glass.png: the picture is partly transparent, which JPEG does not support; write PNG, TIFF or WebP\n"
    );
    assert!(!desk.path("glass.jpg").exists());
}

#[test]
fn a_photograph_is_turned_upright() {
    let desk = Desk::new();
    // The left half is dark; orientation 6 says that the left side is to be the top.
    let picture = ImageBuffer::from_fn(32, 16, |x, _| Luma([if x < 16 { 40_u8 } else { 200 }]));
    let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut encoder = JpegEncoder::new(BufWriter::new(File::create(desk.path("turned.jpg")).unwrap()));
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.encode_image(&picture).unwrap();
    drop(encoder);
    assert_eq!(desk.run(&["turned.jpg", "-o", "out.jpg"]).code, Some(0));
    let result = load(&desk.path("out.jpg")).into_luma8();
    assert_eq!(result.dimensions(), (16, 32));
    assert!(result.get_pixel(8, 4)[0] < 80 && result.get_pixel(8, 28)[0] > 160);
    // It is upright now: nothing may turn it once more.
    let mut decoder = ImageReader::open(desk.path("out.jpg")).unwrap().into_decoder().unwrap();
    assert_eq!(decoder.orientation().unwrap(), image::metadata::Orientation::NoTransforms);
}

#[test]
fn the_content_says_what_is_read_and_the_name_what_is_written() {
    let desk = Desk::new();
    fs::rename(desk.gray("a.png"), desk.path("really-a-png.jpg")).unwrap();
    assert_eq!(desk.run(&["really-a-png.jpg"]).code, Some(0));
    let written =
        ImageReader::open(desk.path("really-a-png-color.jpg")).unwrap().with_guessed_format().unwrap();
    assert_eq!(written.format(), Some(image::ImageFormat::Jpeg));
    for extension in ["png", "tiff", "webp", "jpeg"] {
        let name = format!("out.{extension}");
        assert_eq!(desk.run(&["really-a-png.jpg", "-o", &name]).code, Some(0));
        assert!(is_tinted(&desk.path(&name)), "{name}");
    }
}

#[test]
fn quality_is_that_of_the_jpeg() {
    let desk = Desk::new();
    desk.gray("a.png");
    let size = |quality: &str| {
        assert_eq!(desk.run(&["a.png", "-o", "a.jpg", "--overwrite", "--quality", quality]).code, Some(0));
        fs::metadata(desk.path("a.jpg")).unwrap().len()
    };
    assert!(size("20") < size("98"));
}

#[test]
fn photographs_with_colors_can_be_left_out() {
    let desk = Desk::new();
    // Two hues, each from dark to light.
    let color = |x: u32, y: u32| {
        let level = u8::try_from(60 + 5 * y).unwrap();
        Rgb(if x < 20 { [level, level / 4 * 3, level / 2] } else { [level / 2, level / 4 * 3, level] })
    };
    desk.put("in/color.png", &ImageBuffer::from_fn(40, 30, color).into());
    let sepia = |x: u32| {
        let level = u8::try_from(4 * x).unwrap();
        Rgb([level + 12, level, level / 8 * 7])
    };
    desk.put("in/sepia.png", &ImageBuffer::from_fn(40, 30, |x, _| sepia(x)).into());
    desk.gray("in/gray.png");
    let ran = desk.run(&["in", "-o", "out", "--skip-color"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.err,
        "autochrome: in/color.png: skipped: it already has color\nautochrome: 2 colorized, 1 skipped\n"
    );
    assert!(!desk.path("out/color.png").exists());
    assert!(is_tinted(&desk.path("out/gray.png")) && is_tinted(&desk.path("out/sepia.png")));
}
