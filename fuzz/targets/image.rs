//! Picture files of every format, through the command line's own decoding.
#![no_main]

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |bytes: &[u8]| {
    autochrome_fuzz::run(|| autochrome_cli::fuzzing::image(bytes));
});
