//! What is refused, in the words a user reads: bad pictures, bad plugins, and what the plugin refuses.

use std::fs;

use image::{DynamicImage, ImageBuffer, Rgb};

use super::{Desk, assert_told};

/// A PNG that is nothing but a header claiming `width` x `height` gray pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    png.extend(b"\0\0\0\x01IDAT\0");
    png.extend(crc32(b"IDAT\0").to_be_bytes());
    png
}

/// The checksum of PNG (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

/// A little-endian TIFF of one strip of 8-bit gray that claims `width` x `height` pixels.
fn tiff_header(width: u32, height: u32) -> Vec<u8> {
    let entries: [(u16, u16, u32); 8] = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (278, 4, height),
        (279, 4, 4),
    ];
    let mut tiff = b"II*\0\x08\0\0\0\x08\0".to_vec();
    for (tag, kind, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend([0; 4]);
    tiff
}

#[test]
fn every_bad_picture_gets_a_sentence() {
    let desk = Desk::new();
    let whole = |name: &str| fs::read(desk.gray(name)).unwrap();
    let (jpeg, png, tiff, webp) = (whole("a.jpg"), whole("a.png"), whole("a.tif"), whole("a.webp"));
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let mut bad_crc = png.clone();
    bad_crc[20] ^= 0x55;
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("empty.jpg", vec![]),
        ("text.jpg", b"this is no picture at all".to_vec()),
        ("gif.jpg", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
        ("cut.jpg", half(&jpeg)),
        ("cut-header.jpg", jpeg[..20].to_vec()),
        ("cut.png", half(&png)),
        ("cut.tif", half(&tiff)),
        ("cut.webp", half(&webp)),
        ("checksum.png", bad_crc),
        ("huge.png", png_header(50_000, 50_000)),
        ("huge.tif", tiff_header(50_000, 50_000)),
        ("zero-width.png", png_header(0, 10)),
        ("zero-height.tif", tiff_header(10, 0)),
        ("large-and-cut.png", png_header(20_000, 20_000)),
        ("large-and-cut.tif", tiff_header(20_000, 20_000)),
    ];
    let mut told = String::new();
    for (name, bytes) in bad {
        fs::write(desk.path(name), bytes).unwrap();
        let ran = desk.run(&[name, "-o", "out.png"]);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        told += &ran.err;
    }
    fs::create_dir(desk.path("folder.jpg")).unwrap();
    for args in [&["folder.jpg", "-o", "out"][..], &["missing.jpg"], &["a.png", "-o", "a.png/out.png"]] {
        let ran = desk.run(args);
        assert_eq!(ran.code, Some(1));
        told += &ran.err;
    }
    assert_told("cli_bad_pictures", &told);
    assert!(!desk.path("out.png").exists() && !desk.path("out").exists());
}

#[test]
fn the_limit_of_size_can_be_moved() {
    let desk = Desk::new();
    desk.put("two.png", &DynamicImage::ImageRgb8(ImageBuffer::from_pixel(2000, 1000, Rgb([90; 3]))));
    for (option, enough, too_few) in [("--max-pixels", "2M", "1999999"), ("--max-megapixels", "2", "1")] {
        assert_eq!(desk.run(&["two.png", "-o", "out.png", "--overwrite", option, enough]).code, Some(0));
        let ran = desk.run(&["two.png", "-o", "other.png", option, too_few]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("2000 x 1000 pixels, 2 million, more than the limit of "), "{}", ran.err);
    }
}

#[test]
fn what_a_format_cannot_hold_is_said_before_the_work() {
    let desk = Desk::with_stub("crash");
    desk.put("long.png", &DynamicImage::ImageRgb8(ImageBuffer::from_pixel(70_000, 2, Rgb([90; 3]))));
    let mut told = String::new();
    for output in ["out.jpg", "out.webp"] {
        let ran = desk.run(&["long.png", "-o", output]);
        assert_eq!(ran.code, Some(1));
        told += &ran.err;
    }
    assert_told("cli_too_long", &told);
}

#[test]
fn a_plugin_that_fails_is_quoted() {
    let mut told = String::new();
    for mode in ["fail", "memory", "panic-status", "unknown-status", "no-session", "cancel-probe"] {
        let desk = Desk::with_stub(mode);
        desk.gray("a.png");
        let ran = desk.run(&["a.png", "-o", "out.png"]);
        let expected = if mode == "cancel-probe" { 0 } else { 1 };
        assert_eq!((ran.code, desk.path("out.png").exists()), (Some(expected), expected == 0), "{mode}");
        told += &format!("{mode}: {}", ran.err);
    }
    assert_told("cli_failing_plugins", &told);
}

#[test]
fn a_plugin_that_does_not_fit_is_refused_in_one_sentence() {
    let mut told = String::new();
    for mode in ["old-abi", "other-major", "short-table", "hollow-table"] {
        let desk = Desk::with_stub(mode);
        desk.gray("a.png");
        let ran = desk.run(&["a.png", "-o", "out.png"]);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1));
        told += &ran.err;
    }
    assert_told("cli_plugins_refused", &told);
}

#[test]
fn a_plugin_that_is_not_there_is_named() {
    let desk = Desk::new();
    desk.gray("a.png");
    for (value, expected) in [
        ("nowhere.so", "AUTOCHROME_PLUGIN names nowhere.so, which does not exist; "),
        (".", "AUTOCHROME_PLUGIN names ., which is a folder without libautochrome.so; "),
        ("a.png", "a.png is not a usable plugin: it is not a shared library"),
    ] {
        let output = desk.command().args(["a.png"]).env("AUTOCHROME_PLUGIN", value).output().unwrap();
        let ran = desk.told(output);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
    let moved = desk.path("bin/autochrome");
    fs::create_dir(desk.path("bin")).unwrap();
    fs::copy(autochrome_tests::built().join("autochrome"), &moved).unwrap();
    let output = std::process::Command::new(&moved).arg("doctor").env_remove("AUTOCHROME_PLUGIN").output();
    let ran = desk.told(output.unwrap());
    assert_eq!(ran.code, Some(1));
    assert_told("cli_no_plugin", &ran.out);
    // An install prefix: the plugin in ../lib/autochrome/ is found.
    fs::create_dir_all(desk.path("lib/autochrome")).unwrap();
    let stub = autochrome_tests::built().join("libautochrome_stub.so");
    fs::copy(stub, desk.path("lib/autochrome/libautochrome.so")).unwrap();
    let output = std::process::Command::new(&moved).arg("doctor").env_remove("AUTOCHROME_PLUGIN").output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}

#[test]
fn what_would_meet_every_file_is_said_once() {
    for (option, value) in [("--model", "none"), ("--device", "cuda:1")] {
        let desk = Desk::new();
        for index in 0..20 {
            desk.gray(&format!("in/{index:02}.png"));
        }
        let ran = desk.run(&["in", "-o", "out", option, value]);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 2), "{}", ran.err);
        assert!(
            ran.err.contains(value) && ran.err.ends_with("0 colorized, 1 failed, 19 not started\n"),
            "{}",
            ran.err
        );
        assert!(!desk.path("out").exists());
    }
}
