//! Color profiles, over pixels of the format that the first byte says.
#![no_main]

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |bytes: &[u8]| {
    autochrome_fuzz::run(|| autochrome_cli::fuzzing::profile(bytes));
});
