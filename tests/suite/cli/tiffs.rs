//! Every way TIFF has of storing pixels, with the right shade of each.

use std::fs;
use std::io::{Cursor, Write};

use autochrome_pixels::color::{lightness_to_luminance, linear_to_srgb};
use autochrome_tests::tiff_files::{self, Page, Tiles, shorts};
use image::codecs::webp::WebPEncoder;
use image::{ColorType, ExtendedColorType};

use super::formats::{SIZE, as_gray, check, shade, shades};
use super::{Desk, load};

/// A page of gray of `bits`, its rows packed.
fn gray(bits: u16, value: impl Fn(usize) -> u32) -> Page {
    let (width, height) = (usize::try_from(SIZE.0).unwrap(), usize::try_from(SIZE.1).unwrap());
    let mut packed = Vec::new();
    for row in 0..height {
        let digits: String = (0..width)
            .map(|x| format!("{:0bits$b}", value(row * width + x), bits = usize::from(bits)))
            .collect();
        for byte in digits.as_bytes().chunks(8) {
            let byte = format!("{:0<8}", std::str::from_utf8(byte).unwrap());
            packed.push(u8::from_str_radix(&byte, 2).unwrap());
        }
    }
    Page::new(SIZE, &[bits], 1, packed)
}

fn compressed(page: &mut Page, compression: u16, pixels: Vec<u8>) {
    page.set(259, shorts(&[compression]));
    page.pixels = pixels;
}

fn lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(bytes).unwrap()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits()).collect()
}

#[test]
fn bits_may_come_in_reverse() {
    for bits in [1_u16, 2, 4, 8] {
        let most = (1_u32 << bits) - 1;
        let value = |index: usize| u32::from(shade(index)) * most / 255;
        for compression in [1, 5] {
            let mut page = gray(bits, value);
            let stored = if compression == 5 { lzw(&page.pixels) } else { page.pixels.clone() };
            compressed(&mut page, compression, reversed(&stored));
            page.set(266, shorts(&[2]));
            let expected = |index: usize| f64::from(value(index)) / f64::from(most);
            let desk = Desk::new();
            fs::write(desk.path("a.tif"), tiff_files::file(&[page])).unwrap();
            assert_eq!(desk.run(&["a.tif", "-o", "out.png", "--strength", "0"]).code, Some(0));
            for (index, pixel) in load(&desk.path("out.png")).into_rgb16().pixels().enumerate() {
                let off = f64::from(pixel[1]) / 65_535.0 - expected(index);
                assert!(off.abs() < 0.003, "{bits} bits, compression {compression}: {off} at {index}");
            }
        }
    }
    let deep: Vec<u8> = shades().flat_map(|shade| (u16::from(shade) * 257).to_le_bytes()).collect();
    let mut page = Page::new(SIZE, &[16], 1, reversed(&deep));
    page.set(266, shorts(&[2]));
    check("deep.tif", &tiff_files::file(&[page]), ColorType::Rgb16, as_gray);
}

#[test]
fn samples_of_any_number_of_bits_are_read() {
    for bits in [9_u16, 10, 12, 14] {
        let most = (1_u32 << bits) - 1;
        let page = gray(bits, |index| u32::from(shade(index)) * most / 255);
        check("bits.tif", &tiff_files::file(&[page]), ColorType::Rgb16, |index| {
            f64::from(u32::from(shade(index)) * most / 255) / f64::from(most)
        });
    }
    for bits in [3_u16, 6] {
        let most = (1_u32 << bits) - 1;
        let page = gray(bits, |index| most / 2 + u32::try_from(index % 2).unwrap());
        check("bits.tif", &tiff_files::file(&[page]), ColorType::Rgb8, |index| {
            f64::from(most / 2 + u32::try_from(index % 2).unwrap()) / f64::from(most)
        });
    }
}

/// The one tile of a plane of samples of `bytes` each, 16 x 16, packed by `pack`.
fn tile(bytes: usize, sample: impl Fn(usize) -> Vec<u8>, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut tile = vec![0; 16 * 16 * bytes];
    for index in 0..65 {
        let at = (index / 13 * 16 + index % 13) * bytes;
        tile[at..at + bytes].copy_from_slice(&sample(index));
    }
    pack(&tile)
}

