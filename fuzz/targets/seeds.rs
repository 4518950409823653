//! Not a target: writes the corpora that the targets begin with, below the folder that `AUTOCHROME_FUZZ_CORPUS` names.
//!
//! The idea: **every seed is made here**, mostly by the files that make the pictures of the tests, so the project needs no
//! file of anybody else. It is built like a target, so that one build does for all of them.
#![no_main]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/src/pictures.rs"]
mod pictures;
#[path = "../../tests/src/tiff_files.rs"]
mod tiff_files;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat};
use moxcms::ColorProfile;
use tiff_files::{Page, shorts};

/// What no encoder here writes: a gradient of 16 x 16, as libjpeg, libwebp, and libjxl write it.
const ENCODED: [(&str, &str); 6] = [
    ("gif", "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="),
    (
        "jpeg-progressive",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wgARCAAQABADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAwQF/8QAFAEBAAAAAAAAAAAAAAAAAAAAAv/aAAwDAQACEAMQAAABzXSgL//EABYQAAMAAAAAAAAAAAAAAAAAAAABAv/aAAgBAQABBQJSKRSKT//EABURAQEAAAAAAAAAAAAAAAAAAAMA/9oACAEDAQE/ATS//8QAFhEAAwAAAAAAAAAAAAAAAAAAAAEh/9oACAECAQE/AVT/xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Ah//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAE/IRVf/9oADAMBAAIAAwAAABAD/8QAFREBAQAAAAAAAAAAAAAAAAAAABH/2gAIAQMBAT8Qk//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQIBAT8QP//EABUQAQEAAAAAAAAAAAAAAAAAAABh/9oACAEBAAE/EIIpJv/Z",
    ),
    (
        "webp-lossy",
        "UklGRkIAAABXRUJQVlA4IDYAAADwAQCdASoQABAABABoJbACdAD0sSXXUAAA/vWZxK3zWbE558YqWoNubwy8/MW/N/vnrskAAAA=",
    ),
    (
        "webp-alpha",
        "UklGRqgAAABXRUJQVlA4WAoAAAAQAAAADwAADwAAQUxQSE4AAAAFL6AQQAAUNBERrAoGAdOG8XAFP3wGCFPQ+Vc1ERH9z1ePJH2/7iVZkqtIlpcjR24i214miV0TEy8IhgIBNncpDBxKKbszdDhz7zPTngFWUDggNAAAABACAJ0BKhAAEAAFQHwlsAJ0ARD3qI4U2SAA/u6SH+AgT2NW+gebygY8K1/u7wvRtY/QAAA=",
    ),
    (
        "jxl-lossy",
        "/wpDBgAUiAYABAGxYhUAgAqVUcYNXs71fPmhw2LaxnWGttq2sISx2V4YJCQcwDwb+TVln1BqEaW63TmZEcCAGACVJIpMN1+w6mdwAA==",
    ),
    (
        "jxl-lossless",
        "/wpDQCQIAAEA3AFLKKO6BfrpYDG4DX6noDB4RUFCwhGNgEhEIcJEZIy3wXkdUCgGYiDyohT4hQBAACGAAMYxxABSuWzbtm3bNm3btm3bFhaR7jk3ML2AITHxfv4kzKElZ5P6oNZM518qG2+ORPQH+PDeE/wS/42nxD+Jv5WF8bf5fQ==",
    ),
];

libfuzzer_sys::fuzz_target!(init: begin(), |_bytes: &[u8]| {});

/// Writes everything, and ends the process before libFuzzer does anything.
fn begin() {
    let folder = std::env::var_os("AUTOCHROME_FUZZ_CORPUS").expect("AUTOCHROME_FUZZ_CORPUS names a folder");
    write(Path::new(&folder));
    std::process::exit(0)
}

