//! The values that GIMP keeps between two runs of its plug-in, and those that scripts pass.
#![no_main]
#![allow(dead_code, reason = "the plug-in's own files, of which only the parsing is called")]

// The plug-in is a program and no library; these two files stand on the loader alone.
#[path = "../../host-shim/gimp/src/error.rs"]
mod error;
#[path = "../../host-shim/gimp/src/settings.rs"]
mod settings;

use settings::{Output, Settings};

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |bytes: &[u8]| {
    autochrome_fuzz::run(|| {
        let text = String::from_utf8_lossy(bytes);
        let settings = Settings::from_text(&text);
        assert!(settings.clone().checked().is_ok(), "{settings:?}");
        assert_eq!(Settings::from_text(&settings.to_text()), settings);
        let params = settings.params();
        assert!(params.temperature.is_none_or(|value| (0.0..=1.0).contains(&value)), "{params:?}");
        if let Ok(output) = Output::from_name(&text) {
            assert_eq!(output.name(), text);
        }
        if let Some(number) = bytes.first_chunk() {
            let number = i32::from_le_bytes(*number);
            assert_eq!(Output::from_number(number).is_ok(), (0..2).contains(&number));
        }
    });
});
