//! Files made to harm, and files that time has harmed: a sentence for each, whole results or none, and little memory.
//!
//! The programs run under a limit of address space, so that taking memory for a lie ends them by a signal.

use std::fs;
use std::io::Write;
use std::process::{Command, Output};

use autochrome_tests::pictures;
use autochrome_tests::tiff_files::{self, Page, shorts};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat};

use super::{Desk, load};

/// Address space of a run, in KiB: the program, a few threads, and little else.
const SPACE: u32 = 400 << 10;

fn run(desk: &Desk, args: &str) -> Output {
    let program = desk.command();
    let mut command = Command::new("sh");
    command.current_dir(desk.folder.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let script = format!("ulimit -v {SPACE}; exec '{}' {args}", program.get_program().to_str().unwrap());
    command.args(["-c", &script]).output().unwrap()
}

/// What came of each file of a folder: its name, and what was said of it.
fn fates(output: &Output) -> Vec<(String, String)> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {said}", output.status);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let files = events.filter(|event| event["event"] == "file");
    files
        .map(|event| (event["path"].as_str().unwrap().into(), event["message"].as_str().unwrap_or("").into()))
        .collect()
}

/// One good file of every format that is read.
fn good() -> Vec<(&'static str, Vec<u8>)> {
    let whole = DynamicImage::from(pictures::photograph(1));
    let gray = DynamicImage::from(whole.to_luma16());
    let mut pages = Page::new((9, 9), &[8], 1, vec![90; 81]);
    pages.set(315, (2, b"someone far away\0".to_vec()));
    let mut palette = Page::new((9, 9), &[8], 3, (0..81).collect());
    palette.set(320, shorts(&[0x5000; 768]));
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
    encoder.add_exif_metadata(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0").unwrap();
    encoder
        .add_app_segment(13, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x05\x1C\x02\x78\0\0\0".to_vec())
        .unwrap();
    encoder.set_progressive(true);
    encoder.encode(&whole.to_rgb8(), 32, 32, jpeg_encoder::ColorType::Rgb).unwrap();
    vec![
        ("jpg", pictures::file(&whole, ImageFormat::Jpeg)),
        ("progressive.jpg", jpeg),
        ("inks.jpg", pictures::inks(jpeg_encoder::ColorType::CmykAsYcck)),
        ("png", pictures::file(&gray, ImageFormat::Png)),
        ("tif", pictures::file(&gray, ImageFormat::Tiff)),
        ("pages.tif", tiff_files::file(&[pages, palette])),
        ("webp", pictures::file(&whole, ImageFormat::WebP)),
        ("bmp", pictures::file(&whole, ImageFormat::Bmp)),
        ("ppm", pictures::file(&whole, ImageFormat::Pnm)),
        ("jxl", super::formats::JXL.to_vec()),
    ]
}

#[test]
fn flipped_and_cut_files_harm_nobody() {
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    // A generator of its own, so that a find can be made again (Steele and Vigna's splitmix64).
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        usize::try_from((mixed ^ mixed >> 27) % u64::try_from(below).unwrap()).unwrap()
    };
    let mut count = 0;
    for (kind, file) in good() {
        for round in 0..60 {
            let mut bad = file.clone();
            match round % 3 {
                0 => bad.truncate(random(file.len()).max(1)),
                _ => {
                    for _ in 0..=random(4) {
                        // Headers are where lies are told.
                        let place =
                            if round % 3 == 1 { random(file.len().min(128)) } else { random(file.len()) };
                        bad[place] ^= 1 << random(8);
                    }
                }
            }
            let name = kind.rsplit_once('.').map_or(kind, |(_, extension)| extension);
            let stem = kind.replace('.', "-");
            fs::write(desk.path(&format!("in/{stem}-{round:02}.{name}")), bad).unwrap();
            count += 1;
        }
    }
    let output = run(&desk, "in -o out --json --max-pixels 4M --format png");
    let fates = fates(&output);
    assert_eq!(fates.len(), count);
    for (file, message) in fates {
        assert!(!message.contains("internal error"), "{file}: {message}");
        let name = file.strip_prefix("in/").unwrap();
        let result = desk.path("out").join(name).with_extension("png");
        assert_eq!(result.exists(), message.is_empty(), "{file}: {message}");
        if result.exists() {
            load(&result);
        }
    }
    assert!(desk.files().iter().all(|name| !name.contains(".part")));
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes()[..], kind, content, &crc.sum().to_be_bytes()].concat()
}

