//! What a file says of its photograph, carried from any format to any other; and the note that the colors are predicted.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use autochrome_tests::pictures::gray_of;
use autochrome_tests::tiff_files::{self, Page, shorts};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageDecoder, ImageEncoder, ImageReader, Luma};
use moxcms::ColorProfile;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

use super::{Desk, load};

const SOURCE_TYPE: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const IPTC: &[u8] = b"\x1C\x02\x78\0\x08Ein Bild";
const XMP: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
    xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
    xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6' xmlns:dc='http://purl.org/dc/elements/1.1/' \
    dc:source='Box 7'/></rdf:RDF></x:xmpmeta>";
/// Bytes that can be told from all others.
const THUMBNAIL: &[u8] = b"\xFF\xD8 the gray thumbnail \xFF\xD9";

/// A block of EXIF as cameras write it: orientation 6, an artist, 300 by 200 dots an inch, the size, and a thumbnail.
fn exif() -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let short = |value: u16| [value.to_be_bytes(), [0; 2]].concat().try_into().unwrap();
    let long = u32::to_be_bytes;
    // Six entries end at 86, where their values begin; the directory below is at 120, the thumbnail's at 150.
    let main = [
        entry(0x0112, 3, 1, short(6)),
        entry(0x011A, 5, 1, long(86)),
        entry(0x011B, 5, 1, long(94)),
        entry(0x0128, 3, 1, short(2)),
        entry(0x013B, 2, 11, long(102)),
        entry(0x8769, 4, 1, long(120)),
    ];
    block.extend(6_u16.to_be_bytes());
    block.extend(main.concat());
    block.extend(long(150));
    block.extend([300_u32, 1, 200, 1].map(u32::to_be_bytes).concat());
    block.extend(b"Gerda Gr.n\0");
    block.resize(120, 0);
    block.extend(2_u16.to_be_bytes());
    block.extend(entry(0xA001, 3, 1, short(0xFFFF)));
    block.extend(entry(0xA002, 4, 1, long(32)));
    block.extend([0; 4]);
    block.extend(2_u16.to_be_bytes());
    block.extend(entry(0x0201, 4, 1, long(180)));
    block.extend(entry(0x0202, 4, 1, long(u32::try_from(THUMBNAIL.len()).unwrap())));
    block.extend([0; 4]);
    assert_eq!(block.len(), 180);
    block.extend(THUMBNAIL);
    block
}

/// A JPEG with all there is; its left half is dark, and it is to be turned so that this comes to the top.
fn everything() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
    encoder.add_exif_metadata(&exif()).unwrap();
    encoder.add_app_segment(1, [&b"http://ns.adobe.com/xap/1.0/\0"[..], XMP.as_bytes()].concat()).unwrap();
    let resource = [&b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0"[..], &[13], IPTC, &[0]].concat();
    encoder.add_app_segment(13, resource).unwrap();
    let pixels: Vec<u8> = (0..32 * 16).map(|index| if index % 32 < 16 { 40 } else { 200 }).collect();
    encoder.encode(&pixels, 32, 16, jpeg_encoder::ColorType::Luma).unwrap();
    file
}

/// What a written file says: EXIF or its like, XMP, IPTC, profile, as far as it has them.
struct Said {
    exif: Vec<u8>,
    xmp: String,
    iptc: Vec<u8>,
    profile: Option<Vec<u8>>,
}

