//! `model.toml` of a model package: checked as it is when a package is opened, before any weights are.
#![no_main]

use autochrome_models::package::Manifest;

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |text: &str| {
    autochrome_fuzz::run(|| {
        let manifest = match Manifest::parse(text) {
            Ok(manifest) => manifest,
            Err(problem) => return assert!(!problem.to_string().contains('\n'), "{problem}"),
        };
        let Ok(codec) = manifest.codec.build() else { return };
        let _ = manifest.network.tensor_specs(codec.channels());
        // Written and read again it is the same.
        let Ok(written) = manifest.to_toml() else { return };
        assert_eq!(Manifest::parse(&written).expect("a manifest of our own"), manifest);
    });
});
