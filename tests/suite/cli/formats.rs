//! Every layout of pixels that is read, and every format that is written: lightness as it was, alpha to the last bit.

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::Path;

use autochrome_tests::pictures::{INKS, gray_of};
use autochrome_tests::tiff_files::{self, Page, shorts};
use image::{ColorType, DynamicImage, ImageBuffer, ImageFormat, Luma, Rgba};
use tiff::decoder::{Decoder, DecodingResult};

use super::{Desk, is_tinted, load};

/// Sides of the small pictures; an odd width shows whether rows are padded as they should be.
pub(super) const SIZE: (u32, u32) = (13, 5);

/// A shade for each pixel, far enough from black and white for the stub's tint.
pub(super) fn shade(index: usize) -> u8 {
    u8::try_from(60 + index * 2).unwrap()
}

pub(super) fn shades() -> impl Iterator<Item = u8> {
    (0..65).map(shade)
}

/// How far a result's lightness is from what it is expected to be, as gray of 0..1.
fn off(result: &DynamicImage, expected: impl Fn(usize) -> f64) -> f64 {
    let pixels = result.to_rgb32f();
    pixels
        .pixels()
        .enumerate()
        .map(|(index, pixel)| (f64::from(gray_of(pixel.0)) - expected(index)).abs())
        .fold(0.0, f64::max)
}

pub(super) fn as_gray(index: usize) -> f64 {
    f64::from(shade(index)) / 255.0
}

pub(super) fn check(name: &str, file: &[u8], color: ColorType, expected: impl Fn(usize) -> f64) {
    let desk = Desk::new();
    fs::write(desk.path(name), file).unwrap();
    let ran = desk.run(&[name, "-o", "out/"]);
    assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
    let result = load(&desk.path(&format!("out/{name}")));
    assert_eq!((result.width(), result.height(), result.color()), (SIZE.0, SIZE.1, color), "{name}");
    let off = off(&result, expected);
    assert!(off < 0.004, "{name}: gray off by {off}");
}

/// A PNG in the layout of `color` and `depth`.
fn png(color: png::ColorType, depth: png::BitDepth, palette: Option<(&[u8], &[u8])>, rows: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIZE.0, SIZE.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if let Some((colors, alphas)) = palette {
        encoder.set_palette(colors.to_vec());
        encoder.set_trns(alphas.to_vec());
    }
    encoder.write_header().unwrap().write_image_data(rows).unwrap();
    file
}

/// One bit a pixel, every other one set, rows padded to bytes.
fn checkered() -> Vec<u8> {
    [0xAA, 0xA8].repeat(5)
}

fn as_checkered(index: usize) -> f64 {
    if (index % 13).is_multiple_of(2) { 1.0 } else { 0.0 }
}

#[test]
fn png_of_one_bit_and_of_a_palette() {
    let desk = Desk::new();
    let bits = png(png::ColorType::Grayscale, png::BitDepth::One, None, &checkered());
    fs::write(desk.path("bit.png"), bits).unwrap();
    assert_eq!(desk.run(&["bit.png", "-o", "out.png"]).code, Some(0));
    let off = off(&load(&desk.path("out.png")), as_checkered);
    assert!(off < 0.05, "{off}");
    let colors: Vec<u8> = (0..65).flat_map(|index| [shade(index); 3]).collect();
    let indices: Vec<u8> = (0..65).collect();
    let opaque = png(png::ColorType::Indexed, png::BitDepth::Eight, Some((&colors, &[255])), &indices);
    check("palette.png", &opaque, ColorType::Rgba8, as_gray);
    let clear = png(png::ColorType::Indexed, png::BitDepth::Eight, Some((&colors, &[7, 0])), &indices);
    fs::write(desk.path("clear.png"), clear).unwrap();
    assert_eq!(desk.run(&["clear.png", "-o", "clear-out.png"]).code, Some(0));
    let alphas: Vec<u8> =
        load(&desk.path("clear-out.png")).into_rgba8().pixels().map(|pixel| pixel[3]).collect();
    assert_eq!(alphas[..3], [7, 0, 255]);
}

