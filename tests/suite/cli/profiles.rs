//! Color profiles of every kind: one lightness, whatever the file. The expected values are LittleCMS's.

use std::fs;

use autochrome_pixels::color::{lightness_to_luminance, linear_to_srgb};
use autochrome_tests::pictures::gray_of;

use super::{Desk, load};

/// 8 x 8 pixels of gray 120 in a profile of gamma 1.8, as libjxl 0.7 writes them with loss.
const GRAY: [u8; 127] = [
    0xFF, 0x0A, 0x41, 0x40, 0x1A, 0x9D, 0x1F, 0x90, 0x30, 0x0F, 0x10, 0x8D, 0xCD, 0x43, 0x45, 0x3E, 0xD7,
    0xB8, 0x25, 0xE3, 0x5B, 0xFA, 0x76, 0x81, 0x86, 0x56, 0xC3, 0x85, 0x70, 0x34, 0x45, 0x38, 0x4B, 0x1C,
    0xC7, 0x3A, 0x6A, 0xA8, 0x96, 0xDA, 0x1C, 0x75, 0xD5, 0x16, 0x20, 0xFE, 0x06, 0x20, 0xF5, 0xB3, 0xFC,
    0x6F, 0x86, 0x7D, 0xA0, 0x4A, 0x79, 0xA1, 0x65, 0x70, 0x6F, 0x31, 0xB8, 0x5F, 0xEC, 0xB1, 0x2A, 0x9F,
    0x4C, 0x6F, 0x43, 0x55, 0x98, 0x00, 0x13, 0x88, 0x00, 0xC0, 0x00, 0xFF, 0xFF, 0xAA, 0x02, 0x00, 0x50,
    0xA1, 0x32, 0xCA, 0xB8, 0xC1, 0xCB, 0xB9, 0x9E, 0x2F, 0x3F, 0x74, 0x58, 0x4C, 0xDB, 0xB8, 0xCE, 0xD0,
    0x56, 0xDB, 0x16, 0x96, 0x24, 0x8A, 0x8C, 0x63, 0x93, 0x74, 0x02, 0x87, 0x24, 0xB1, 0x62, 0x03, 0x88,
    0x14, 0x67, 0xAE, 0x14, 0xC3, 0x50, 0x25, 0x09,
];

/// 8 x 8 pixels of (120, 90, 60) in ProPhoto RGB, likewise.
const PROPHOTO: [u8; 165] = [
    0xFF, 0x0A, 0x41, 0x40, 0x0A, 0x57, 0x0A, 0x03, 0x12, 0xE6, 0x01, 0x90, 0xA9, 0x2B, 0xC0, 0xA0, 0xF7,
    0x7B, 0xEA, 0x62, 0xA2, 0xD6, 0x3C, 0xA9, 0x25, 0x54, 0x78, 0x2C, 0x27, 0xA1, 0xB5, 0x85, 0xD8, 0x94,
    0x5D, 0x8A, 0xCA, 0xED, 0x65, 0xC4, 0xE5, 0x6D, 0x44, 0x66, 0x4E, 0xC4, 0x52, 0x47, 0xA2, 0x68, 0x3D,
    0x9C, 0x8A, 0xC6, 0x95, 0x4A, 0xB8, 0xD1, 0x7F, 0x80, 0x4F, 0xD4, 0x42, 0x09, 0x82, 0x3F, 0x24, 0x2D,
    0xCE, 0xBF, 0xB0, 0x38, 0x2F, 0xDA, 0xB5, 0x12, 0x6F, 0xED, 0x74, 0x1A, 0xC8, 0x1C, 0x0A, 0x9B, 0xD8,
    0xE3, 0x62, 0x84, 0x1C, 0xD0, 0x36, 0x9E, 0x8B, 0x46, 0x09, 0x94, 0xF7, 0x0C, 0x22, 0x64, 0xC2, 0xB7,
    0x1A, 0x00, 0x13, 0x88, 0x00, 0xE0, 0x00, 0xFF, 0xFF, 0xAA, 0x02, 0x00, 0x50, 0xA1, 0x32, 0xCA, 0xB8,
    0xC1, 0xCB, 0xB9, 0x9E, 0x2F, 0x3F, 0x74, 0x58, 0x4C, 0xDB, 0xB8, 0xCE, 0xD0, 0x56, 0xDB, 0x16, 0x96,
    0x24, 0x8A, 0x8C, 0x63, 0x93, 0x74, 0x02, 0x87, 0x24, 0xB1, 0x20, 0x6C, 0x5C, 0x06, 0x03, 0x18, 0x00,
    0x06, 0x06, 0x30, 0x73, 0x61, 0x67, 0x6A, 0x19, 0x08, 0x72, 0x25, 0x09,
];

#[test]
fn jpeg_xl_with_loss_has_the_lightness_of_its_profile() {
    let desk = Desk::new();
    for (name, file, [red, green, blue]) in
        [("gray", &GRAY[..], [139.0, 139.0, 139.0]), ("prophoto", &PROPHOTO, [168.0, 101.0, 70.0])]
    {
        fs::write(desk.path("a.jxl"), file).unwrap();
        let ran = desk.run(&["a.jxl", "-o", "out.png", "--overwrite", "--strength", "0"]);
        assert_eq!(ran.err, "autochrome: wrote out.png\n", "{name}");
        let expected = 255.0 * gray_of([red / 255.0, green / 255.0, blue / 255.0]);
        for pixel in load(&desk.path("out.png")).into_luma8().pixels() {
            assert!((f32::from(pixel[0]) - expected).abs() < 2.0, "{name}: {pixel:?}, expected {expected}");
        }
    }
}

