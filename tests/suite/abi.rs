//! The C interface, from the side of C and C++ hosts that include only the header.
//!
//! The idea: **the hosts are real programs, compiled here with every warning an error**, so what a crash would
//! end is a child process, and what they print is what a user of the interface sees.

use std::fmt::Write as _;
use std::fs;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use autochrome_abi::*;
use autochrome_pixels::color::srgb_to_lab;
use autochrome_tests::header::{Language, compile, generate, header_path, worked_example};
use autochrome_tests::tiny_model::write_tiny_model;
use autochrome_tests::{built, checkout, pin_filtered};
use object::{Object, ObjectSymbol};

fn library() -> PathBuf {
    built_library("libautochrome.so")
}

/// The plugin's boundary over a fake engine, which can be asked to panic.
fn stub() -> PathBuf {
    built_library("libautochrome_stub.so")
}

fn built_library(name: &str) -> PathBuf {
    let path = built().join(name);
    assert!(
        path.is_file(),
        "{} is missing; build the workspace first: cargo build --release",
        path.display()
    );
    path
}

fn host(name: &str) -> PathBuf {
    checkout().join("tests/abi").join(name)
}

/// A folder with a model of random weights, and room for programs.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write_tiny_model(&models(&folder), "tiny");
    folder
}

fn models(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("models")
}

/// A host of the plugin that finds no models but those it is told of.
fn command(program: &Path) -> Command {
    command_with(program, &library())
}

fn command_with(program: &Path, library: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("AUTOCHROME_MODELS").env_remove("AUTOCHROME_TEST_PANIC").env("RUST_BACKTRACE", "0");
    command.env("XDG_DATA_HOME", "/nonexistent").env_remove("AUTOCHROME_STUB").arg(library);
    command
}

fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the host ended with {}:\n{said}", output.status);
    String::from_utf8(output.stdout.clone()).expect("hosts print UTF-8")
}

#[test]
fn header_is_current() {
    let made = generate();
    if std::env::var_os("AUTOCHROME_UPDATE_HEADER").is_some_and(|value| value == "1") {
        fs::write(header_path(), &made).expect("the header can be written");
    }
    let committed = fs::read_to_string(header_path()).unwrap_or_default();
    assert!(
        committed == made,
        "plugin/include/autochrome.h is not what the sources say; run the tests with AUTOCHROME_UPDATE_HEADER=1"
    );
}

#[test]
fn every_function_of_the_header_states_threads_and_memory() {
    let header = generate();
    let table = &header[header.find("typedef struct AutochromeApi {").expect("the table is there")..];
    let table = &table[..table.find("} AutochromeApi;").expect("the table ends")];
    let mut words = "";
    let mut functions = 0;
    for part in table.split("/**").skip(1) {
        let (comment, field) = part.split_once("*/").expect("comments end");
        words = comment;
        if field.contains("(*") {
            functions += 1;
            assert!(words.contains("Threads: ") && words.contains("Memory: "), "not stated:{words}{field}");
        }
    }
    assert!(!words.is_empty() && functions == 13, "{functions} functions");
}

#[test]
fn worked_example_of_the_header_compiles_and_runs() {
    let folder = workshop();
    let source = folder.path().join("example.c");
    fs::write(&source, worked_example(&generate())).expect("the example can be written");
    let program = compile(&source, Language::C11, folder.path());
    let _as_cxx = compile(&source, Language::Cxx17, folder.path());
    let mut host = Command::new(program);
    host.env("AUTOCHROME_MODELS", models(&folder)).env("LD_LIBRARY_PATH", built());
    text(&host.output().expect("the example runs"));
}

#[test]
fn layout_is_the_same_in_rust_c_and_cxx() {
    let folder = workshop();
    let rust = rust_layout();
    for language in [Language::C11, Language::Cxx17] {
        let program = compile(&host("layout.c"), language, folder.path());
        let printed = text(&command(&program).output().expect("the host runs"));
        assert_eq!(printed, rust, "{language:?} and Rust differ");
    }
    pin_filtered("abi_layout", &rust, &[]);
}