/// A good PNG with one more chunk after its header.
fn with_chunk(extra: &[u8]) -> Vec<u8> {
    let png = pictures::file(&DynamicImage::from(pictures::photograph(1)), ImageFormat::Png);
    let header = 8 + 12 + 13;
    [&png[..header], extra, &png[header..]].concat()
}

/// A gigabyte of nothing, deflated.
fn bomb() -> Vec<u8> {
    nothing(1024)
}

/// As many MiB of nothing, deflated.
fn nothing(mebibytes: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let nothing = vec![b' '; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&nothing).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn what_unpacks_without_end_is_left_packed() {
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    let bomb = bomb();
    let text = [&b"XML:com.adobe.xmp\0\x01\0\0\0"[..], &bomb].concat();
    let iptc = [&b"Raw profile type iptc\0\0"[..], &bomb].concat();
    let profile = [&b"icc\0\0"[..], &bomb].concat();
    for (name, kind, content) in
        [("xmp", b"iTXt", text), ("iptc", b"zTXt", iptc), ("profile", b"iCCP", profile)]
    {
        fs::write(desk.path(&format!("in/{name}.png")), with_chunk(&chunk(kind, &content))).unwrap();
    }
    let pixels = [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", b"\0\0\x40\0\0\0\x40\0\x08\0\0\0\0"),
        &chunk(b"IDAT", &bomb),
    ];
    fs::write(desk.path("in/pixels.png"), pixels.concat()).unwrap();
    let fates = fates(&run(&desk, "in -o out --json --max-pixels 4M"));
    let told: String = fates.into_iter().map(|(file, message)| format!("{file}: {message}\n")).collect();
    super::assert_told("cli_bombs", &told);
}

#[test]
fn profiles_that_are_not_used_are_told() {
    let desk = Desk::new();
    let packed = |content: &[u8]| with_chunk(&chunk(b"iCCP", &[&b"icc\0\0"[..], content].concat()));
    let inks = pictures::inks(jpeg_encoder::ColorType::Cmyk);
    let segment = [&b"\xFF\xE2\0\x14ICC_PROFILE\0\x01\x01"[..], b"inks"].concat();
    let files = [
        (
            "large.png",
            packed(&nothing(65)),
            "its color profile is damaged, or larger than 64 MiB, and was ignored",
        ),
        (
            "broken.png",
            packed(b"not deflated"),
            "its color profile is damaged, or larger than 64 MiB, and was ignored",
        ),
        ("inks.jpg", [&inks[..2], &segment, &inks[2..]].concat(), "its CMYK profile was ignored"),
    ];
    for (name, file, note) in files {
        fs::write(desk.path(name), file).unwrap();
        let ran = desk.run(&[name, "-o", "out.png", "--overwrite"]);
        assert!(ran.code == Some(0) && ran.err.contains(note), "{name}: {}", ran.err);
    }
    fs::write(desk.path("none.png"), with_chunk(b"")).unwrap();
    assert_eq!(desk.run(&["none.png", "-o", "none-out.png"]).err, "autochrome: wrote none-out.png\n");
}

#[test]
fn tiff_directories_that_lie_are_refused() {
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    let page = || Page::new((1, 1), &[8], 1, vec![90]);
    let write = |name: &str, file: Vec<u8>| fs::write(desk.path(&format!("in/{name}.tif")), file).unwrap();
    // The last directory leads to the first one again.
    let mut circle = tiff_files::file(&[page()]);
    let first = circle[4..8].to_vec();
    let entries = usize::from(u16::from_le_bytes(*circle[10..].first_chunk().unwrap()));
    let link = 10 + 2 + entries * 12;
    circle[link..link + 4].copy_from_slice(&first);
    write("circle", circle);
    write("pages", tiff_files::file(&(0..5000).map(|_| page()).collect::<Vec<_>>()));
    let mut wide = page();
    wide.size = (60_000, 60_000);
    write("wide", tiff_files::file(&[wide]));
    let mut raw = page();
    raw.set(50_706, (1, vec![1, 4, 0, 0]));
    write("raw", tiff_files::file(&[raw]));
    // A value of 4 GB, in a tag that is carried.
    let mut long = page();
    long.set(315, (2, b"someone or other\0".to_vec()));
    let mut long = tiff_files::file(&[long]);
    let at = long.windows(4).position(|window| window == [0x3B, 1, 2, 0]).unwrap();
    long[at + 4..at + 8].copy_from_slice(&[0xFF; 4]);
    write("long", long);
    // Thousands of channels in each pixel.
    let mut channels = Page::new((1000, 1000), &[8], 1, vec![0; 1_000_000]);
    channels.entries.retain(|entry| entry.0 != 277);
    channels.set(277, shorts(&[65_000]));
    write("channels", tiff_files::file(&[channels]));
    // Four million places of strips.
    let mut strips = tiff_files::file(&[page()]);
    let at = strips.windows(4).position(|window| window == [0x11, 1, 4, 0]).unwrap();
    strips[at + 4..at + 8].copy_from_slice(&0x0040_0000_u32.to_le_bytes());
    write("strips", strips);
    write("empty", b"II*\0\0\0\0\0".to_vec());
    let fates = fates(&run(&desk, "in -o out --json --max-pixels 5M"));
    let told: String = fates.into_iter().map(|(file, message)| format!("{file}: {message}\n")).collect();
    super::assert_told("cli_lying_tiffs", &told);
}

#[test]
fn claims_that_the_bytes_cannot_hold_are_refused_before_memory_is_taken() {
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    fs::write(desk.path("in/a.ppm"), b"P6 20000 20000 255\n012").unwrap();
    let mut bmp = pictures::file(&DynamicImage::from(pictures::photograph(1)), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&20_000_u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000_u32.to_le_bytes());
    bmp.truncate(600);
    fs::write(desk.path("in/b.bmp"), bmp).unwrap();
    let mut jpeg = pictures::file(&DynamicImage::from(pictures::photograph(1)), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x4E, 0x20, 0x4E, 0x20]);
    fs::write(desk.path("in/c.jpg"), jpeg).unwrap();
    for (file, message) in fates(&run(&desk, "in -o out --json")) {
        assert!(message.contains("claims 20000 x 20000 pixels, which its "), "{file}: {message}");
    }
    assert!(!desk.path("out").exists());
}

#[test]
fn a_file_larger_than_any_picture_is_not_read_into_memory() {
    // A hole of a terabyte behind a good beginning.
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    for (name, start) in [("a.jpg", &b"\xFF\xD8\xFF\xE0"[..]), ("b.jxl", b"\xFF\x0A")] {
        let path = desk.path(&format!("in/{name}"));
        fs::write(&path, start).unwrap();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
    }
    for (file, message) in fates(&run(&desk, "in -o out --json")) {
        assert!(message.starts_with("the file is 1099511627776 bytes, more than"), "{file}: {message}");
    }
}

#[test]
fn a_large_folder_takes_no_more_memory_than_a_small_one() {
    // 2,000 files under a limit that a twentieth of a megabyte for each of them would break.
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    let file = pictures::file(&DynamicImage::from(pictures::photograph(1)), ImageFormat::Jpeg);
    for index in 0..2000 {
        fs::write(desk.path(&format!("in/{index:04}.jpg")), &file).unwrap();
    }
    let output = run(&desk, "in -o out --jobs 2 --json");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.lines().last().unwrap().contains("\"done\":2000"), "{}", text.lines().last().unwrap());
}
