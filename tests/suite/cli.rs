//! The command line as a user meets it: the real program against the stub plugin, in a folder of its own.

mod extras;
mod faults;
mod files;
mod formats;
mod hints;
mod hostile;
mod metadata;
mod pictures;
mod profiles;
mod refusals;
mod resume;
mod strangers;
mod tiffs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use autochrome_tests::{built, pin_filtered};
use image::{DynamicImage, GrayImage, Luma};

/// A folder to work in, and the program.
struct Desk {
    folder: tempfile::TempDir,
    mode: &'static str,
}

/// What a run came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self::with_stub("ok")
    }

    fn with_stub(mode: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), mode }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let (program, stub) = (built().join("autochrome"), built().join("libautochrome_stub.so"));
        assert!(program.exists() && stub.exists(), "{}: build the workspace first", built().display());
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("COLUMNS").env_remove("RUST_BACKTRACE");
        command.env("AUTOCHROME_PLUGIN", stub).env("AUTOCHROME_STUB", self.mode);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.told(self.command().args(args).output().unwrap())
    }

    /// What a run said, without the places of this machine.
    fn told(&self, output: Output) -> Ran {
        let plain = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(&format!("{}/", self.folder.path().display()), "")
                .replace(&built().display().to_string(), "<built>")
        };
        Ran { code: output.status.code(), out: plain(output.stdout), err: plain(output.stderr) }
    }

    /// A gray ramp as a file in the format its name says.
    fn gray(&self, name: &str) -> PathBuf {
        let ramp = GrayImage::from_fn(40, 30, |x, y| Luma([u8::try_from(40 + 3 * x + 2 * y).unwrap()]));
        self.put(name, &DynamicImage::ImageLuma8(ramp))
    }

    fn put(&self, name: &str, image: &DynamicImage) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(&path).unwrap();
        path
    }

    /// Every file below the desk, sorted.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(self.folder.path()).unwrap().display().to_string());
                }
            }
        }
        names.sort();
        names
    }
}

/// The picture in a file, by its content.
fn load(path: &Path) -> DynamicImage {
    image::ImageReader::open(path).unwrap().with_guessed_format().unwrap().decode().unwrap()
}

/// Whether the stub's tint is there.
fn is_tinted(path: &Path) -> bool {
    load(path).into_rgb8().pixels().all(|pixel| pixel[0] > pixel[2])
}

fn assert_told(name: &str, text: &str) {
    pin_filtered(name, text, &[(r"\b\d+ ms\b", "<n> ms"), (r#""(ms|trial_ms)":\d+"#, r#""$1":0"#)]);
}

#[test]
fn a_photograph_goes_where_it_is_told() {
    let desk = Desk::new();
    desk.gray("photo.png");
    let ran = desk.run(&["photo.png", "-o", "out/color.png"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert_eq!(ran.err, "autochrome: wrote out/color.png\n");
    assert!(is_tinted(&desk.path("out/color.png")));
    assert_eq!(desk.files(), ["out/color.png", "photo.png"]);
}

#[test]
fn a_single_photograph_goes_beside_itself_by_default() {
    let desk = Desk::new();
    desk.gray("photo.old.JPG");
    let ran = desk.run(&["photo.old.JPG"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote photo.old-color.JPG\n"));
    assert!(is_tinted(&desk.path("photo.old-color.JPG")));
}

#[test]
fn help_says_what_there_is() {
    let desk = Desk::new();
    assert_told("cli_help", &desk.run(&["--help"]).out);
    assert_eq!(desk.run(&["--version"]).out, format!("autochrome {}\n", env!("CARGO_PKG_VERSION")));
    let ran = desk.run(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("Usage:"), "{}", ran.err);
}

#[test]
fn completions_and_man_page_are_printed() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = desk.run(&["completions", shell]);
        assert!(ran.code == Some(0) && ran.out.contains("skip-color"), "{shell}: {}", ran.err);
    }
    let man = desk.run(&["man"]);
    assert!(man.code == Some(0) && man.out.contains(".TH autochrome 1"), "{}", man.out);
}

#[test]
fn models_are_listed_with_their_problems() {
    let ran = Desk::new().run(&["models", "--models-dir", "/one/more"]);
    assert_eq!(ran.code, Some(0));
    assert_told("cli_models", &ran.out);
    let json = Desk::new().run(&["models", "--json"]).out;
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&first["name"], &first["default"]), (&"stub".into(), &true.into()));
}

#[test]
fn the_doctor_tries_it_out() {
    let ran = Desk::new().run(&["doctor"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_told("cli_doctor", &ran.out);
    let ran = Desk::with_stub("fail").run(&["doctor"]);
    assert_eq!(ran.code, Some(1));
    assert_told("cli_doctor_failing", &ran.out);
    let ran = Desk::new().run(&["doctor", "--json"]);
    assert_told("cli_doctor_json", &ran.out);
}

#[test]
fn a_program_can_follow_by_json() {
    let desk = Desk::new();
    desk.gray("a.png");
    fs::write(desk.path("b.png"), "no picture").unwrap();
    let ran = desk.run(&["a.png", "b.png", "-o", "out", "--json"]);
    assert_eq!(ran.code, Some(1));
    assert_told("cli_json", &ran.out);
    for line in ran.out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn verbose_names_model_device_and_why_not_a_gpu() {
    let desk = Desk::new();
    desk.gray("a.png");
    desk.gray("b.png");
    let ran = desk.run(&["a.png", "b.png", "-o", "out", "-v"]);
    assert_told("cli_verbose", &ran.err);
}

#[test]
fn strength_reaches_the_plugin() {
    let desk = Desk::new();
    desk.gray("a.png");
    assert_eq!(desk.run(&["a.png", "--strength", "0", "-o", "gray.png"]).code, Some(0));
    assert!(load(&desk.path("gray.png")).into_rgb8().pixels().all(|pixel| pixel[0] == pixel[2]));
}

#[test]
fn files_in_parallel_give_what_one_at_a_time_gives() {
    let desk = Desk::new();
    for index in 0..9 {
        desk.gray(&format!("in/{index}.png"));
    }
    assert_eq!(desk.run(&["in", "-o", "one"]).code, Some(0));
    let ran = desk.run(&["in", "-o", "four", "--jobs", "4"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 9 colorized\n"));
    for index in 0..9 {
        let [one, four] = ["one", "four"].map(|folder| fs::read(desk.path(&format!("{folder}/{index}.png"))));
        assert_eq!(one.unwrap(), four.unwrap());
    }
}
