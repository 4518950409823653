//! The header of a model package's weights. The manifest is right, and so is the rest of the file: zeros.
//!
//! The first two bytes of an input change what the file claims and how long it is; the rest is its header.
#![no_main]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use autochrome_fuzz::package;
use autochrome_models::package::Package;

/// The package's folder, with its manifest.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = || {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        std::fs::write(folder.path().join("model.toml"), package::manifest()).expect("a manifest");
        folder
    };
    FOLDER.get_or_init(made).path()
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let ([claims, length], header) = bytes.split_first_chunk().unwrap_or((&[0, 0], bytes));
    let mut file = File::create(folder().join("weights.safetensors"))?;
    let claimed = match claims {
        0..128 => header.len() as u64,
        128..192 => (header.len() as u64).wrapping_add(u64::from(*claims) - 160),
        _ => u64::MAX >> (*claims - 192),
    };
    file.write_all(&claimed.to_le_bytes())?;
    file.write_all(header)?;
    let data = if *length < 200 { package::data() } else { u64::from(*length - 200) };
    file.set_len(8 + header.len() as u64 + data)
}

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |bytes: &[u8]| {
    write(bytes).expect("a file can be written");
    autochrome_fuzz::run(|| match Package::open(folder()) {
        Ok(_) => assert_eq!(bytes.get(2..), Some(package::header().as_bytes()), "a package of another header"),
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    });
});