#[test]
fn tiles_are_read_in_planes_and_packed() {
    for compression in [1_u16, 5] {
        let pack = |bytes: &[u8]| if compression == 5 { lzw(bytes) } else { bytes.to_vec() };
        for bits in [8_u16, 16] {
            let sample = |index: usize| match bits {
                8 => vec![shade(index)],
                _ => (u16::from(shade(index)) * 257).to_le_bytes().to_vec(),
            };
            let one = tile(usize::from(bits / 8), sample, pack);
            let color = if bits == 8 { ColorType::Rgb8 } else { ColorType::Rgb16 };
            for (channels, photometric) in [(1, 1), (3, 2)] {
                let mut page = Page::new(SIZE, &vec![bits; channels], photometric, Vec::new());
                page.set(259, shorts(&[compression])).set(284, shorts(&[2]));
                page.tiles = Some(Tiles { size: (16, 16), stored: vec![one.clone(); channels] });
                check("tiles.tif", &tiff_files::file(&[page]), color, as_gray);
            }
        }
    }
}

#[test]
fn every_compression_of_archives_is_unpacked() {
    let raw: Vec<u8> = shades().collect();
    // A frame of one raw block (RFC 8878).
    let zstd = [&[0x28, 0xB5, 0x2F, 0xFD, 0x20, 65, 0x09, 0x02, 0][..], &raw].concat();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(&raw).unwrap();
    let bits = [&[64][..], &raw].concat();
    for (compression, stored) in
        [(50_000, zstd), (34_925, xz.finish().unwrap()), (32_773, bits), (5, lzw(&raw))]
    {
        let mut page = Page::new(SIZE, &[8], 1, Vec::new());
        compressed(&mut page, compression, stored.clone());
        check("a.tif", &tiff_files::file(&[page]), ColorType::Rgb8, as_gray);
        // What ends too early is no picture.
        let mut cut = Page::new(SIZE, &[8], 1, Vec::new());
        compressed(&mut cut, compression, stored[..stored.len() / 2].to_vec());
        let desk = Desk::new();
        fs::write(desk.path("cut.tif"), tiff_files::file(&[cut])).unwrap();
        let ran = desk.run(&["cut.tif", "-o", "out.tif"]);
        assert_eq!(ran.code, Some(1), "{compression}: {}", ran.err);
        assert!(ran.err.contains("truncated") || ran.err.contains("cannot be unpacked"), "{}", ran.err);
    }
    let mut webp = Cursor::new(Vec::new());
    let color: Vec<u8> = shades().flat_map(|shade| [shade; 3]).collect();
    WebPEncoder::new_lossless(&mut webp).encode(&color, SIZE.0, SIZE.1, ExtendedColorType::Rgb8).unwrap();
    let mut page = Page::new(SIZE, &[8; 3], 2, Vec::new());
    compressed(&mut page, 50_001, webp.into_inner());
    check("webp.tif", &tiff_files::file(&[page]), ColorType::Rgb8, as_gray);
}