#[test]
fn tiff_of_one_bit_of_a_palette_and_white_as_zero() {
    let desk = Desk::new();
    let bits = tiff_files::file(&[Page::new(SIZE, &[1], 1, checkered())]);
    fs::write(desk.path("bit.tif"), bits).unwrap();
    assert_eq!(desk.run(&["bit.tif", "-o", "out.png"]).code, Some(0));
    let off = off(&load(&desk.path("out.png")), as_checkered);
    assert!(off < 0.05, "{off}");

    let mut palette = Page::new(SIZE, &[8], 3, (0..65).collect());
    let map: Vec<u16> = (0..256_usize).map(|index| u16::from(shade(index.min(64))) * 257).collect();
    palette.set(320, shorts(&map.repeat(3)));
    check("palette.tif", &tiff_files::file(&[palette]), ColorType::Rgb8, as_gray);

    let mut small = Page::new(SIZE, &[4], 3, [0x01, 0x23, 0x01, 0x23, 0x01, 0x23, 0x00].repeat(5));
    let map: Vec<u16> =
        (0..16_u16).map(|index| if index < 4 { 0x4000 + index * 0x2000 } else { 0 }).collect();
    small.set(320, shorts(&map.repeat(3)));
    let four = |index: usize| (0.25 + 0.125 * [0.0, 1.0, 2.0, 3.0][index % 13 % 4]) * 65_536.0 / 65_535.0;
    check("four.tif", &tiff_files::file(&[small]), ColorType::Rgb8, |index| {
        if index % 13 == 12 { four(0) } else { four(index) }
    });

    let white = Page::new(SIZE, &[8], 0, shades().map(|shade| 255 - shade).collect());
    check("white.tif", &tiff_files::file(&[white]), ColorType::Rgb8, as_gray);
}

#[test]
fn tiff_in_planes_in_inks_and_with_alpha_in_the_colors() {
    let mut planes = Page::new(SIZE, &[8, 8, 8], 2, shades().collect::<Vec<_>>().repeat(3));
    planes.set(284, shorts(&[2]));
    let mut file = tiff_files::file(&[planes]);
    in_three_strips(&mut file, 65);
    check("planes.tif", &file, ColorType::Rgb8, as_gray);

    let inks = Page::new(SIZE, &[8; 4], 5, INKS.repeat(65));
    let light = |ink: u8| f32::from(255 - ink) / 255.0;
    let gray = f64::from(gray_of([0, 1, 2].map(|ink| light(INKS[3]) * light(INKS[ink]))));
    check("inks.tif", &tiff_files::file(&[inks]), ColorType::Rgb8, |_| gray);

    let mut other = Page::new(SIZE, &[8; 2], 1, shades().flat_map(|shade| [shade, 7]).collect());
    other.set(338, shorts(&[0]));
    check("other.tif", &tiff_files::file(&[other]), ColorType::Rgb8, as_gray);

    let desk = Desk::new();
    let pixels: Vec<u8> = (0..65_u8).flat_map(|index| [100, 100, 100, 190 + index]).collect();
    let mut associated = Page::new(SIZE, &[8; 4], 2, pixels);
    associated.set(338, shorts(&[1]));
    fs::write(desk.path("associated.tif"), tiff_files::file(&[associated])).unwrap();
    let ran = desk.run(&["associated.tif", "-o", "out.tif", "--json"]);
    assert!(ran.out.contains("premultiplied by alpha"), "{}", ran.out);
    let result = load(&desk.path("out.tif"));
    let expected = |index: usize| 100.0 / (190.0 + f64::from(u16::try_from(index).unwrap()));
    assert!(off(&result, expected) < 0.004);
    assert!(result.into_rgba8().pixels().zip(190..).all(|(pixel, alpha)| pixel[3] == alpha));
}

