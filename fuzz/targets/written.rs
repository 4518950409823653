//! Pictures with any metadata, written in every format and read again.
#![no_main]

use autochrome_cli::fuzzing::{Made, written};

/// As [`Made`], from the bytes of an input.
#[derive(Debug, arbitrary::Arbitrary)]
struct Input<'a> {
    writer: u8,
    pixels: u8,
    size: (u8, u8),
    seed: &'a [u8],
    exif: &'a [u8],
    xmp: &'a [u8],
    iptc: &'a [u8],
}

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |input: Input<'_>| {
    let Input { writer, pixels, size, seed, exif, xmp, iptc } = input;
    autochrome_fuzz::run(|| written(&Made { writer, pixels, size, seed, exif, xmp, iptc }));
});
