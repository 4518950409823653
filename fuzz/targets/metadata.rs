//! EXIF, XMP and IPTC; the first byte of an input says which.
#![no_main]

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |bytes: &[u8]| {
    autochrome_fuzz::run(|| autochrome_cli::fuzzing::metadata(bytes));
});