fn write(folder: &Path) {
    let put = |target: &str, seeds: Vec<(String, Vec<u8>)>| {
        let folder = folder.join(target);
        fs::create_dir_all(&folder).expect("a folder can be made");
        for (name, bytes) in seeds {
            fs::write(folder.join(name.replace('/', "-")), bytes).expect("a seed can be written");
        }
    };
    put("image", images());
    put("metadata", metadata());
    put("profile", profiles());
    put("gimp", vec![("settings".into(), SETTINGS.into())]);
    for target in ["abi", "written"] {
        put(
            target,
            vec![("nothing".into(), vec![0; 256]), ("ramp".into(), (0..=255).cycle().take(1024).collect())],
        );
    }
    #[cfg(feature = "libtorch")]
    {
        use autochrome_fuzz::package;
        put("manifest", texts(&["models/packages/autochrome"]));
        put("manifest", vec![("tiny".into(), package::manifest().into())]);
        put("weights", vec![("tiny".into(), [&[0, 0], package::header().as_bytes()].concat())]);
        put("config", texts(&["trainer/configs", "trainer/configs/reproduction"]));
    }
}

/// What GIMP keeps between two runs.
const SETTINGS: &str =
    "model = \"\"\nstrength = 1.0\ntemperature = -1.0\noutput = \"in-place\"\ndevice = \"cuda:0\"\n";

/// Every TOML file in these folders of the checkout that stands by itself.
#[cfg(feature = "libtorch")]
fn texts(folders: &[&str]) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("fuzz is in the checkout");
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("it is there"));
    let paths = files.map(|file| file.expect("it can be listed").path());
    let toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    let seed = |path: PathBuf| {
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("it can be read"))
    };
    paths.filter(toml).map(seed).collect()
}

fn images() -> Vec<(String, Vec<u8>)> {
    let small = DynamicImage::from(pictures::photograph(1)).crop_imm(0, 0, 12, 10);
    let kinds = [
        ("gray", DynamicImage::from(small.to_luma8())),
        ("gray16", small.to_luma16().into()),
        ("alpha", small.to_rgba8().into()),
        ("deep-alpha", small.to_rgba16().into()),
    ];
    let mut seeds: Vec<(String, Vec<u8>)> =
        pictures::zoo().into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
    seeds.extend(
        [ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::Tiff, ImageFormat::WebP]
            .map(|format| (format!("rgb.{format:?}"), pictures::file(&small, format))),
    );
    for (name, image) in &kinds {
        seeds.push((format!("{name}.png"), pictures::file(image, ImageFormat::Png)));
        seeds.push((format!("{name}.tif"), pictures::file(image, ImageFormat::Tiff)));
    }
    seeds.push(("gray.bmp".into(), pictures::file(&kinds[0].1, ImageFormat::Bmp)));
    seeds.push(("gray.pgm".into(), pictures::file(&kinds[0].1, ImageFormat::Pnm)));
    let texts = [("plain.pgm", "P2\n# a\n3 2\n9\n1 2 3\n4 5 6\n"), ("plain.pbm", "P1 3 2 1 0 1 0 1 0\n")];
    seeds.extend(texts.map(|(name, text)| (name.into(), text.into())));
    let pam = "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\nabcd";
    seeds.push(("a.pam".into(), pam.into()));
    seeds.extend(tiffs());
    let decoded = |text| BASE64_STANDARD.decode(text).expect("it is base64");
    seeds.extend(ENCODED.map(|(name, text)| (name.into(), decoded(text))));
    seeds
}

/// TIFF files that no encoder here writes.
fn tiffs() -> Vec<(String, Vec<u8>)> {
    let ramp: Vec<u8> = (0..=255).collect();
    let page = |bits: &[u16], photometric, bytes: usize| {
        Page::new((8, 4), bits, photometric, ramp.iter().copied().cycle().take(bytes).collect())
    };
    let mut palette = page(&[4], 3, 16);
    palette.set(320, shorts(&[0x1234; 48]));
    let mut bits = page(&[1], 0, 4);
    bits.set(266, shorts(&[2]));
    let mut float = page(&[32], 1, 128);
    float.set(339, shorts(&[3]));
    let mut planes = page(&[8, 8, 8], 2, 96);
    planes.set(284, shorts(&[2]));
    let mut packed = page(&[8], 1, 32);
    packed.set(259, shorts(&[32_773])).set(274, shorts(&[6]));
    packed.set(700, (1, b"<x/>".to_vec())).set(33_723, (7, b"\x1C\x02\x78\0\x01a".to_vec()));
    let files = [
        ("palette", vec![palette]),
        ("bits", vec![bits]),
        ("float", vec![float]),
        ("planes", vec![planes]),
        ("packed", vec![packed]),
        ("cmyk", vec![page(&[8; 4], 5, 128)]),
        ("ycbcr", vec![page(&[8; 3], 6, 96)]),
        ("pages", vec![page(&[8], 1, 32), page(&[16, 16], 1, 128)]),
    ];
    files.into_iter().map(|(name, pages)| (format!("{name}.tif"), tiff_files::file(&pages))).collect()
}

