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

/// A gray picture whose left half is dark: orientation 6 brings that to the top.
fn sideways() -> Vec<u8> {
    (0..32 * 16).map(|index| if index % 32 < 16 { 40 } else { 200 }).collect()
}

fn assert_upright(desk: &Desk, name: &str) {
    let result = load(&desk.path(name)).into_luma8();
    assert_eq!(result.dimensions(), (16, 32), "{name}");
    assert!(result.get_pixel(8, 4)[0] < 90 && result.get_pixel(8, 28)[0] > 160, "{name}");
}

fn png_with(change: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 32, 16);
    change(&mut encoder);
    encoder.write_header().unwrap().write_image_data(&sideways()).unwrap();
    file
}

#[test]
fn exif_may_have_the_name_that_jpeg_gives_it() {
    let desk = Desk::new();
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut webp = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.set_exif_metadata(exif.to_vec());
    encoder.encode(&sideways(), 32, 16, image_webp::ColorType::L8).unwrap();
    let mut info = png::Info::with_size(32, 16);
    info.exif_metadata = Some(exif.to_vec().into());
    let mut png = Vec::new();
    let encoder = png::Encoder::with_info(&mut png, info).unwrap();
    encoder.write_header().unwrap().write_image_data(&sideways()).unwrap();
    for (name, file) in [("a.webp", webp), ("a.png", png)] {
        fs::write(desk.path(name), file).unwrap();
        let ran = desk.run(&[name, "-o", "out.png", "--overwrite"]);
        assert_eq!(ran.err, "autochrome: wrote out.png\n", "{name}");
        assert_upright(&desk, "out.png");
    }
}

#[test]
fn the_orientation_of_xmp_counts_where_exif_has_none() {
    let desk = Desk::new();
    let xmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
        <r:Description xmlns:t='http://ns.adobe.com/tiff/1.0/' t:Orientation='6'/></r:RDF></x:xmpmeta>";
    let file = png_with(|encoder| encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), xmp.into()).unwrap());
    fs::write(desk.path("a.png"), file).unwrap();
    for name in ["out.png", "out.jpg", "out.tif"] {
        assert_eq!(desk.run(&["a.png", "-o", name]).code, Some(0));
        assert_upright(&desk, name);
        // It is upright now, and says nothing else.
        assert!(
            !String::from_utf8_lossy(&fs::read(desk.path(name)).unwrap()).contains("Orientation"),
            "{name}"
        );
    }
}

#[test]
fn the_texts_of_a_png_go_along() {
    let desk = Desk::new();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 32, 16);
    encoder.add_text_chunk("Title".into(), "Harbor".into()).unwrap();
    encoder.add_ztxt_chunk("Author".into(), "Gerda Gr\u{fc}n".into()).unwrap();
    encoder.add_itxt_chunk("Description".into(), "Ships & \u{10d}luny".into()).unwrap();
    encoder.add_text_chunk("Copyright".into(), "none".into()).unwrap();
    encoder.add_text_chunk("Creation Time".into(), "Sat, 04 Jul 1931 12:30:00 GMT".into()).unwrap();
    encoder.add_text_chunk("Comment".into(), "box 7".into()).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::tIME, &[7, 206, 7, 4, 12, 30, 0]).unwrap();
    writer.write_image_data(&sideways()).unwrap();
    writer.finish().unwrap();
    fs::write(desk.path("a.png"), file).unwrap();

    assert_eq!(desk.run(&["a.png", "-o", "out.png"]).err, "autochrome: wrote out.png\n");
    let after = fs::read(desk.path("out.png")).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&after)).read_info().unwrap();
    let texts: Vec<(String, String)> = reader
        .info()
        .utf8_text
        .iter()
        .map(|text| (text.keyword.clone(), text.get_text().unwrap()))
        .filter(|(keyword, _)| keyword != "XML:com.adobe.xmp")
        .collect();
    let expected = [
        ("Title", "Harbor"),
        ("Copyright", "none"),
        ("Creation Time", "Sat, 04 Jul 1931 12:30:00 GMT"),
        ("Comment", "box 7"),
        ("Author", "Gerda Gr\u{fc}n"),
        ("Description", "Ships & \u{10d}luny"),
    ];
    assert_eq!(texts, expected.map(|(keyword, text)| (keyword.to_owned(), text.to_owned())));
    assert!(after.windows(11).any(|window| window == b"tIME\x07\xCE\x07\x04\x0C\x1E\0"));

    let ran = desk.run(&["a.png", "-o", "out.tif"]);
    assert!(ran.err.contains("a.png: its text was dropped: Comment\n"), "{}", ran.err);
    let after = String::from_utf8_lossy(&fs::read(desk.path("out.tif")).unwrap()).into_owned();
    for part in [
        "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">Harbor<",
        "<dc:creator><rdf:Seq><rdf:li>Gerda Gr\u{fc}n<",
        "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">Ships &amp; \u{10d}luny<",
        "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">none<",
        "<xmp:CreateDate>1931-07-04T12:30:00Z<",
        "<xmp:ModifyDate>1998-07-04T12:30:00Z<",
    ] {
        assert!(after.contains(part), "{part}");
    }
}

