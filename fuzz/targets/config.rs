//! The trainer's configuration.
#![no_main]

use autochrome_trainer::run::config::RunConfig;

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |text: &str| {
    autochrome_fuzz::run(|| {
        let Ok(config) = RunConfig::parse(text) else { return };
        // Written and read again it is the same: a checkpoint keeps it as text.
        let Ok(written) = config.to_text() else { return };
        assert_eq!(RunConfig::parse(&written).expect("a configuration of our own"), config);
    });
});
