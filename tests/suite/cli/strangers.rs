//! Files from other programs, whole and damaged: the right picture, or a sentence; never a part of it as a success.

use std::fs;

use autochrome_tests::pictures::{self, SCANNED, scanned_shade};
use image::{DynamicImage, ImageFormat};

use super::{Desk, load};

/// A good photograph that is large enough to be damaged in its middle.
fn large() -> DynamicImage {
    DynamicImage::from(image::GrayImage::from_fn(200, 160, |x, y| {
        // Detail, so that there are bytes for every part.
        let noise = (x * 7919 + y * 104_729) % 97 % 16;
        image::Luma([u8::try_from(40 + x / 2 + y / 2 + noise).unwrap()])
    }))
}

/// Runs a file whose content is `bytes`; its lightness, and what was said.
fn lightness(desk: &Desk, name: &str, bytes: &[u8]) -> (Option<image::GrayImage>, String) {
    fs::write(desk.path(name), bytes).unwrap();
    let ran = desk.run(&[name, "-o", "out.png", "--overwrite", "--strength", "0"]);
    let result = (ran.code == Some(0)).then(|| load(&desk.path("out.png")).into_luma8());
    let _ = fs::remove_file(desk.path("out.png"));
    (result, ran.err)
}

#[test]
fn a_jpeg_in_separate_scans_is_read_whatever_its_sampling() {
    let desk = Desk::new();
    for (across, down) in [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)] {
        let (result, said) = lightness(&desk, "a.jpg", &pictures::separate_scans(across, down));
        assert_eq!(said, "autochrome: wrote out.png\n");
        let result = result.unwrap();
        for (x, y) in (0..SCANNED.1).flat_map(|y| (0..SCANNED.0).map(move |x| (x, y))) {
            let found = result.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap())[0];
            let expected = scanned_shade(x, y);
            assert!(found.abs_diff(expected) <= 1, "{across} x {down}: {found} at {x}, {y}, not {expected}");
        }
    }
}

#[test]
fn a_jpeg_damaged_in_the_middle_is_recovered_with_a_note() {
    let desk = Desk::new();
    let before = large().into_luma8();
    for restart in [0, 25] {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        if restart > 0 {
            encoder.set_restart_interval(restart);
        }
        encoder.encode(before.as_raw(), 200, 160, jpeg_encoder::ColorType::Luma).unwrap();
        let middle = file.len() / 2;
        file[middle..middle + 60].fill(0xA5);
        let (result, said) = lightness(&desk, "a.jpg", &file);
        assert!(said.contains("a.jpg: damaged: part of the picture may be wrong\n"), "{said}");
        let result = result.unwrap();
        let wrong = |rows: std::ops::Range<u32>| {
            let off = |x: u32, y: u32| result.get_pixel(x, y)[0].abs_diff(before.get_pixel(x, y)[0]) > 24;
            rows.flat_map(|y| (0..200).map(move |x| (x, y))).filter(|(x, y)| off(*x, *y)).count()
        };
        assert_eq!(wrong(0..40), 0, "rows above the damage");
        if restart > 0 {
            assert_eq!(wrong(130..160), 0, "rows after the next restart");
        }
    }
}

/// Damage in every place of a file, byte by byte: what is written without a word is the picture.
#[test]
fn a_damaged_file_is_never_part_of_a_picture_without_a_word() {
    let desk = Desk::new();
    let whole = large();
    let before = whole.to_luma8();
    let formats = [
        ("jpg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("webp", ImageFormat::WebP),
        ("ppm", ImageFormat::Pnm),
        ("bmp", ImageFormat::Bmp),
        ("tif", ImageFormat::Tiff),
    ];
    for (name, format) in formats {
        let good =
            pictures::file(&if name == "webp" { whole.to_rgb8().into() } else { whole.clone() }, format);
        for cut in [good.len() - 3, good.len() - 400, good.len() / 2, good.len() / 10] {
            let (result, said) = lightness(&desk, &format!("cut.{name}"), &good[..cut]);
            if let Some(result) = result {
                let off =
                    result.pixels().zip(before.pixels()).filter(|(a, b)| a[0].abs_diff(b[0]) > 24).count();
                assert!(
                    off == 0 || said.contains("damaged"),
                    "{name} cut to {cut} of {}: {said}",
                    good.len()
                );
            }
        }
        for place in 1..10 {
            let mut bad = good.clone();
            let from = good.len() * place / 10;
            bad[from..from + 30].fill(0x5A);
            let (result, said) = lightness(&desk, &format!("bad.{name}"), &bad);
            // Raw samples carry no check: there, a changed sample is a changed picture, and no more than that. WebP has
            // no check either, and any bits of it are a picture: no decoder can tell.
            let most = match name {
                "ppm" | "bmp" | "tif" => 30,
                "webp" => usize::MAX,
                _ => 0,
            };
            if let Some(result) = result {
                let off =
                    result.pixels().zip(before.pixels()).filter(|(a, b)| a[0].abs_diff(b[0]) > 24).count();
                assert!(off <= most || said.contains("damaged: "), "{name}, {place} tenths: {off}: {said}");
            }
        }
    }
}
