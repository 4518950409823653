//! The loader against a plugin without libtorch: what is refused, and that nothing bad reaches the host.
//!
//! The stub's behavior is chosen by the environment, which belongs to the whole process; so a test that needs
//! another than the good one runs its body in a child of this test program ([`with_stub`]).

use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use autochrome_loader::{Blame, Config, Error, Image, ImageMut, Params, PixelFormat, Plugin, Session};
use autochrome_tests::pictures::gray_of;
use autochrome_tests::{built, checkout, pin};

fn stub() -> PathBuf {
    let path = built().join("libautochrome_stub.so");
    assert!(path.exists(), "{} is missing: build the workspace first", path.display());
    path
}

fn open() -> Plugin {
    Plugin::open(&stub()).expect("the stub loads")
}

fn session() -> Session {
    open().session(&Config::default()).expect("the stub makes sessions")
}

fn go_on(_: f32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Runs `body` with the stub in `mode`: in a child that runs only the test called `name`.
fn with_stub(mode: &str, name: &str, body: impl FnOnce()) {
    if std::env::var("AUTOCHROME_STUB").is_ok_and(|current| current == mode) {
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("loader::{name}"), "--nocapture"])
        .env("AUTOCHROME_STUB", mode)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "in {mode}:\n{printed}\n{errors}");
    assert!(printed.contains("1 passed"), "the child ran no test called {name}:\n{printed}");
}