/// Makes the one strip of a file three of `length` bytes.
fn in_three_strips(file: &mut Vec<u8>, length: u32) {
    let directory = usize::try_from(u32::from_le_bytes(*file[4..].first_chunk().unwrap())).unwrap();
    let count = usize::from(u16::from_le_bytes(*file[directory..].first_chunk().unwrap()));
    for entry in 0..count {
        let at = directory + 2 + entry * 12;
        let tag = u16::from_le_bytes(*file[at..].first_chunk().unwrap());
        let values = match tag {
            273 => [8, 8 + length, 8 + 2 * length],
            279 => [length; 3],
            _ => continue,
        };
        let place = u32::try_from(file.len()).unwrap();
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        file[at + 4..at + 8].copy_from_slice(&3_u32.to_le_bytes());
        file[at + 8..at + 12].copy_from_slice(&place.to_le_bytes());
    }
}

/// The samples of a page and how many make a pixel.
fn floats(path: &Path, page: usize) -> (Vec<f32>, u16) {
    let mut decoder = Decoder::new(BufReader::new(File::open(path).unwrap())).unwrap();
    decoder.seek_to_image(page).unwrap();
    let channels = decoder.colortype().unwrap().num_samples();
    let DecodingResult::F32(samples) = decoder.read_image().unwrap() else { panic!("no floats") };
    (samples, channels)
}

