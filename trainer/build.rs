//! Gives the program the run-time search path of libtorch, and the commit it is built from.

use std::path::Path;
use std::process::Command;

fn main() {
    autochrome_build_support::emit_libtorch_rpath();
    println!("cargo::rustc-env=AUTOCHROME_COMMIT={}", commit().unwrap_or_default());
    // The commit, and whatever may make the sources differ from it.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]).unwrap_or_default();
    for path in [log.as_str(), "../models/src", "../Cargo.lock", "src", "build.rs"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// The commit of the checkout, with `-changed` where the sources that make a model differ from it.
fn commit() -> Option<String> {
    let head = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "src", "../models/src", "../Cargo.lock"])?;
    Some(if changed.is_empty() { head } else { format!("{head}-changed") })
}

/// What git says; `None` where there is no git or no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