/// The sentence with which `path` is refused, its folder left out.
fn refusal(path: &Path) -> String {
    let sentence = Plugin::open(path).expect_err("must be refused").to_string();
    sentence.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

/// Colorizes a 4 x 2 gray picture.
fn try_small(session: &mut Session, params: &Params) -> Result<Vec<u8>, Error> {
    let gray: Vec<u8> = (0..8).map(|i| 60 + 20 * i).collect();
    let mut color = vec![0; 8 * 3];
    let input = Image::tight(PixelFormat::Gray8, 4, 2, &gray)?;
    let mut output = ImageMut::tight(PixelFormat::Rgb8, 4, 2, &mut color)?;
    session.colorize(params, &input, &mut output, &mut go_on)?;
    Ok(color)
}

#[test]
fn a_session_colorizes_and_says_what_it_used() {
    let mut session = session();
    assert_eq!(session.info().unwrap().model, "");
    let color = try_small(&mut session, &Params::default()).unwrap();
    for (pixel, gray) in color.chunks_exact(3).zip((0..8_u8).map(|i| 60.0 + 20.0 * f32::from(i))) {
        let light = 255.0 * gray_of([0, 1, 2].map(|channel| f32::from(pixel[channel]) / 255.0));
        assert!((light - gray).abs() < 1.0, "{pixel:?} is not as light as {gray}");
        assert!(pixel[0] > pixel[2], "{pixel:?} is not tinted");
    }
    let info = session.info().unwrap();
    assert_eq!((info.model.as_str(), info.device.as_str()), ("stub", "cpu"));
    assert_eq!(info.fallback.as_deref(), Some("the stub has no use for a GPU"));
    let gray = try_small(&mut session, &Params { strength: 0.0, ..Params::default() }).unwrap();
    assert!(gray.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
}

#[test]
fn a_map_of_confidence_is_a_gray_picture() {
    let source = [90_u8; 12];
    let mut map = [0_u8; 12];
    let input = Image::tight(PixelFormat::Gray8, 4, 3, &source).expect("a picture");
    let mut output = ImageMut::tight(PixelFormat::Gray8, 4, 3, &mut map).expect("a map");
    session().confidence(&Params::default(), &input, &mut output, &mut go_on).expect("the stub answers");
    assert_eq!(map, source, "the stub says what it reads");
}

#[test]
fn rows_may_be_padded_bottom_up_or_in_place() {
    let mut session = session();
    let params = Params::default();
    let expected = try_small(&mut session, &params).unwrap();
    let row = |y: u8| (0..4).map(move |x| 60 + 20 * (4 * y + x));
    // Bottom-up: the top row lies last; three bytes of padding follow each row of the input.
    let upside_down: Vec<u8> = row(1).chain([9; 3]).chain(row(0)).chain([9; 3]).collect();
    let mut color = vec![7; 2 * 20];
    let input = Image::new(PixelFormat::Gray8, 4, 2, -7, &upside_down).unwrap();
    let mut output = ImageMut::new(PixelFormat::Rgb8, 4, 2, -20, &mut color).unwrap();
    session.colorize(&params, &input, &mut output, &mut go_on).unwrap();
    assert_eq!((&color[20..32], &color[..12]), (&expected[..12], &expected[12..]));
    assert!(color[12..20].iter().chain(&color[32..]).all(|&byte| byte == 7), "padding was written");

    let mut in_place: Vec<u8> = (0..2).flat_map(row).flat_map(|value| [value; 3]).collect();
    let mut image = ImageMut::tight(PixelFormat::Rgb8, 4, 2, &mut in_place).unwrap();
    session.colorize_in_place(&params, &mut image, &mut go_on).unwrap();
    assert_eq!(in_place, expected);
}

#[test]
fn alpha_and_depth_are_kept() {
    let samples: Vec<u16> = (0..16).map(|i| 4000 * i).collect();
    let mut bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    let mut image = ImageMut::tight(PixelFormat::Rgba16, 2, 2, &mut bytes).unwrap();
    session().colorize_in_place(&Params::default(), &mut image, &mut go_on).unwrap();
    let after: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&sample| u16::from_ne_bytes(sample)).collect();
    for pixel in 0..4 {
        assert_eq!(after[4 * pixel + 3], samples[4 * pixel + 3]);
    }
    assert_ne!(after, samples);
}

#[test]
fn a_picture_must_lie_in_its_memory() {
    let sentence = |width, height, stride, bytes: usize| {
        let memory = vec![0; bytes];
        let error =
            Image::new(PixelFormat::Rgb8, width, height, stride, &memory).expect_err("must be refused");
        assert_eq!(error.status().map(|status| status.blame()), Some(Blame::Caller));
        error.to_string()
    };
    let sentences = [
        sentence(0, 4, 12, 48),
        sentence(4, 0, 12, 48),
        sentence(4, 4, 11, 48),
        sentence(4, 4, 0, 48),
        sentence(4, 4, 12, 47),
        sentence(4, 4, -13, 50),
        sentence(u32::MAX, u32::MAX, isize::MIN, 48),
    ];
    pin("loader_images_refused", &sentences.join("\n"));
}

#[test]
fn files_that_are_no_plugin_are_refused_before_they_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(stub()).unwrap();
    let put = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        refusal(&path)
    };
    let mut foreign = whole.clone();
    foreign[18] = 243; // EM_RISCV
    let mut narrow = whole.clone();
    narrow[4] = 1; // ELFCLASS32
    let mut swapped = whole.clone();
    swapped[5] = if cfg!(target_endian = "little") { 2 } else { 1 };
    let mut sentences = vec![
        put("text.so", b"hello"),
        put("empty.so", b""),
        put("foreign.so", &foreign),
        put("narrow.so", &narrow),
        put("swapped.so", &swapped),
        refusal(&folder.path().join("missing.so")),
        refusal(&folder.path().join("text.so/libautochrome.so")),
    ];
    fs::create_dir(folder.path().join("folder.so")).unwrap();
    sentences.push(refusal(&folder.path().join("folder.so")));
    let c_library = c_library();
    fs::copy(c_library, folder.path().join("libc.so")).unwrap();
    sentences.push(refusal(&folder.path().join("libc.so")));
    fs::copy("/bin/sh", folder.path().join("program.so")).unwrap();
    sentences.push(refusal(&folder.path().join("program.so")));
    pin("loader_files_refused", &sentences.join("\n"));
}

/// The C library this very program runs with: a shared library that is no plugin.
fn c_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.lines().filter_map(|line| line.split_whitespace().last());
    path.into_iter().find(|path| path.contains("/libc.so")).expect("libc is loaded").into()
}

#[test]
fn a_library_cut_short_anywhere_is_refused_and_kills_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.so");
    let whole = fs::read(stub()).unwrap();
    let lengths =
        [1, 4, 16, 63, 64, 65, 500, 4096, 4097, whole.len() / 2, whole.len() - 4097, whole.len() - 1];
    for length in lengths {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Plugin::open(&path).expect_err("must be refused");
        assert!(matches!(error, Error::File { .. }), "{length} bytes: {error}");
        if length >= 4 {
            assert!(error.to_string().contains("cut short"), "{length} bytes: {error}");
        }
    }
    fs::write(&path, &whole).unwrap();
    Plugin::open(&path).expect("the whole file loads");
}