/// What `layout.c` prints, as Rust has it.
fn rust_layout() -> String {
    let mut lines = String::new();
    let mut number = |name: &str, value: i64| writeln!(lines, "{name} {value}").expect("strings take text");
    number("AUTOCHROME_ABI_MAJOR", AUTOCHROME_ABI_MAJOR.into());
    number("AUTOCHROME_ABI_MINOR", AUTOCHROME_ABI_MINOR.into());
    STATUS_NAMES.iter().for_each(|(status, name)| number(name, (*status).into()));
    number("AUTOCHROME_FORMAT_RGBA8", AUTOCHROME_FORMAT_RGBA8.into());
    number("AUTOCHROME_FORMAT_RGB8", AUTOCHROME_FORMAT_RGB8.into());
    number("AUTOCHROME_FORMAT_GRAY8", AUTOCHROME_FORMAT_GRAY8.into());
    number("AUTOCHROME_FORMAT_RGBA16", AUTOCHROME_FORMAT_RGBA16.into());
    number("AUTOCHROME_FORMAT_RGB16", AUTOCHROME_FORMAT_RGB16.into());
    number("AUTOCHROME_FORMAT_GRAY16", AUTOCHROME_FORMAT_GRAY16.into());
    number("AUTOCHROME_FORMAT_RGBA_F32", AUTOCHROME_FORMAT_RGBA_F32.into());
    number("AUTOCHROME_FORMAT_GRAY_F32", AUTOCHROME_FORMAT_GRAY_F32.into());
    macro_rules! describe {
        ($type:ident: $($field:ident)*) => {
            let (size, align) = (size_of::<$type>(), align_of::<$type>());
            writeln!(lines, "{} size {size} align {align}", stringify!($type)).expect("strings take text");
            $(writeln!(lines, "{}.{} at {}", stringify!($type), stringify!($field), offset_of!($type, $field))
                .expect("strings take text");)*
        };
    }
    describe!(AutochromeImage: struct_size format width height stride data);
    describe!(AutochromeParams: struct_size working_size strength temperature threads reserved model device hints);
    describe!(AutochromeConfig: struct_size models_dir_count models_dirs);
    describe!(AutochromeModelInfo:
        struct_size usable name description folder license problem working_size temperature);
    describe!(AutochromeSessionInfo: struct_size reserved model device fallback);
    describe!(AutochromeApi: struct_size abi_major abi_minor reserved version status_name last_error params_init
        session_new session_free colorize session_info model_list_new model_list_len model_list_get
        model_list_free confidence);
    lines
}

#[test]
fn nothing_else_is_exported() {
    let bytes = fs::read(library()).expect("the library can be read");
    let file = object::File::parse(&*bytes).expect("the library is an ELF file");
    let mut names: Vec<&str> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .flat_map(|symbol| symbol.name())
        .collect();
    names.sort_unstable();
    pin_filtered("abi_symbols", &names.join("\n"), &[]);
}

#[test]
fn every_misuse_is_answered_with_a_sentence() {
    let folder = workshop();
    let broken = models(&folder).join("broken");
    fs::create_dir(&broken).expect("a folder can be made");
    fs::write(broken.join("model.toml"), "schema = 9\n").expect("a file can be written");
    let program = compile(&host("misuse.c"), Language::C11, folder.path());
    let printed = text(&command(&program).arg(models(&folder)).output().expect("the host runs"));
    // What a machine has is not what is tested.
    let filters = [
        (r"found in [^;]*;", "found in [folders];"),
        (r"model package [^:]*/broken", "model package [models]/broken"),
        (r"device `cuda:99` .*", "device `cuda:99` [reason]"),
        (r"less than the \d+ of", "less than the [n] of"),
    ];
    pin_filtered("abi_misuse", &printed, &filters);
}

/// Runs `stress.cpp` on the plugin; or on the stub, which panics in `panic_in`.
fn stress(folder: &tempfile::TempDir, mode: &str, panic_in: Option<&str>) -> Output {
    let program = folder.path().join("stress-Cxx17");
    let program = if program.is_file() {
        program
    } else {
        compile(&host("stress.cpp"), Language::Cxx17, folder.path())
    };
    let mut command = command_with(&program, &if panic_in.is_some() { stub() } else { library() });
    if let Some(point) = panic_in {
        command.env("AUTOCHROME_TEST_PANIC", point);
    }
    command.arg(models(folder)).arg(mode).output().expect("the host runs")
}

#[test]
fn eight_threads_with_a_session_each_get_what_one_gets() {
    text(&stress(&workshop(), "threads", None));
}

#[test]
fn a_thousand_sessions_leave_no_memory_behind() {
    text(&stress(&workshop(), "sessions", None));
}

