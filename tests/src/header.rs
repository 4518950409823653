//! Generates the C header, and compiles the C and C++ hosts of the suites.
//!
//! The idea: **the Rust sources are the header**: cbindgen generates it, a test compares it, and nobody edits it by
//! hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checkout;

/// Path of the committed header.
#[must_use]
pub fn header_path() -> PathBuf {
    checkout().join("plugin/include/autochrome.h")
}

/// The header as generated from the sources.
///
/// # Panics
/// If cbindgen cannot read the sources.
#[must_use]
pub fn generate() -> String {
    let plugin = checkout().join("plugin");
    let config = cbindgen::Config::from_file(plugin.join("cbindgen.toml")).expect("cbindgen.toml is read");
    let sources =
        ["abi/src/lib.rs", "abi/src/status.rs", "abi/src/types.rs", "abi/src/table.rs", "src/table.rs"];
    let builder = sources.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(plugin.join(source))
    });
    let mut text = Vec::new();
    builder.generate().expect("cbindgen reads the sources").write(&mut text);
    String::from_utf8(text).expect("the sources are UTF-8")
}

/// The program in the header's opening comment.
#[must_use]
pub fn worked_example(header: &str) -> String {
    let comment = header.split("*/").next().unwrap_or_default();
    let code =
        comment.lines().filter_map(|line| line.strip_prefix(" *").map(|rest| rest.strip_prefix("     ")));
    // Between the first and the last line of code, a bare " *" is an empty line.
    let lines: Vec<&str> = code.skip_while(Option::is_none).map(Option::unwrap_or_default).collect();
    let end = lines.iter().rposition(|line| *line == "}").map_or(0, |last| last + 1);
    lines[..end].join("\n") + "\n"
}

/// A language, with the flags a careful host compiles with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// C11, by `cc` or `$CC`.
    C11,
    /// C++17, by `c++` or `$CXX`.
    Cxx17,
}

/// Compiles one source with warnings as errors, and returns the program.
///
/// # Panics
/// If the compiler is missing or rejects the source; its output is in the message.
#[must_use]
pub fn compile(source: &Path, language: Language, folder: &Path) -> PathBuf {
    compile_with(source, language, folder, &[])
}

/// Like [`compile`], with more flags.
///
/// # Panics
/// As for [`compile`].
#[must_use]
pub fn compile_with(source: &Path, language: Language, folder: &Path, flags: &[&str]) -> PathBuf {
    build(source, language, folder, &checkout().join("plugin/include"), flags)
}

/// Like [`compile`], with the header in another folder.
///
/// # Panics
/// As for [`compile`].
#[must_use]
pub fn compile_including(source: &Path, language: Language, folder: &Path, include: &Path) -> PathBuf {
    build(source, language, folder, include, &[])
}

fn build(source: &Path, language: Language, folder: &Path, include: &Path, more: &[&str]) -> PathBuf {
    let (variable, default, flags) = match language {
        Language::C11 => ("CC", "cc", ["-std=c11", "-xc"]),
        Language::Cxx17 => ("CXX", "c++", ["-std=c++17", "-xc++"]),
    };
    let program = folder.join(format!("{}-{language:?}", source.file_stem().unwrap_or_default().display()));
    let compiler = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    let mut command = Command::new(&compiler);
    command.args(flags).args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-D_GNU_SOURCE"]);
    command.args(more).arg("-I").arg(include).arg(source).arg("-o").arg(&program).args(["-ldl", "-lpthread"]);
    let output = command.output().unwrap_or_else(|error| panic!("{compiler} cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} refuses {}:\n{said}", source.display());
    program
}