#[test]
fn a_library_that_another_needs_and_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("needy.so");
    // The name of a library that the stub needs, in its table of strings, becomes that of one that is not there.
    fs::write(&path, replaced(&fs::read(stub()).unwrap(), b"libc.so.6\0", b"libq.so.6\0")).unwrap();
    let error = Plugin::open(&path).expect_err("must be refused");
    assert!(matches!(error, Error::Load { .. }), "{error}");
    assert!(error.to_string().contains("libq.so.6"), "{error}");
}

#[test]
fn a_library_that_another_needs_and_is_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("needy.so");
    let whole = fs::read(stub()).unwrap();
    fs::write(&path, replaced(&whole, b"libc.so.6\0", b"libq.so.6\0")).unwrap();
    fs::write(folder.path().join("libq.so.6"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(
        refusal(&path),
        "needy.so is not a usable plugin: libq.so.6, which it needs: the file is cut short; reinstall it"
    );
}

#[test]
fn a_plugin_whose_types_are_laid_out_otherwise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout.so");
    // abi_stable describes every type in strings: one field gets another name.
    fs::write(&path, replaced(&fs::read(stub()).unwrap(), b"models_dir_count", b"models_dir_coint")).unwrap();
    let error = Plugin::open(&path).expect_err("must be refused");
    assert!(matches!(error, Error::Interface { .. }), "{error}");
    let sentence = error.to_string();
    assert!(sentence.contains("laid out differently"), "{sentence}");
    assert!(sentence.lines().count() == 1 && sentence.len() < 1000, "{sentence}");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "{} is nowhere in the library", String::from_utf8_lossy(from));
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

macro_rules! refused_table {
    ($name:ident, $mode:literal, $expected:literal) => {
        #[test]
        fn $name() {
            with_stub($mode, stringify!($name), || {
                let error = Plugin::open(&stub()).expect_err("must be refused");
                assert!(matches!(error, Error::Interface { .. }), "{error}");
                let expected =
                    format!("{} is not compatible with this program: {}", stub().display(), $expected);
                assert_eq!(error.to_string(), expected);
            });
        }
    };
}

refused_table!(
    an_older_interface_is_refused,
    "old-abi",
    "it does not provide version 1 of the interface; install the plugin and this program from the same release"
);
refused_table!(
    another_major_version_is_refused,
    "other-major",
    "it provides version 99.2 of the interface, expected 1; install the plugin and this program from the same release"
);
refused_table!(
    a_short_table_is_refused,
    "short-table",
    "its function table has 60 bytes, expected at least 112; install the plugin and this program from the same release"
);
refused_table!(
    a_table_with_holes_is_refused,
    "hollow-table",
    "its function table is incomplete; install the plugin and this program from the same release"
);

macro_rules! failing_call {
    ($name:ident, $mode:literal, $blame:expr, $status:literal, $message:literal) => {
        #[test]
        fn $name() {
            with_stub($mode, stringify!($name), || {
                let error = try_small(&mut session(), &Params::default()).expect_err("the stub fails");
                let status = error.status().expect("it was a call");
                assert_eq!((status.blame(), status.to_string().as_str()), ($blame, $status));
                assert_eq!(error.to_string(), $message);
            });
        }
    };
}

failing_call!(
    a_failure_has_its_status_and_text,
    "fail",
    Blame::Plugin,
    "AUTOCHROME_INTERNAL_ERROR (301)",
    "the stub was asked to fail"
);
failing_call!(
    a_panic_in_the_plugin_is_a_status,
    "panic-status",
    Blame::Plugin,
    "AUTOCHROME_INTERNAL_PANIC (300)",
    "the stub was asked to panic"
);
failing_call!(
    lack_of_memory_is_the_devices,
    "memory",
    Blame::Device,
    "AUTOCHROME_OUT_OF_MEMORY (201)",
    "the stub was asked to lack memory"
);
failing_call!(
    an_unknown_number_has_its_ranges_blame,
    "unknown-status",
    Blame::Device,
    "unknown (250)",
    "the stub was asked for an unknown number"
);

#[test]
fn a_session_that_could_not_be_made_says_why() {
    with_stub("no-session", "a_session_that_could_not_be_made_says_why", || {
        let error = open().session(&Config::default()).expect_err("the stub refuses");
        assert_eq!(error.to_string(), "no session: the stub was asked to refuse");
    });
}