/// A profile of these tags for RGB, of ICC version 2.
fn profile(class: &[u8; 4], space: &[u8; 4], illuminant: [i32; 3], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let long = |value: usize| u32::try_from(value).unwrap().to_be_bytes();
    let (mut table, mut data) = (long(tags.len()).to_vec(), Vec::new());
    let begin = 132 + 12 * tags.len();
    for (tag, value) in tags {
        table.extend([&tag[..], &long(begin + data.len()), &long(value.len())].concat());
        data.extend(value);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut header =
        [&long(begin + data.len())[..], &[0; 4], &[2, 0x10, 0, 0], class, b"RGB ", space].concat();
    header.extend([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    header.extend(b"acsp");
    header.resize(68, 0);
    header.extend(illuminant.map(i32::to_be_bytes).concat());
    header.resize(128, 0);
    [header, table, data].concat()
}

const D50: [i32; 3] = [0xF6D6, 0x1_0000, 0xD32D];
const D65: [i32; 3] = [0xF354, 0x1_0000, 0x1_16CF];

/// A PNG of grays in this profile: what became of each, and what was said.
fn grays(icc: &[u8]) -> (Vec<(u8, u8)>, String) {
    let desk = Desk::new();
    let mut info = png::Info::with_size(32, 1);
    info.color_type = png::ColorType::Rgb;
    info.icc_profile = Some(icc.to_vec().into());
    let mut file = Vec::new();
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    let levels: Vec<u8> = (0..32).map(|step| step * 8).collect();
    let pixels: Vec<u8> = levels.iter().flat_map(|level| [*level; 3]).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    fs::write(desk.path("a.png"), file).unwrap();
    let ran = desk.run(&["a.png", "-o", "out.png", "--strength", "0"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let after = load(&desk.path("out.png")).into_luma8();
    (levels.into_iter().zip(after.pixels().map(|pixel| pixel[0])).collect(), ran.err)
}

/// A table whose lightness is the value itself: of 8 or of 16 bits.
fn table(wide: bool) -> Vec<u8> {
    let mut lut = if wide { b"mft2\0\0\0\0".to_vec() } else { b"mft1\0\0\0\0".to_vec() };
    lut.extend([3, 3, 2, 0]);
    let one = |at: usize| if at.is_multiple_of(4) { 0x1_0000_i32 } else { 0 };
    lut.extend((0..9).flat_map(|at| one(at).to_be_bytes()));
    let curves = || -> Vec<u8> {
        if wide { [0, 0, 0xFF, 0xFF].repeat(3) } else { (0..=u8::MAX).collect::<Vec<u8>>().repeat(3) }
    };
    if wide {
        lut.extend([0, 2, 0, 2]);
    }
    lut.extend(curves());
    for corner in 0..8_u32 {
        let lightness = [0.3, 0.5, 0.2]
            .iter()
            .enumerate()
            .map(|(at, share)| if corner >> (2 - at) & 1 == 1 { *share } else { 0.0 });
        let lightness: f64 = lightness.sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1")]
        if wide {
            lut.extend(((lightness * 65_280.0).round() as u16).to_be_bytes());
            lut.extend([0x80, 0, 0x80, 0]);
        } else {
            lut.extend([(lightness * 255.0).round() as u8, 128, 128]);
        }
    }
    lut.extend(curves());
    lut
}

#[test]
fn profiles_of_lookup_tables_are_read() {
    for wide in [false, true] {
        let icc = profile(b"scnr", b"Lab ", D50, &[(b"A2B0", table(wide))]);
        let (grays, said) = grays(&icc);
        assert_eq!(said, "autochrome: wrote out.png\n");
        for (before, after) in grays {
            let expected = 255.0 * linear_to_srgb(lightness_to_luminance(f32::from(before) / 2.55));
            assert!((f32::from(after) - expected).abs() < 2.0, "{before}: {after}, expected {expected}");
        }
    }
}

#[test]
fn a_profile_is_read_despite_its_illuminant_and_a_damaged_name() {
    let xyz =
        |x: i32, y: i32, z: i32| [&b"XYZ \0\0\0\0"[..], &[x, y, z].map(i32::to_be_bytes).concat()].concat();
    let linear = || b"curv\0\0\0\0\0\0\0\0".to_vec();
    let mut tags: Vec<(&[u8; 4], Vec<u8>)> = vec![
        (b"wtpt", xyz(D65[0], D65[1], D65[2])),
        (b"rXYZ", xyz(0x6FA2, 0x38F5, 0x390)),
        (b"gXYZ", xyz(0x6299, 0xB785, 0x18DA)),
        (b"bXYZ", xyz(0x24A0, 0xF84, 0xB6CF)),
        (b"rTRC", linear()),
        (b"gTRC", linear()),
        (b"bTRC", linear()),
    ];
    for damaged in [false, true] {
        if damaged {
            tags.push((b"desc", b"desc\0\0\0\0\xFF\xFF\xFF\xFFx".to_vec()));
        }
        let (grays, said) = grays(&profile(b"mntr", b"XYZ ", D65, &tags));
        assert_eq!(said, "autochrome: wrote out.png\n");
        for (before, after) in grays {
            let expected = 255.0 * linear_to_srgb(f32::from(before) / 255.0);
            assert!((f32::from(after) - expected).abs() < 2.0, "{before}: {after}, expected {expected}");
        }
    }
}