#[test]
fn ppm_is_what_every_program_reads() {
    let desk = Desk::new();
    desk.gray("a.png");
    desk.put("deep.png", &large().to_luma16().into());
    let clear = image::RgbaImage::from_pixel(4, 4, image::Rgba([9, 9, 9, 7]));
    desk.put("clear.png", &clear.into());
    for (input, output, start) in [
        ("a.png", "a.ppm", &b"P6\n40 30\n255\n"[..]),
        ("deep.png", "deep.ppm", b"P6\n200 160\n65535\n"),
        ("a.png", "a.pam", b"P7\nWIDTH 40\nHEIGHT 30\nDEPTH 3\n"),
        ("clear.png", "clear.ppm", b"P7\nWIDTH 4\nHEIGHT 4\nDEPTH 4\n"),
    ] {
        assert_eq!(desk.run(&[input, "-o", output]).code, Some(0));
        assert!(fs::read(desk.path(output)).unwrap().starts_with(start), "{output}");
        load(&desk.path(output));
    }
}

#[test]
fn only_the_files_that_collide_are_refused() {
    let desk = Desk::new();
    for name in ["in/a.jpg", "in/a.png", "in/b.png", "in/c.jpg"] {
        desk.gray(name);
    }
    let ran = desk.run(&["in", "-o", "out", "--format", "png"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("2 colorized, 2 failed\n"), "{}", ran.err);
    for (one, other) in [("jpg", "png"), ("png", "jpg")] {
        let said =
            format!("in/a.{one}: out/a.png would be written for in/a.{other} as well; colorize one of them");
        assert!(ran.err.contains(&said), "{}", ran.err);
    }
    assert_eq!(desk.files(), ["in/a.jpg", "in/a.png", "in/b.png", "in/c.jpg", "out/b.png", "out/c.png"]);
    // Maps, too.
    let ran = desk.run(&["in", "-o", "maps", "--confidence=-sure"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("maps/a-sure.png would be written for in/a.png as well"), "{}", ran.err);
    assert!(desk.path("maps/b-sure.png").exists() && !desk.path("maps/a-sure.png").exists());
}

#[test]
fn gif_is_read_and_of_an_animation_the_first_frame() {
    let desk = Desk::new();
    let palette: Vec<u8> = (0..=255_u8).flat_map(|level| [level; 3]).collect();
    let level = |index: usize| u8::try_from(40 + index % 200).unwrap();
    for frames in [1, 2] {
        let mut file = Vec::new();
        let mut encoder = gif::Encoder::new(&mut file, 20, 15, &palette).unwrap();
        for number in 0..frames {
            let pixels: Vec<u8> = (0..300).map(|index| level(index) + number).collect();
            encoder.write_frame(&gif::Frame::from_indexed_pixels(20, 15, pixels, None)).unwrap();
        }
        drop(encoder);
        let (result, said) = lightness(&desk, "a.gif", &file);
        assert_eq!(said.contains("a.gif: animated: only the first frame is used\n"), frames == 2, "{said}");
        for (index, pixel) in result.unwrap().pixels().enumerate() {
            assert_eq!(pixel[0], level(index), "pixel {index}");
        }
        let (result, said) = lightness(&desk, "cut.gif", &file[..file.len() / 2]);
        assert!(result.is_none() || frames == 2 && said.contains("animated"), "{said}");
    }
}

#[test]
fn what_is_known_and_not_read_is_named() {
    let desk = Desk::new();
    for (start, expected) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], "it is HEIC, which is not read; save it as JPEG"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "it is AVIF, which is not read; save it as PNG or TIFF first"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "it is JPEG 2000, which is not read; save it as PNG or TIFF first"),
        (b"\xFF\x4F\xFF\x51\0\x29", "it is JPEG 2000, which is not read"),
        (b"8BPS\0\x01", "it is a Photoshop document"),
        (b"%PDF-1.4", "it is PDF"),
    ] {
        let (result, said) = lightness(&desk, "a.jpg", start);
        assert!(result.is_none() && said.contains(expected), "{said}");
    }
}

#[test]
fn a_truncated_jpeg_xl_is_refused() {
    let desk = Desk::new();
    for cut in 1..super::formats::JXL.len() - 1 {
        let (result, said) = lightness(&desk, "a.jxl", &super::formats::JXL[..cut]);
        assert!(result.is_none(), "{cut}: {said}");
    }
}

#[test]
fn the_formats_are_printed() {
    let ran = Desk::new().run(&["formats"]);
    assert_eq!(ran.code, Some(0));
    for name in ["JPEG", "PNG", "TIFF", "WebP", "JPEG XL", "GIF", "BMP", "PNM"] {
        assert!(ran.out.contains(&format!("\n| {name} | ")), "{}", ran.out);
    }
}