#[test]
fn what_the_user_asked_for_is_named_in_the_error() {
    let ask = |params: Params| try_small(&mut session(), &params).expect_err("the stub refuses");
    let model = ask(Params { model: Some("none".into()), ..Params::default() });
    assert_eq!(model.to_string(), "no model is called \"none\"; there is: stub");
    assert_eq!(model.status().map(|status| status.blame()), Some(Blame::Model));
    let device = ask(Params { device: Some("cuda:3".into()), ..Params::default() });
    assert_eq!(device.to_string(), "device \"cuda:3\" is not there: the stub knows the cpu only");
    let nul = ask(Params { model: Some("a\0b".into()), ..Params::default() });
    assert_eq!(nul.to_string(), "model name \"a\\0b\" contains a NUL character; remove it");
}

#[test]
fn models_are_listed_with_their_problems() {
    let config = Config { models_dirs: vec!["/one/more".into()] };
    let models = open().models(&config).unwrap();
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["stub", "broken", "/one/more"]);
    assert_eq!((models[0].problem.as_deref(), models[0].working_size), (None, 256));
    assert_eq!(models[1].problem.as_deref(), Some("model.toml: missing"));
}

/// Calls of the closure, and what came of a call that the closure stops at once.
fn cancelled(session: &mut Session) -> (u32, Error) {
    let mut calls = 0;
    let mut pixels = vec![90; 12];
    let mut image = ImageMut::tight(PixelFormat::Rgb8, 2, 2, &mut pixels).unwrap();
    let result = session.colorize_in_place(&Params::default(), &mut image, &mut |_| {
        calls += 1;
        ControlFlow::Break(())
    });
    (calls, result.expect_err("it was cancelled"))
}

#[test]
fn progress_rises_to_one_and_cancels() {
    let mut session = session();
    let mut fractions = Vec::new();
    let mut pixels = vec![90; 12];
    let mut image = ImageMut::tight(PixelFormat::Rgb8, 2, 2, &mut pixels).unwrap();
    session
        .colorize_in_place(&Params::default(), &mut image, &mut |fraction| {
            fractions.push(fraction);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(fractions.is_sorted() && fractions.len() > 10 && fractions.last() == Some(&1.0), "{fractions:?}");
    let (calls, error) = cancelled(&mut session);
    assert!(calls == 1 && error.is_cancelled(), "{calls} calls, {error}");
    try_small(&mut session, &Params::default()).expect("a session goes on after a cancelled call");
}

#[test]
fn a_closure_that_asked_to_stop_is_not_asked_again() {
    with_stub("cancel-probe", "a_closure_that_asked_to_stop_is_not_asked_again", || {
        let (calls, error) = cancelled(&mut session());
        assert!(calls == 1 && error.is_cancelled(), "{calls} calls, {error}");
    });
}

#[test]
fn a_panic_in_the_closure_passes_over_the_plugin() {
    with_stub("cancel-probe", "a_panic_in_the_closure_passes_over_the_plugin", || {
        let mut session = session();
        let mut pixels = vec![90; 12];
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let mut image = ImageMut::tight(PixelFormat::Rgb8, 2, 2, &mut pixels).unwrap();
            session.colorize_in_place(&Params::default(), &mut image, &mut |_| panic!("out of paper"))
        }))
        .expect_err("the panic goes on");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of paper"));
        try_small(&mut session, &Params::default()).expect("the session is whole");
    });
}

#[test]
fn sessions_work_side_by_side() {
    let plugin = open();
    let expected = try_small(&mut session(), &Params::default()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut session = plugin.session(&Config::default()).unwrap();
                for _ in 0..50 {
                    assert_eq!(try_small(&mut session, &Params::default()).unwrap(), expected);
                }
            });
        }
    });
}

#[test]
fn hosts_do_not_depend_on_libtorch() {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(["--package", "autochrome-loader", "--package", "autochrome-cli"])
        .current_dir(checkout())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("autochrome-abi ") && tree.contains("autochrome-loader "), "{tree}");
    for name in ["tch ", "torch-sys ", "autochrome-models ", "autochrome-plugin "] {
        assert!(!tree.lines().any(|line| line.starts_with(name)), "a host depends on {name}:\n{tree}");
    }
}
