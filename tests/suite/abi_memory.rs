//! Runs the C hosts again with every memory access checked.
//!
//! The idea: **the boundary is the plugin's own, the engine behind it a fake** (`tests/stub`), so what reads and
//! writes the hosts' memory runs under Valgrind, and compiled with `AddressSanitizer`, without libtorch. A host
//! that lies about its memory shows that both would detect it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use autochrome_test_notes::{Need, skip};
use autochrome_tests::header::{Language, compile_with};
use autochrome_tests::{built, checkout};

/// The exit status of Valgrind if it found something; `AddressSanitizer` is told to use the same.
const FOUND: i32 = 99;

/// A memory checker, and the stub that it can check.
struct Checker {
    flags: &'static [&'static str],
    runner: &'static [&'static str],
    stub: PathBuf,
    folder: tempfile::TempDir,
}

impl Checker {
    fn valgrind() -> Self {
        const RUNNER: &[&str] = &[
            "valgrind",
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
        ];
        Self::new(&[], RUNNER, built().join("libautochrome_stub.so"))
    }

    fn new(flags: &'static [&'static str], runner: &'static [&'static str], stub: PathBuf) -> Self {
        assert!(stub.is_file(), "{} is missing; build the workspace first", stub.display());
        Self { flags, runner, stub, folder: tempfile::tempdir().expect("a folder for programs") }
    }

    /// Compiles a host of `tests/abi` and runs it on the stub, with a row of 48 x 40 pixels as its input.
    fn run(&self, host: &str, arguments: &[&str]) -> Output {
        let language = if host.ends_with("pp") { Language::Cxx17 } else { Language::C11 };
        let source = checkout().join("tests/abi").join(host);
        let program = compile_with(&source, language, self.folder.path(), self.flags);
        let words: Vec<&OsStr> =
            self.runner.iter().map(OsStr::new).chain([program.as_os_str(), self.stub.as_os_str()]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(self.folder.path()).args(arguments);
        command.env("ASAN_OPTIONS", format!("exitcode={FOUND}:detect_leaks=1"));
        command.env("UBSAN_OPTIONS", "halt_on_error=1").env_remove("LD_PRELOAD");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host starts");
        let mut pipe = child.stdin.take().expect("the pipe is there");
        // A host that reads nothing closes the pipe.
        let _ = std::io::Write::write_all(&mut pipe, &[90; 48 * 40 * 16]);
        drop(pipe);
        child.wait_with_output().expect("the host ends")
    }

    /// Every host, with every row layout, and then the one that lies.
    fn check(&self) {
        let passes = |host: &str, arguments: &[&str]| {
            let output = self.run(host, arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{host} {arguments:?} ended with {}:\n{said}", output.status);
        };
        passes("misuse.c", &[]);
        passes("stress.cpp", &["threads"]);
        for [from, to, gap, flip] in [["3", "2", "5", "1"], ["1", "1", "7", "2"], ["8", "7", "0", "0"]] {
            passes("raw.c", &[from, to, "48", "40", gap, flip]);
        }
        let lied = self.run("liar.c", &[]);
        let said = String::from_utf8_lossy(&lied.stderr);
        assert!(lied.status.code() == Some(FOUND), "{} for a lie about memory:\n{said}", lied.status);
        assert!(said.contains("Invalid write") || said.contains("heap-buffer-overflow"), "{said}");
    }
}

#[test]
fn valgrind_finds_nothing_but_the_hosts_lie() {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skip(Need::Valgrind, "valgrind is not on PATH");
    }
    Checker::valgrind().check();
}

/// The stub built with `AddressSanitizer`; `Err` says why that is impossible.
fn instrumented_stub() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().map_err(|e| e.to_string())?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    let runtime = sysroot.join("lib/rustlib").join(&target).join("lib");
    let has_runtime = std::fs::read_dir(&runtime).into_iter().flatten().flatten();
    if !has_runtime.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().contains("_rt.asan")) {
        return Err(format!("{} has no AddressSanitizer", runtime.display()));
    }
    let folder = built().parent().expect("<target>/release").join("sanitizer");
    let mut build = Command::new(cargo);
    // The flag is unstable; the variable lets a stable compiler accept it.
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    build.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").current_dir(checkout());
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--release",
        "--package",
        "autochrome-stub",
        "--target",
        &target,
    ]);
    let output = build.arg("--target-dir").arg(&folder).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the stub cannot be built with AddressSanitizer:\n{said}");
    Ok(folder.join(target).join("release/libautochrome_stub.so"))
}

/// Whether the C compiler can link a program with its sanitizers.
fn compiler_has_sanitizers(folder: &Path) -> bool {
    let source = folder.join("empty.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").expect("a file can be written");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut command = Command::new(compiler);
    command.args(FLAGS).arg(&source).arg("-o").arg(folder.join("empty"));
    command.output().is_ok_and(|output| output.status.success())
}

const FLAGS: &[&str] = &["-fsanitize=address,undefined", "-g"];

#[test]
fn address_sanitizer_finds_nothing_but_the_hosts_lie() {
    let folder = tempfile::tempdir().expect("a folder");
    if !compiler_has_sanitizers(folder.path()) {
        return skip(Need::Sanitizer, "the C compiler has no AddressSanitizer");
    }
    match instrumented_stub() {
        Ok(stub) => Checker::new(FLAGS, &[], stub).check(),
        Err(reason) => skip(Need::Sanitizer, reason),
    }
}