#[test]
fn a_panic_in_any_function_becomes_a_status() {
    let folder = workshop();
    let mut all = String::new();
    for point in [
        "version",
        "status_name",
        "params_init",
        "session_new",
        "colorize",
        "confidence",
        "predict",
        "session_info",
    ]
    .into_iter()
    .chain(["last_error", "model_list_new", "model_list_len", "model_list_get"])
    .chain(["session_free", "model_list_free"])
    {
        let printed = text(&stress(&folder, "panic", Some(point)));
        assert!(printed.ends_with("alive\n"), "{point}: {printed}");
        write!(all, "# {point}\n{printed}").expect("strings take text");
    }
    pin_filtered("abi_panics", &all, &[]);
}

#[test]
fn the_library_that_ships_cannot_be_asked_to_panic() {
    let switch = b"AUTOCHROME_TEST_PANIC";
    let names = |path: &Path| {
        let bytes = fs::read(path).expect("the library can be read");
        bytes.windows(switch.len()).any(|window| window == switch)
    };
    assert!(names(&stub()), "the stub has the switch, so looking for it shows something");
    assert!(!names(&library()), "AUTOCHROME_TEST_PANIC is in {}", library().display());
}

/// Runs `raw.c` on a ramp of all samples of the format and gives input and output.
fn colorize_raw(program: &Path, folder: &tempfile::TempDir, job: &RawJob) -> (Vec<u8>, Vec<u8>) {
    let input: Vec<u8> = job.pixels();
    let numbers =
        [job.format_in, job.format_out, SIDE, SIDE, job.gap, job.flip].map(|number| number.to_string());
    let mut child = command(program)
        .arg(models(folder))
        .args(numbers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut pipe = child.stdin.take().expect("the pipe is there");
    std::io::Write::write_all(&mut pipe, &input).expect("the host reads");
    drop(pipe);
    let output = child.wait_with_output().expect("the host ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{job:?}: {said}");
    (input, output.stdout)
}

/// Sides of the test picture; no multiple of 32.
const SIDE: u32 = 100;

#[derive(Debug)]
struct RawJob {
    format_in: u32,
    format_out: u32,
    gap: u32,
    flip: u32,
}

impl RawJob {
    /// A diagonal ramp with alpha running against it.
    fn pixels(&self) -> Vec<u8> {
        let position = |index: u32| f64::from((index % SIDE + index / SIDE) % 101) / 100.0;
        (0..SIDE * SIDE)
            .flat_map(|index| {
                let value = position(index);
                let alpha = position(SIDE * SIDE - 1 - index);
                match self.format_in {
                    AUTOCHROME_FORMAT_GRAY8 => eight(&[value]),
                    AUTOCHROME_FORMAT_RGB8 => eight(&[value, 1.0 - value, value * value]),
                    AUTOCHROME_FORMAT_RGBA8 => eight(&[value, 1.0 - value, value * value, alpha]),
                    AUTOCHROME_FORMAT_GRAY16 => sixteen(&[value]),
                    AUTOCHROME_FORMAT_RGB16 => sixteen(&[value, 1.0 - value, value * value]),
                    AUTOCHROME_FORMAT_RGBA16 => sixteen(&[value, 1.0 - value, value * value, alpha]),
                    AUTOCHROME_FORMAT_RGBA_F32 => float(&[value, 1.0 - value, value * value, alpha]),
                    _ => float(&[value]),
                }
            })
            .collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples are 0 to 255")]
fn eight(samples: &[f64]) -> Vec<u8> {
    samples.iter().map(|sample| (sample * 255.0).round() as u8).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples are 0 to 65535")]
fn sixteen(samples: &[f64]) -> Vec<u8> {
    samples.iter().flat_map(|sample| ((sample * 65535.0).round() as u16).to_ne_bytes()).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "samples are short decimals")]
fn float(samples: &[f64]) -> Vec<u8> {
    samples.iter().flat_map(|sample| (*sample as f32).to_ne_bytes()).collect()
}

/// Bytes of a sample and samples of a pixel, by format.
fn shape(format: u32) -> (usize, usize) {
    match format {
        AUTOCHROME_FORMAT_RGBA8 => (1, 4),
        AUTOCHROME_FORMAT_RGB8 => (1, 3),
        AUTOCHROME_FORMAT_GRAY8 => (1, 1),
        AUTOCHROME_FORMAT_RGBA16 => (2, 4),
        AUTOCHROME_FORMAT_RGB16 => (2, 3),
        AUTOCHROME_FORMAT_GRAY16 => (2, 1),
        AUTOCHROME_FORMAT_RGBA_F32 => (4, 4),
        _ => (4, 1),
    }
}

/// The samples of each pixel, 0..1.
fn samples(format: u32, bytes: &[u8]) -> Vec<Vec<f32>> {
    let (width, count) = shape(format);
    let sample = |bytes: &[u8]| match *bytes {
        [one] => f32::from(one) / 255.0,
        [low, high] => f32::from(u16::from_ne_bytes([low, high])) / 65535.0,
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]),
        _ => unreachable!("samples have 1, 2 or 4 bytes"),
    };
    bytes.chunks_exact(width * count).map(|pixel| pixel.chunks_exact(width).map(sample).collect()).collect()
}

/// L of each pixel, at the 8 bits that people look at.
fn lightness(format: u32, bytes: &[u8]) -> Vec<f32> {
    let round = |sample: f32| (sample * 255.0).round() / 255.0;
    let rgb = |pixel: Vec<f32>| match pixel.as_slice() {
        [r, g, b] | [r, g, b, _] => [round(*r), round(*g), round(*b)],
        other => [round(other[0]); 3],
    };
    samples(format, bytes).into_iter().map(|pixel| srgb_to_lab(rgb(pixel))[0]).collect()
}

#[test]
fn lightness_and_alpha_are_the_inputs_in_every_format() {
    let folder = workshop();
    let program = compile(&host("raw.c"), Language::C11, folder.path());
    let with_color = [1, 2, 4, 5, 7];
    // Each format in, with outputs of every depth in turn; then each color format into itself.
    let mut jobs: Vec<RawJob> = (1..=8)
        .zip(with_color.into_iter().cycle())
        .map(|(format_in, format_out)| RawJob { format_in, format_out, gap: 0, flip: 0 })
        .collect();
    jobs.extend(with_color.map(|format| RawJob { format_in: format, format_out: format, gap: 7, flip: 2 }));
    for job in &jobs {
        let (input, output) = colorize_raw(&program, &folder, job);
        let before = lightness(job.format_in, &input);
        let after = lightness(job.format_out, &output);
        assert_eq!(before.len(), after.len(), "{job:?}");
        let count = f32::from(u16::try_from(before.len()).expect("a small picture"));
        let mean = before.iter().zip(&after).map(|(x, y)| (x - y).abs()).sum::<f32>() / count;
        assert!(mean <= 0.3, "{job:?}: mean |dL| is {mean}");
        let alpha = |format, bytes: &[u8]| -> Vec<Option<f32>> {
            samples(format, bytes).iter().map(|pixel| pixel.get(3).copied()).collect()
        };
        if job.format_in == job.format_out {
            assert_eq!(alpha(job.format_in, &input), alpha(job.format_out, &output), "{job:?}");
        }
    }
}

#[test]
fn strides_gaps_and_in_place_give_the_same_pixels() {
    let folder = workshop();
    let program = compile(&host("raw.c"), Language::C11, folder.path());
    for format in [AUTOCHROME_FORMAT_RGBA8, AUTOCHROME_FORMAT_RGB16] {
        let job = |gap, flip| RawJob { format_in: format, format_out: format, gap, flip };
        let plain = colorize_raw(&program, &folder, &job(0, 0)).1;
        for (gap, flip) in [(0, 1), (0, 2), (5, 1), (5, 2)] {
            let same = colorize_raw(&program, &folder, &job(gap, flip)).1 == plain;
            assert!(same, "format {format}, {gap} bytes between rows, layout {flip}: other pixels");
        }
    }
}

/// A PGM of a ramp, what the examples read.
fn ramp(path: &Path) {
    let mut bytes = b"P5\n# a comment\n48 40\n255\n".to_vec();
    bytes.extend((0..48 * 40).map(|index: u32| u8::try_from(index % 251).expect("below 256")));
    fs::write(path, bytes).expect("a file can be written");
}

fn run_example(mut command: Command, folder: &tempfile::TempDir) {
    let (input, output) = (folder.path().join("in.pgm"), folder.path().join("out.ppm"));
    ramp(&input);
    command.env("AUTOCHROME_MODELS", models(folder)).arg(library()).arg(&input).arg(&output);
    text(&command.output().expect("the example runs"));
    let bytes = fs::read(&output).expect("the example wrote its picture");
    assert!(bytes.starts_with(b"P6\n48 40\n255\n"), "a PPM of the same size");
    assert_eq!(bytes.len(), b"P6\n48 40\n255\n".len() + 48 * 40 * 3);
}

#[test]
fn c_example_colorizes() {
    let folder = workshop();
    let program = compile(&checkout().join("examples/c/colorize.c"), Language::C11, folder.path());
    run_example(Command::new(program), &folder);
}

#[test]
fn python_example_colorizes() {
    let mut command = Command::new("python3");
    command.arg(checkout().join("examples/python/colorize.py"));
    run_example(command, &workshop());
}