fn said(path: &Path) -> Said {
    if path.extension().is_some_and(|extension| extension == "tif") {
        let mut decoder = Decoder::new(BufReader::new(File::open(path).unwrap())).unwrap();
        let mut bytes = |tag| decoder.get_tag_u8_vec(Tag::Unknown(tag)).unwrap_or_default();
        let (xmp, iptc, icc) = (bytes(700), bytes(33_723), bytes(34_675));
        return Said {
            exif: fs::read(path).unwrap(),
            xmp: String::from_utf8(xmp).unwrap(),
            iptc,
            profile: Some(icc),
        };
    }
    let mut decoder = ImageReader::open(path).unwrap().with_guessed_format().unwrap().into_decoder().unwrap();
    Said {
        exif: decoder.exif_metadata().unwrap().unwrap_or_default(),
        xmp: String::from_utf8(decoder.xmp_metadata().unwrap().unwrap_or_default()).unwrap(),
        iptc: decoder.iptc_metadata().unwrap().unwrap_or_default(),
        profile: decoder.icc_profile().unwrap(),
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Dots an inch as the format itself says.
fn density(path: &Path) -> Option<(u32, u32)> {
    let file = fs::read(path).unwrap();
    match path.extension()?.to_str()? {
        "jpg" => {
            let number = |at: usize| u32::from(u16::from_be_bytes([file[at], file[at + 1]]));
            assert_eq!(&file[6..14], b"JFIF\0\x01\x02\x01");
            Some((number(14), number(16)))
        }
        "png" => {
            let decoder = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let dims = decoder.info().pixel_dims?;
            Some(((dims.xppu * 254 + 5000) / 10_000, (dims.yppu * 254 + 5000) / 10_000))
        }
        _ => {
            let mut decoder = Decoder::new(BufReader::new(File::open(path).unwrap())).unwrap();
            assert_eq!(decoder.get_tag_u32(Tag::ResolutionUnit).unwrap(), 2);
            let mut of = |tag| {
                let fraction = decoder.get_tag_u32_vec(tag).unwrap();
                fraction[0] / fraction[1]
            };
            Some((of(Tag::XResolution), of(Tag::YResolution)))
        }
    }
}

fn check(desk: &Desk, name: &str, holds_iptc: bool, has_density: bool) {
    let path = desk.path(name);
    let result = load(&path).into_luma8();
    assert_eq!(result.dimensions(), (16, 32), "{name}");
    assert!(result.get_pixel(8, 4)[0] < 80 && result.get_pixel(8, 28)[0] > 160, "{name}");
    let said = said(&path);
    assert!(has(&said.exif, b"Gerda Gr.n\0"), "{name}: the artist");
    let decoder = ImageReader::open(&path).unwrap().with_guessed_format().unwrap().into_decoder();
    assert_eq!(decoder.unwrap().orientation().unwrap(), image::metadata::Orientation::NoTransforms, "{name}");
    assert!(!has(&fs::read(&path).unwrap(), b"the gray thumbnail"), "{name}");
    assert!(said.xmp.contains("Box 7") && said.xmp.contains(SOURCE_TYPE), "{name}: {}", said.xmp);
    assert!(!said.xmp.contains("Orientation"), "{name}: {}", said.xmp);
    if holds_iptc {
        let hex: String = IPTC.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = || String::from_utf8_lossy(&said.iptc).to_string();
        assert!(has(&said.iptc, IPTC) || png_iptc(&path).contains(&hex), "{name}: {:?}", text());
    }
    if has_density {
        // Turned, so that the two have changed places.
        assert_eq!(density(&path), Some((200, 300)), "{name}");
    }
}

/// The text in which PNG holds IPTC, without its line breaks.
fn png_iptc(path: &Path) -> String {
    let file = fs::read(path).unwrap();
    let Ok(reader) = png::Decoder::new(std::io::Cursor::new(file)).read_info() else { return String::new() };
    let texts = &reader.info().compressed_latin1_text;
    let text = texts.iter().find(|text| text.keyword == "Raw profile type iptc");
    text.map(|text| text.get_text().unwrap().split_whitespace().collect()).unwrap_or_default()
}

#[test]
fn what_a_file_says_goes_from_every_format_to_every_other() {
    let desk = Desk::new();
    fs::write(desk.path("scan.jpg"), everything()).unwrap();
    let formats = [("jpg", true, true), ("png", true, true), ("tif", true, true), ("webp", false, false)];
    for (first, iptc, dots) in formats {
        let first = format!("first.{first}");
        let ran = desk.run(&["scan.jpg", "-o", &first]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let notes = ran.err.matches("was dropped").count();
        assert_eq!(notes, usize::from(!iptc), "{}", ran.err);
        check(&desk, &first, iptc, dots);
        for (second, second_iptc, second_dots) in formats {
            let second = format!("second.{second}");
            assert_eq!(desk.run(&[&first, "-o", &second, "--overwrite"]).code, Some(0));
            check(&desk, &second, iptc && second_iptc, second_dots);
        }
    }
}

#[test]
fn an_exif_block_is_mended_where_it_lies() {
    let desk = Desk::new();
    fs::write(desk.path("scan.jpg"), everything()).unwrap();
    assert_eq!(desk.run(&["scan.jpg", "-o", "out.jpg"]).code, Some(0));
    let mut expected = exif();
    expected[18..20].copy_from_slice(&1_u16.to_be_bytes());
    // No second directory, sRGB, the width of the turned picture; what lay behind is gone.
    expected[82..86].copy_from_slice(&[0; 4]);
    // Rows and columns have changed places, and so have the dots an inch of each.
    expected[30..34].copy_from_slice(&94_u32.to_be_bytes());
    expected[42..46].copy_from_slice(&86_u32.to_be_bytes());
    expected[130..132].copy_from_slice(&1_u16.to_be_bytes());
    expected[142..146].copy_from_slice(&16_u32.to_be_bytes());
    expected.truncate(150);
    assert_eq!(said(&desk.path("out.jpg")).exif, expected);
}

#[test]
fn the_note_about_the_colors_can_be_left_out() {
    let desk = Desk::new();
    desk.gray("a.png");
    for name in ["a.jpg", "a.tif", "a.webp", "b.png"] {
        assert_eq!(desk.run(&["a.png", "-o", name]).code, Some(0));
        let xmp = said(&desk.path(name)).xmp;
        assert!(xmp.contains(SOURCE_TYPE) && xmp.contains("the model stub"), "{name}: {xmp}");
        let tool = format!("<xmp:CreatorTool>Autochrome {}</xmp:CreatorTool>", env!("CARGO_PKG_VERSION"));
        assert!(xmp.contains(&tool), "{name}: {xmp}");
        assert_eq!(desk.run(&["a.png", "-o", name, "--overwrite", "--no-provenance"]).code, Some(0));
        assert_eq!(said(&desk.path(name)).xmp, "", "{name}");
    }
    // What others wrote stays without it, too.
    fs::write(desk.path("scan.jpg"), everything()).unwrap();
    assert_eq!(desk.run(&["scan.jpg", "-o", "out.jpg", "--no-provenance"]).code, Some(0));
    let xmp = said(&desk.path("out.jpg")).xmp;
    assert!(xmp.contains("Box 7") && !xmp.contains("Orientation") && !xmp.contains(SOURCE_TYPE), "{xmp}");
}

#[test]
fn damaged_metadata_is_left_out_with_a_sentence() {
    let desk = Desk::new();
    let pixels = vec![100; 32 * 32];
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
    encoder.add_exif_metadata(b"no exif at all").unwrap();
    encoder.add_app_segment(1, b"http://ns.adobe.com/xap/1.0/\0<rdf".to_vec()).unwrap();
    encoder.add_icc_profile(b"no profile").unwrap();
    encoder.encode(&pixels, 32, 32, jpeg_encoder::ColorType::Luma).unwrap();
    fs::write(desk.path("a.jpg"), file).unwrap();
    let ran = desk.run(&["a.jpg", "-o", "out.jpg"]);
    super::assert_told("cli_damaged_metadata", &ran.err);
    assert_eq!(ran.code, Some(0));
    let ran = desk.run(&["a.jpg", "-o", "out.png", "--json"]);
    let report: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(report["notes"].as_array().unwrap().len(), 3);
}

#[test]
fn xmp_that_a_jpeg_cannot_hold_gives_way_to_the_note() {
    let desk = Desk::new();
    let long = XMP.replace("Box 7", &"Box 7 ".repeat(12_000));
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), long).unwrap();
    encoder.write_header().unwrap().write_image_data(&[90; 64]).unwrap();
    fs::write(desk.path("a.png"), file).unwrap();
    let ran = desk.run(&["a.png", "-o", "out.jpg"]);
    assert!(ran.code == Some(0) && ran.err.contains("its XMP was dropped: it is 7"), "{}", ran.err);
    let xmp = said(&desk.path("out.jpg")).xmp;
    assert!(xmp.contains(SOURCE_TYPE) && !xmp.contains("Box 7"), "{xmp}");
    assert_eq!(desk.run(&["a.png", "-o", "out.png"]).code, Some(0));
    assert!(said(&desk.path("out.png")).xmp.contains("Box 7"));
}

/// A gray PNG of a ramp, in `profile`.
fn in_profile(path: &Path, profile: &ColorProfile, deep: bool) {
    let mut encoder = PngEncoder::new(File::create(path).unwrap());
    encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
    let ramp = (0..64_u16).map(|x| 8_000 + 800 * x);
    if deep {
        let pixels: Vec<u8> = ramp.flat_map(u16::to_ne_bytes).collect();
        encoder.write_image(&pixels, 64, 1, ExtendedColorType::L16).unwrap();
    } else {
        let pixels: Vec<u8> = ramp.map(|level| u8::try_from(level / 257).unwrap()).collect();
        encoder.write_image(&pixels, 64, 1, ExtendedColorType::L8).unwrap();
    }
}

#[test]
fn pixels_in_a_gray_profile_become_srgb() {
    let desk = Desk::new();
    let to_srgb = |linear: f64| {
        if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
    };
    for gamma in [1.0_f32, 1.8, 2.2] {
        for deep in [false, true] {
            in_profile(&desk.path("a.png"), &ColorProfile::new_gray_with_gamma(gamma), deep);
            let ran = desk.run(&["a.png", "-o", "out.png", "--overwrite", "--strength", "0"]);
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote out.png\n"));
            for (x, pixel) in load(&desk.path("out.png")).into_rgb16().pixels().enumerate() {
                let level = f64::from(8_000 + 800 * u32::try_from(x).unwrap());
                let level = if deep { level / 65_535.0 } else { (level / 257.0).floor() / 255.0 };
                let expected = to_srgb(level.powf(f64::from(gamma))) * 65_535.0;
                let off = (f64::from(pixel[1]) - expected).abs();
                assert!(
                    off < if deep { 40.0 } else { 140.0 },
                    "gamma {gamma}: {pixel:?}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn pixels_in_a_wide_profile_become_srgb_and_srgb_stays_as_it_is() {
    let desk = Desk::new();
    let write = |profile: &ColorProfile| {
        let mut encoder = PngEncoder::new(File::create(desk.path("a.png")).unwrap());
        encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
        let pixels: Vec<u8> = (0..64_u8).flat_map(|x| [60 + 2 * x, 100, 150 - x, x * 4]).collect();
        encoder.write_image(&pixels, 64, 1, ExtendedColorType::Rgba8).unwrap();
        assert_eq!(desk.run(&["a.png", "-o", "out.png", "--overwrite", "--strength", "0"]).code, Some(0));
        load(&desk.path("out.png")).into_rgba8()
    };
    let srgb = write(&ColorProfile::new_srgb());
    let adobe = write(&ColorProfile::new_adobe_rgb());
    for (x, (srgb, adobe)) in srgb.pixels().zip(adobe.pixels()).enumerate() {
        assert_eq!([srgb[3], adobe[3]], [u8::try_from(x * 4).unwrap(); 2], "alpha is not color");
        let rgb = [60 + 2 * x, 100, 150 - x].map(|level| f32::from(u8::try_from(level).unwrap()) / 255.0);
        let gray = 255.0 * gray_of(rgb);
        assert!((f32::from(srgb[0]) - gray).abs() < 1.0, "{srgb:?}, expected {gray}");
    }
    // The same numbers are a stronger red in Adobe RGB, whose lightness differs.
    assert_ne!(srgb.get_pixel(60, 0)[0], adobe.get_pixel(60, 0)[0]);
}

#[test]
fn every_result_says_that_it_is_in_srgb() {
    let desk = Desk::new();
    in_profile(&desk.path("a.png"), &ColorProfile::new_gray_with_gamma(2.2), false);
    for name in ["out.jpg", "out.tif", "out.webp"] {
        assert_eq!(desk.run(&["a.png", "-o", name]).code, Some(0));
        let profile = ColorProfile::new_from_slice(&said(&desk.path(name)).profile.unwrap()).unwrap();
        assert_eq!(profile.color_space, moxcms::DataColorSpace::Rgb, "{name}");
        assert!((profile.red_colorant.x - ColorProfile::new_srgb().red_colorant.x).abs() < 1e-3, "{name}");
    }
    assert_eq!(desk.run(&["a.png", "-o", "out.png"]).code, Some(0));
    let file = fs::read(desk.path("out.png")).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    assert!(reader.info().srgb.is_some() && reader.info().icc_profile.is_none());
}

#[test]
fn a_tiff_says_how_it_is_to_be_turned() {
    let desk = Desk::new();
    let mut page =
        Page::new((32, 16), &[8], 1, (0..32 * 16).map(|i| if i % 32 < 16 { 40 } else { 200 }).collect());
    page.set(274, shorts(&[6])).set(315, (2, b"Gerda Gr.n\0".to_vec()));
    fs::write(desk.path("scan.tif"), tiff_files::file(&[page])).unwrap();
    for name in ["out.tif", "out.jpg"] {
        assert_eq!(desk.run(&["scan.tif", "-o", name]).code, Some(0));
        let result = load(&desk.path(name)).into_luma8();
        assert!(result.dimensions() == (16, 32) && result.get_pixel(8, 4)[0] < 80, "{name}");
        assert!(has(&said(&desk.path(name)).exif, b"Gerda Gr.n\0"), "{name}");
    }
}

#[test]
fn the_same_photograph_always_gives_the_same_file() {
    let desk = Desk::new();
    fs::write(desk.path("scan.jpg"), everything()).unwrap();
    for extension in ["jpg", "png", "tif", "webp"] {
        let files = [1, 2].map(|time| {
            let name = format!("{time}.{extension}");
            assert_eq!(desk.run(&["scan.jpg", "-o", &name]).code, Some(0));
            fs::read(desk.path(&name)).unwrap()
        });
        assert_eq!(files[0], files[1], "{extension}");
    }
}

#[test]
fn a_jpeg_encoder_of_another_make_is_read_the_same() {
    // A plain file without any metadata: nothing is made up but the note and the profile.
    let desk = Desk::new();
    let picture = ImageBuffer::from_pixel(16, 16, Luma([90_u8]));
    JpegEncoder::new(File::create(desk.path("a.jpg")).unwrap()).encode_image(&picture).unwrap();
    assert_eq!(desk.run(&["a.jpg", "-o", "out.jpg"]).code, Some(0));
    let said = said(&desk.path("out.jpg"));
    assert!(said.exif.is_empty() && said.iptc.is_empty() && said.profile.is_some());
}
