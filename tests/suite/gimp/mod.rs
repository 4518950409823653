//! The plug-in inside the real GIMP, 2.10 and 3: started without windows, with a profile of its own, driven by
//! Script-Fu, its pixels compared with the command line's.
//!
//! Tests of a missing GIMP are skipped; `.ci/run` installs both.

mod batch;
mod errors;
mod hosts;
mod layers;
mod pixels;
mod screen;
mod script;
mod window;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use autochrome_test_notes::skip;
use autochrome_tests::built;
use image::{DynamicImage, ImageBuffer, Luma, LumaA};

pub use hosts::Generation;

/// A 16-bit image.
type Picture = ImageBuffer<image::Rgba<u16>, Vec<u16>>;

/// A GIMP with a profile, and a folder for images.
struct Gimp {
    generation: Generation,
    folder: tempfile::TempDir,
    settings: Vec<(&'static str, PathBuf)>,
}

/// The result of a run.
struct Told {
    /// Lines the script printed with `say`.
    said: Vec<String>,
    /// What GIMP printed.
    printed: String,
    /// Its exit status.
    code: Option<i32>,
}

impl Gimp {
    /// GIMP with the plug-in, which finds the real plugin beside itself; `None` if there is no such GIMP.
    fn find(generation: Generation) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if let Err(reason) = generation.present() {
            skip(generation.need(), reason);
            return None;
        }
        hosts::write_profile(generation, folder.path());
        Some(Self { generation, folder, settings: Vec::new() })
    }

    /// Uses the stub plugin in this mode instead.
    fn with_stub(mut self, mode: &str) -> Self {
        self.settings.clear();
        self.settings.push(("AUTOCHROME_PLUGIN", built().join("libautochrome_stub.so")));
        self.settings.push(("AUTOCHROME_STUB", mode.into()));
        self
    }

    /// Adds a Script-Fu server, a plug-in of its own in GIMP 3.
    fn add_server(&self) {
        if self.generation == Generation::Three {
            hosts::add_own(self.generation, self.folder.path(), "script-fu-server", "script-fu-server");
        }
    }

    /// Adds Python as a scripting language.
    fn with_python(self) -> Self {
        hosts::add_own(self.generation, self.folder.path(), "python-eval", "python-eval.py");
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script in which the words of [`script`] are defined, `(say ...)` writes a line, and paths are
    /// relative to the folder.
    fn run(&self, body: &str) -> Told {
        let said = self.path("said.txt");
        let _ = fs::remove_file(&said);
        let file = self.path("script.scm");
        fs::write(&file, script::whole(self.generation, self.folder.path(), body)).unwrap();
        let output = self.command(&format!("(load \"{}\")", file.display())).output().unwrap();
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let lines = fs::read_to_string(&said).unwrap_or_default();
        Told {
            said: lines.lines().map(|line| line.trim_end().to_owned()).collect(),
            printed,
            code: output.status.code(),
        }
    }

    /// Runs a script that must succeed, and returns what it said.
    fn succeed(&self, body: &str) -> Vec<String> {
        let told = self.run(&format!("{body}\n(say \"the end\")"));
        assert_eq!(
            told.said.last().map(String::as_str),
            Some("the end"),
            "{:?}\n{}",
            told.said,
            told.printed
        );
        told.said[..told.said.len() - 1].to_vec()
    }

    fn command(&self, batch: &str) -> Command {
        let mut command = hosts::console(self.generation, self.folder.path(), batch);
        for (name, value) in &self.settings {
            command.env(name, value);
        }
        command
    }

    /// The command line, with the plug-in's settings.
    fn color_by_command_line(&self, input: &str, output: &str, more: &[&str]) {
        let mut command = Command::new(built().join("autochrome"));
        command.current_dir(self.folder.path()).args([input, "-o", output, "--device", "cpu"]).args(more);
        for (name, value) in &self.settings {
            command.env(name, value);
        }
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    fn open(&self, name: &str) -> Picture {
        let path = self.path(name);
        image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_rgba16()
    }

    /// A gray image with edges and smooth gradients, as 8-bit PNG.
    fn gray(&self, name: &str) {
        let shade = |x: u32, y: u32| {
            let step = if (x / 24 + y / 20).is_multiple_of(2) { 60 } else { 0 };
            u8::try_from(20 + x + y / 2 + step).unwrap()
        };
        let picture = ImageBuffer::from_fn(96, 64, |x, y| Luma([shade(x, y)]));
        DynamicImage::ImageLuma8(picture).save(self.path(name)).unwrap();
    }

    /// The same, transparent at the left, opaque at the right. GIMP does not save the colors of fully transparent
    /// pixels.
    fn clear_gray(&self, name: &str) {
        self.gray(name);
        let gray = image::open(self.path(name)).unwrap().to_luma8();
        let alpha = |x: u32| u8::try_from((40 + x * 4).min(255)).unwrap();
        let picture = ImageBuffer::from_fn(96, 64, |x, y| LumaA([gray.get_pixel(x, y).0[0], alpha(x)]));
        DynamicImage::ImageLumaA8(picture).save(self.path(name)).unwrap();
    }
}

/// Tests both generations: `found` is called with each GIMP that is there.
fn with_each(found: impl Fn(Gimp)) {
    for generation in [Generation::Two, Generation::Three] {
        if let Some(gimp) = Gimp::find(generation) {
            found(gimp);
        }
    }
}

/// Largest difference of two 16-bit images in any sample, in 255ths.
fn distance(left: &Picture, right: &Picture) -> f32 {
    assert_eq!(left.dimensions(), right.dimensions());
    let pairs = left.as_raw().iter().zip(right.as_raw());
    f32::from(pairs.map(|(left, right)| left.abs_diff(*right)).max().unwrap_or(0)) / 257.0
}

/// Mean difference of two 16-bit images, in 255ths.
fn mean_distance(left: &Picture, right: &Picture) -> f64 {
    let pairs = left.as_raw().iter().zip(right.as_raw());
    let sum: u64 = pairs.map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
    sum as f64 / left.as_raw().len() as f64 / 257.0
}

/// Whether an image has any color.
fn is_colored(picture: &Picture) -> bool {
    picture.pixels().any(|pixel| pixel.0[0].abs_diff(pixel.0[2]) > 4 * 257)
}
