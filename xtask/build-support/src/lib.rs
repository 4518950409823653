//! Shared by the build scripts of the crates that link libtorch.
//!
//! The idea: a program finds libtorch **relative to itself** (`$ORIGIN`), never through `LD_LIBRARY_PATH`
//! and never by the absolute path of a build tree.

use std::env;
use std::path::{Component, Path, PathBuf};

/// Emits the run-time search path of a library or program that links libtorch.
///
/// Searched in order: the file's own folder (an installation), then the libtorch folder of this checkout, relative
/// to the folder cargo puts programs in and to `deps/` below it, where it puts tests.
pub fn emit_libtorch_rpath() {
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    // OUT_DIR is <target>/<profile>/build/<package>-<hash>/out.
    let profile_dir = out_dir.ancestors().nth(3).expect("OUT_DIR is four folders below the target folder");
    let libtorch = manifest
        .ancestors()
        .find(|dir| dir.join("Cargo.lock").is_file())
        .expect("the package is inside the workspace")
        .join(".libtorch/lib");
    let relative = relative_path(profile_dir, &libtorch);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/{}", relative.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../{}", relative.display());
}

/// The relative path from folder `from` to `to`; both absolute and without `..`.
fn relative_path(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    up.chain(to[shared..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_up_and_down_again() {
        assert_eq!(
            relative_path(Path::new("/w/target/release"), Path::new("/w/.libtorch/lib")),
            Path::new("../../.libtorch/lib")
        );
        assert_eq!(relative_path(Path::new("/t"), Path::new("/w/lib")), Path::new("../w/lib"));
    }
}