fn metadata() -> Vec<(String, Vec<u8>)> {
    let with = |choice: u8, block: &[u8]| [&[choice], block].concat();
    let packet = "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
        xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' \
        xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/' \
        xmlns:stEvt='http://ns.adobe.com/xap/1.0/sType/ResourceEvent#' tiff:Orientation='6' \
        xmp:CreatorTool='a &amp; b'><xmpMM:History><rdf:Seq><rdf:li stEvt:action='saved'/></rdf:Seq>\
        </xmpMM:History></rdf:Description></rdf:RDF></x:xmpmeta> <?xpacket end='w'?>";
    let iptc =
        b"Photoshop 3.0\08BIM\x04\x0C\x03abc\0\0\0\x03xyz\08BIM\x04\x04\0\0\0\0\0\x0A\x1C\x02\x78\0\x05Words";
    vec![
        ("exif-little".into(), with(0, &exif(false))),
        ("exif-big".into(), with(0, &exif(true))),
        ("xmp".into(), with(1, packet.as_bytes())),
        ("iptc".into(), with(2, iptc)),
    ]
}

/// A camera's block: make, orientation, resolution, what is below, and a thumbnail.
fn exif(big_endian: bool) -> Vec<u8> {
    let short = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let directory = |entries: &[(u16, u16, u32, [u8; 4])], next: u32| {
        let entry = |&(tag, kind, count, value): &(u16, u16, u32, [u8; 4])| {
            [&short(tag)[..], &short(kind), &long(count), &value].concat()
        };
        let count = u16::try_from(entries.len()).expect("few");
        [&short(count)[..], &entries.iter().flat_map(entry).collect::<Vec<u8>>(), &long(next)].concat()
    };
    let inline = |value: u16| [short(value), [0; 2]].concat().try_into().expect("four bytes");
    // Where each part begins: six entries, then the values, three entries, one, one.
    let [values, exif, gps, second] = [8 + 78, 8 + 78 + 16, 8 + 78 + 16 + 42, 8 + 78 + 16 + 42 + 18];
    let main = [
        (0x0112, 3, 1, inline(6)),
        (0x011A, 5, 1, long(values)),
        (0x011B, 5, 1, long(values + 8)),
        (0x0128, 3, 1, inline(2)),
        (0x8769, 4, 1, long(exif)),
        (0x8825, 4, 1, long(gps)),
    ];
    let start = if big_endian { &b"MM\0*"[..] } else { b"II*\0" };
    [
        start,
        &long(8),
        &directory(&main, second),
        &[long(72), long(1), long(96), long(1)].concat(),
        &directory(&[(0xA001, 3, 1, inline(65_535)), (0xA002, 4, 1, long(9)), (0xA003, 3, 1, inline(9))], 0),
        &directory(&[(1, 2, 2, *b"N\0\0\0")], 0),
        &directory(&[(0x0103, 3, 1, inline(6))], 0),
        b"thumbnail",
    ]
    .concat()
}

fn profiles() -> Vec<(String, Vec<u8>)> {
    let all = [
        ("srgb", ColorProfile::new_srgb()),
        ("p3", ColorProfile::new_display_p3()),
        ("adobe", ColorProfile::new_adobe_rgb()),
        ("gray", ColorProfile::new_gray_with_gamma(2.2)),
    ];
    let mut seeds = Vec::new();
    for (name, profile) in all {
        let icc = profile.encode().expect("a profile can be written");
        for format in 0..8 {
            seeds.push((format!("{name}-{format}"), [&[format], &icc[..]].concat()));
        }
    }
    seeds
}