#[test]
fn fax_of_group_three_is_read() {
    // Each row: the end-of-line code, six white pixels, seven black ones (ITU-T T.4).
    let row = "000000000001".to_owned() + "1110" + "00011";
    let digits = format!("{:0<112}", row.repeat(5));
    let bytes = digits
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
    let bytes: Vec<u8> = bytes.collect();
    for order in [1, 2] {
        let mut page = Page::new(SIZE, &[1], 0, Vec::new());
        compressed(&mut page, 3, if order == 2 { reversed(&bytes) } else { bytes.clone() });
        page.set(266, shorts(&[order]));
        let desk = Desk::new();
        fs::write(desk.path("fax.tif"), tiff_files::file(&[page])).unwrap();
        let ran = desk.run(&["fax.tif", "-o", "out.png", "--strength", "0"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        for (index, pixel) in load(&desk.path("out.png")).into_luma8().pixels().enumerate() {
            assert_eq!(pixel[0], if index % 13 < 6 { 255 } else { 0 }, "pixel {index}");
        }
    }
}

#[test]
fn signed_samples_are_read_unless_they_are_negative() {
    let page = |lowest: i16| {
        let values = shades().map(|shade| i16::from(shade) * 128).chain([lowest]).skip(1);
        let mut page = Page::new(SIZE, &[16], 1, values.flat_map(i16::to_le_bytes).collect());
        page.set(339, shorts(&[2]));
        tiff_files::file(&[page])
    };
    let value = |index: usize| if index == 64 { 100.0 * 128.0 } else { f64::from(shade(index + 1)) * 128.0 };
    check("signed.tif", &page(100 * 128), ColorType::Rgb16, |index| value(index) / 32_767.0);
    let desk = Desk::new();
    fs::write(desk.path("negative.tif"), page(-1)).unwrap();
    let ran = desk.run(&["negative.tif", "-o", "out.tif"]);
    assert!(ran.code == Some(1) && ran.err.contains("negative samples, expected 0"), "{}", ran.err);
}

#[test]
fn the_lightness_of_cielab_is_kept() {
    let gray_of = |lightness: f32| f64::from(linear_to_srgb(lightness_to_luminance(lightness)));
    let pixels = |a: u8, b: u8| shades().flat_map(|shade| [shade, a, b]).collect::<Vec<u8>>();
    // Signed a and b; and from 128 on.
    for (photometric, a, b) in [(8, 0_u8, 0_u8), (8, 10, 246), (9, 128, 128), (9, 138, 118)] {
        let page = Page::new(SIZE, &[8; 3], photometric, pixels(a, b));
        check("lab.tif", &tiff_files::file(&[page]), ColorType::Rgb8, |index| {
            gray_of(f32::from(shade(index)) / 2.55)
        });
    }
}

#[test]
fn chroma_that_pixels_share_is_spread() {
    // Units of four luma samples and two of chroma; the last column and row are padding.
    let mut units = Vec::new();
    for (row, column) in (0..3).flat_map(|row| (0..7).map(move |column| (row, column))) {
        let luma = |y: usize, x: usize| shade((row * 2 + y).min(4) * 13 + (column * 2 + x).min(12));
        units.extend([luma(0, 0), luma(0, 1), luma(1, 0), luma(1, 1), 128, 128]);
    }
    let mut page = Page::new(SIZE, &[8; 3], 6, units);
    page.set(530, shorts(&[2, 2]));
    check("ycbcr.tif", &tiff_files::file(&[page]), ColorType::Rgb8, as_gray);
}

#[test]
fn a_palette_may_have_more_than_256_colors() {
    let indices: Vec<u8> = (0..65_u16).flat_map(|index| (index * 1000).to_le_bytes()).collect();
    let mut page = Page::new(SIZE, &[16], 3, indices);
    let map: Vec<u16> =
        (0..=65_535_usize).map(|index| u16::from(shade((index / 1000).min(64))) * 257).collect();
    page.set(320, shorts(&map.repeat(3)));
    check("palette.tif", &tiff_files::file(&[page]), ColorType::Rgb8, as_gray);
}

/// A JPEG of the shades.
fn jpeg() -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (u16::try_from(SIZE.0).unwrap(), u16::try_from(SIZE.1).unwrap());
    let flat = vec![shade(20); 65];
    jpeg_encoder::Encoder::new(&mut file, 100)
        .encode(&flat, width, height, jpeg_encoder::ColorType::Luma)
        .unwrap();
    file
}

#[test]
fn jpeg_of_both_styles_is_read() {
    let jpeg = jpeg();
    let mut new = Page::new(SIZE, &[8], 1, Vec::new());
    compressed(&mut new, 7, jpeg.clone());
    // The strip is the first thing in the file, after its header of eight bytes.
    let mut old = Page::new(SIZE, &[8], 1, Vec::new());
    compressed(&mut old, 6, jpeg.clone());
    let long = |value: usize| (4, u32::try_from(value).unwrap().to_le_bytes().to_vec());
    old.set(513, long(8)).set(514, long(jpeg.len()));
    for page in [new, old] {
        check("jpeg.tif", &tiff_files::file(&[page]), ColorType::Rgb8, |_| as_gray(20));
    }
    let mut hollow = Page::new(SIZE, &[8], 1, Vec::new());
    compressed(&mut hollow, 6, vec![1, 2, 3]);
    let desk = Desk::new();
    fs::write(desk.path("hollow.tif"), tiff_files::file(&[hollow])).unwrap();
    let ran = desk.run(&["hollow.tif", "-o", "out.tif"]);
    assert!(ran.code == Some(1) && ran.err.contains("old-style JPEG without a whole JPEG"), "{}", ran.err);
}

#[test]
fn a_channel_that_is_neither_color_nor_transparency_is_dropped_with_a_note() {
    let desk = Desk::new();
    let pixels: Vec<u8> = shades().flat_map(|shade| [shade, shade, shade, 7]).collect();
    let mut page = Page::new(SIZE, &[8; 4], 2, pixels);
    page.set(338, shorts(&[0]));
    fs::write(desk.path("a.tif"), tiff_files::file(&[page])).unwrap();
    let ran = desk.run(&["a.tif", "-o", "out.png"]);
    assert!(ran.err.contains("neither color nor transparency was dropped"), "{}", ran.err);
    assert_eq!(load(&desk.path("out.png")).color(), ColorType::Rgb8);
}

/// What the program says of a file that it refuses.
fn refused(file: &[u8]) -> String {
    let desk = Desk::new();
    fs::write(desk.path("a.tif"), file).unwrap();
    let ran = desk.run(&["a.tif", "-o", "out.png"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    ran.err.trim().replace("autochrome: a.tif: ", "")
}

#[test]
fn tiles_far_beyond_their_picture_are_refused_before_memory_is_taken() {
    let mut page = Page::new((1, 1), &[1], 1, Vec::new());
    page.set(259, shorts(&[4]));
    page.tiles = Some(Tiles { size: (65_535, 980_000), stored: vec![vec![0x00, 0x10, 0x01]] });
    let said = refused(&tiff_files::file(&[page]));
    assert!(said.contains("its tiles are 65535 x 980000 pixels, for a picture of 1 x 1"), "{said}");
}

#[test]
fn a_stray_tag_of_old_jpeg_does_not_stand_for_strips() {
    let mut page = gray(8, |index| u32::from(shade(index)));
    page.set(513, shorts(&[8]));
    let mut file = tiff_files::file(&[page]);
    let strips = file.windows(4).position(|bytes| bytes == [0x11, 0x01, 4, 0]).expect("the tag of strips");
    file[strips..strips + 2].copy_from_slice(&[0x12, 0x01]);
    let said = refused(&file);
    assert!(said.contains("it has 0 strips or tiles, expected 1"), "{said}");
}

#[test]
fn floats_of_another_scale_are_refused_whichever_end_is_black() {
    let floats = |photometric, value: fn(u8) -> f32| {
        let pixels = shades().flat_map(|shade| value(shade).to_le_bytes()).collect();
        let mut page = Page::new(SIZE, &[32], photometric, pixels);
        page.set(339, shorts(&[3]));
        refused(&tiff_files::file(&[page]))
    };
    for photometric in [0, 1] {
        let said = floats(photometric, f32::from);
        assert!(said.contains("floating-point values up to"), "{said}");
        let said = floats(photometric, |shade| f32::from(shade) / 127.5 - 1.0);
        assert!(said.contains("floating-point values down to -0."), "{said}");
    }
}

#[test]
fn a_predictor_left_over_beside_plain_samples_is_ignored() {
    let mut page = gray(8, |index| u32::from(shade(index)));
    page.set(317, shorts(&[2]));
    check("left-over.tif", &tiff_files::file(&[page]), ColorType::Rgb8, as_gray);
}

#[test]
fn fax_without_a_single_row_is_refused() {
    let mut page = gray(1, |_| 1);
    compressed(&mut page, 4, vec![0x00, 0x10, 0x01]);
    let said = refused(&tiff_files::file(&[page]));
    assert!(said.contains("truncated"), "{said}");
}