#[test]
fn floats_stay_floats() {
    let desk = Desk::new();
    let value = |index: usize| 0.25 + 0.0078125 * f32::from(u8::try_from(index).unwrap());
    let bytes = |channels: &dyn Fn(usize) -> Vec<f32>| -> Vec<u8> {
        (0..65).flat_map(channels).flat_map(f32::to_le_bytes).collect()
    };
    let alpha = |index: usize| 1.0 / (1.0 + f32::from(u8::try_from(index).unwrap()));
    for (name, bits, photometric, pixels, channels) in [
        ("gray.tif", &[32][..], 1, bytes(&|index| vec![value(index)]), 3),
        ("color.tif", &[32; 3], 2, bytes(&|index| vec![value(index); 3]), 3),
        (
            "clear.tif",
            &[32; 4],
            2,
            bytes(&|index| vec![value(index), value(index), value(index), alpha(index)]),
            4,
        ),
        ("gray-clear.tif", &[32; 2], 1, bytes(&|index| vec![value(index), alpha(index)]), 4),
    ] {
        let mut page = Page::new(SIZE, bits, photometric, pixels);
        page.set(339, shorts(&vec![3; bits.len()]));
        if name.contains("clear") {
            page.set(338, shorts(&[2]));
        }
        fs::write(desk.path(name), tiff_files::file(&[page])).unwrap();
        let ran = desk.run(&[name, "-o", "out/"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        let (samples, found) = floats(&desk.path(&format!("out/{name}")), 0);
        assert_eq!(found, channels, "{name}");
        for (index, pixel) in samples.chunks(usize::from(channels)).enumerate() {
            let gray = gray_of([pixel[0], pixel[1], pixel[2]]);
            assert!((gray - value(index)).abs() < 1e-5, "{name}: {gray} at {index}");
            assert!(pixel.get(3).is_none_or(|found| *found == alpha(index)), "{name}: {pixel:?} at {index}");
        }
        // The same photograph where there is no room for floats.
        assert_eq!(desk.run(&[name, "-o", "out.png", "--overwrite"]).code, Some(0));
        let deep = load(&desk.path("out.png"));
        assert_eq!(deep.color(), if channels == 4 { ColorType::Rgba16 } else { ColorType::Rgb16 }, "{name}");
        assert!(off(&deep, |index| f64::from(value(index))) < 1e-4, "{name}");
    }
}

#[test]
fn floats_of_another_range_are_refused() {
    let desk = Desk::new();
    let file = |bright: f32| {
        let pixels =
            [f32::NAN, -0.1, 0.5, 1.2, bright].repeat(13).into_iter().flat_map(f32::to_le_bytes).collect();
        let mut page = Page::new(SIZE, &[32], 1, pixels);
        page.set(339, shorts(&[3]));
        tiff_files::file(&[page])
    };
    fs::write(desk.path("right.tif"), file(1.0)).unwrap();
    assert_eq!(desk.run(&["right.tif", "-o", "out.tif"]).code, Some(0));
    let (samples, _) = floats(&desk.path("out.tif"), 0);
    assert!(samples.iter().all(|sample| (0.0..=1.0).contains(sample)), "{samples:?}");
    fs::write(desk.path("wrong.tif"), file(255.0)).unwrap();
    let ran = desk.run(&["wrong.tif", "-o", "wrong-out.tif"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("values up to 255, expected 0 to 1"), "{}", ran.err);
}

#[test]
fn every_page_is_colored() {
    let desk = Desk::new();
    let deep: Vec<u8> = shades().flat_map(|shade| (u16::from(shade) * 257).to_le_bytes()).collect();
    let float = shades().flat_map(|shade| (f32::from(shade) / 255.0).to_le_bytes()).collect();
    let mut third = Page::new(SIZE, &[32], 1, float);
    third.set(339, shorts(&[3]));
    let mut thumbnail = Page::new((4, 2), &[8], 1, vec![0; 8]);
    thumbnail.set(254, (4, vec![1, 0, 0, 0]));
    let pages =
        [Page::new(SIZE, &[8], 1, shades().collect()), thumbnail, Page::new(SIZE, &[16], 1, deep), third];
    fs::write(desk.path("pages.tif"), tiff_files::file(&pages)).unwrap();
    let ran = desk.run(&["pages.tif", "-o", "out.tif", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert!(ran.out.contains("\"pages\":3"), "{}", ran.out);
    let mut decoder = Decoder::new(BufReader::new(File::open(desk.path("out.tif")).unwrap())).unwrap();
    for bits in [8, 16, 32] {
        assert_eq!(decoder.colortype().unwrap(), tiff::ColorType::RGB(bits));
        assert_eq!(decoder.dimensions().unwrap(), SIZE);
        let off = match decoder.read_image().unwrap() {
            DecodingResult::U8(samples) => (f64::from(samples[1]) / 255.0 - as_gray(0)).abs(),
            DecodingResult::U16(samples) => (f64::from(samples[1]) / 65_535.0 - as_gray(0)).abs(),
            DecodingResult::F32(samples) => (f64::from(samples[1]) - as_gray(0)).abs(),
            _ => panic!("another type"),
        };
        assert!(off < 0.05, "{bits}: {off}");
        assert_eq!(decoder.more_images(), bits != 32);
        if bits != 32 {
            decoder.next_image().unwrap();
        }
    }
    for output in ["out.png", "out.jpg"] {
        let ran = desk.run(&["pages.tif", "-o", output]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("it has 3 pages, and ") && ran.err.contains("write TIFF"), "{}", ran.err);
        assert!(!desk.path(output).exists());
    }
}

#[test]
fn a_damaged_page_leaves_no_file() {
    let desk = Desk::new();
    let good = || Page::new(SIZE, &[8], 1, shades().collect());
    let mut bad = Page::new(SIZE, &[8], 1, shades().collect());
    bad.size = (1300, 500);
    fs::write(desk.path("pages.tif"), tiff_files::file(&[good(), bad])).unwrap();
    let ran = desk.run(&["pages.tif", "-o", "out/out.tif"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.starts_with("autochrome: pages.tif: page 2: the TIFF claims 1300 x 500"), "{}", ran.err);
    assert_eq!(desk.files(), ["pages.tif"]);
}

#[test]
fn bmp_and_pnm_are_read_and_written() {
    let desk = Desk::new();
    let gray =
        ImageBuffer::from_fn(SIZE.0, SIZE.1, |x, y| Luma([shade(usize::try_from(y * 13 + x).unwrap())]));
    let gray = DynamicImage::ImageLuma8(gray);
    let deep = DynamicImage::ImageLuma16(gray.to_luma16());
    let clear =
        ImageBuffer::from_fn(SIZE.0, SIZE.1, |x, y| Rgba([90, 90, 90, u8::try_from(x * 7 + y).unwrap()]));
    for (input, picture, output, color) in [
        ("a.bmp", &gray, "a-color.bmp", ColorType::Rgb8),
        ("b.pgm", &gray, "b-color.ppm", ColorType::Rgb8),
        ("c.pgm", &deep, "c-color.ppm", ColorType::Rgb16),
        ("d.bmp", &clear.clone().into(), "d-color.bmp", ColorType::Rgba8),
        ("e.pam", &clear.into(), "e-color.pam", ColorType::Rgba8),
    ] {
        let format = if input.ends_with("bmp") { ImageFormat::Bmp } else { ImageFormat::Pnm };
        picture.save_with_format(desk.path(input), format).unwrap();
        let ran = desk.run(&[input]);
        assert_eq!((ran.code, ran.err), (Some(0), format!("autochrome: wrote {output}\n")), "{input}");
        let result = load(&desk.path(output));
        assert_eq!(result.color(), color, "{input}");
        let before = picture.to_luma16();
        assert!(off(&result, |index| f64::from(before.as_raw()[index]) / 65_535.0) < 0.004, "{input}");
        let alphas =
            |picture: &DynamicImage| -> Vec<u8> { picture.to_rgba8().pixels().map(|p| p[3]).collect() };
        assert_eq!(alphas(&result), alphas(picture), "{input}");
    }
}

/// An 8 x 8 gray ramp as libjxl writes it, without loss; bare and in boxes.
pub const JXL: [u8; 36] = [
    0xFF, 0x0A, 0x41, 0x40, 0x50, 0x5C, 0x08, 0x08, 0x02, 0x01, 0x00, 0x5C, 0x00, 0x4B, 0x12, 0xA5, 0x42,
    0x85, 0x24, 0x52, 0xA5, 0xA1, 0x75, 0x02, 0x60, 0x00, 0x06, 0x60, 0x00, 0x06, 0x60, 0x00, 0x06, 0x60,
    0x00, 0x00,
];

#[test]
fn jpeg_xl_is_read() {
    let desk = Desk::new();
    let boxed = [
        &b"\0\0\0\x0CJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \0\0\0\x2Cjxlc"[..],
        &JXL,
        b"\0\0\0\x0Fxml <x/>\0\0\0",
    ];
    fs::write(desk.path("bare.jxl"), JXL).unwrap();
    fs::write(desk.path("boxed.jxl"), boxed.concat()).unwrap();
    for name in ["bare", "boxed"] {
        let ran = desk.run(&[&format!("{name}.jxl")]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let result = load(&desk.path(&format!("{name}-color.png")));
        assert_eq!((result.width(), result.height()), (8, 8));
        let expected =
            |index: usize| f64::from(u8::try_from(16 + 3 * (index % 8) + 20 * (index / 8)).unwrap()) / 255.0;
        assert!(off(&result, expected) < 0.02);
    }
    let ran = desk.run(&["bare.jxl", "-o", "out.jxl"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("JPEG XL can be read but not written"), "{}", ran.err);
    fs::write(desk.path("cut.jxl"), &JXL[..30]).unwrap();
    let ran = desk.run(&["cut.jxl", "-o", "cut.png"]);
    assert!(ran.code == Some(1) && !desk.path("cut.png").exists(), "{}", ran.err);
}

#[test]
fn the_format_can_be_named() {
    let desk = Desk::new();
    desk.gray("in/a.png");
    desk.gray("in/deep/b.jpg");
    let ran = desk.run(&["in", "-o", "out", "--format", "tif"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 2 colorized\n"));
    for name in ["out/a.tif", "out/deep/b.tif"] {
        assert!(is_tinted(&desk.path(name)));
        assert_eq!(image::guess_format(&fs::read(desk.path(name)).unwrap()).unwrap(), ImageFormat::Tiff);
    }
    assert_eq!(desk.run(&["in/a.png", "--format", "jpg", "-o", "any.name"]).code, Some(0));
    assert_eq!(image::guess_format(&fs::read(desk.path("any.name")).unwrap()).unwrap(), ImageFormat::Jpeg);
    let ran = desk.run(&["in/a.png", "--format", "jxl"]);
    assert!(ran.code == Some(2) && ran.err.contains("expected jpg, png"), "{}", ran.err);
}

#[test]
fn sixteen_bits_of_alpha_come_back_to_the_last_bit() {
    let desk = Desk::new();
    let picture = ImageBuffer::from_fn(SIZE.0, SIZE.1, |x, y| {
        Rgba([30_000_u16, 30_000, 30_000, u16::try_from(x * 5001 + y * 17).unwrap()])
    });
    for name in ["a.png", "a.tif"] {
        desk.put(name, &picture.clone().into());
        assert_eq!(desk.run(&[name, "-o", "out/"]).code, Some(0));
        let result = load(&desk.path(&format!("out/{name}")));
        assert_eq!(result.color(), ColorType::Rgba16);
        assert!(
            result.into_rgba16().pixels().zip(picture.pixels()).all(|(after, before)| after[3] == before[3])
        );
    }
}

#[test]
fn inks_are_read_from_jpeg() {
    let desk = Desk::new();
    for (name, kind) in
        [("cmyk.jpg", jpeg_encoder::ColorType::Cmyk), ("ycck.jpg", jpeg_encoder::ColorType::CmykAsYcck)]
    {
        fs::write(desk.path(name), autochrome_tests::pictures::inks(kind)).unwrap();
        assert_eq!(desk.run(&[name, "-o", "out.png", "--overwrite", "--strength", "0"]).code, Some(0));
        let pixel = load(&desk.path("out.png")).into_rgb8().get_pixel(16, 16).0;
        // Light left by the inks.
        let light = |ink: u8| f32::from(255 - ink) * f32::from(255 - INKS[3]) / (255.0 * 255.0);
        let gray = 255.0 * gray_of([0, 1, 2].map(|ink| light(INKS[ink])));
        assert!((f32::from(pixel[0]) - gray).abs() < 4.0, "{name}: {pixel:?}, expected {gray}");
    }
}

/// Whatever the picture, what is written without loss is what the plugin gave: the same in every format.
#[test]
fn formats_without_loss_agree() {
    let desk = Desk::new();
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config {
        cases: 24,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    });
    let pictures = (1_u32..40, 1_u32..40, proptest::prelude::any::<u64>());
    let result = runner.run(&pictures, |(width, height, seed)| {
        let sample = |x: u32, y: u32, channel: u64| {
            let mixed = (u64::from(x) << 32 | u64::from(y) << 8 | channel).wrapping_add(seed);
            u8::try_from(mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).unwrap()
        };
        let picture = ImageBuffer::from_fn(width, height, |x, y| Rgba([0, 1, 2, 3].map(|c| sample(x, y, c))));
        let mut file = Cursor::new(Vec::new());
        DynamicImage::from(picture.clone()).write_to(&mut file, ImageFormat::Png).unwrap();
        fs::write(desk.path("a.png"), file.into_inner()).unwrap();
        let results = ["png", "tif", "webp", "bmp", "pam"].map(|extension| {
            let name = format!("out.{extension}");
            let ran = desk.run(&["a.png", "-o", &name, "--overwrite"]);
            assert_eq!(ran.code, Some(0), "{}", ran.err);
            load(&desk.path(&name)).into_rgba8()
        });
        for other in &results[1..] {
            proptest::prop_assert_eq!(&results[0], other);
        }
        proptest::prop_assert!(
            results[0].pixels().zip(picture.pixels()).all(|(after, before)| after[3] == before[3])
        );
        Ok(())
    });
    result.unwrap();
}
