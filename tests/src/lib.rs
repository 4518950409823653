//! Where the suites find what was built: the folder that holds the programs and libraries of this build.

pub mod tiny_model;

pub mod header;

use std::path::PathBuf;

/// The folder cargo put programs and libraries in (`target/release`), seen from the running test.
#[must_use]
pub fn built() -> PathBuf {
    let exe = std::env::current_exe().expect("a test knows its own path");
    exe.ancestors().nth(2).expect("tests lie in <target>/<profile>/deps").to_path_buf()
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_path_buf()
}
