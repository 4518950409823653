//! Finds each GIMP, starts it, and makes its profile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use autochrome_test_notes::Need;
use autochrome_tests::{built, checkout};

/// Which GIMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// GIMP 2.10, installed.
    Two,
    /// GIMP 3, installed, or in the folder that `.ci/gimp3-root` makes.
    Three,
}

/// Seconds after which a hanging GIMP is killed.
const PATIENCE: &str = "900";

impl Generation {
    /// Display name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Two => "GIMP 2.10",
            Self::Three => "GIMP 3",
        }
    }

    /// What a machine without it lacks.
    pub fn need(self) -> Need {
        match self {
            Self::Two => Need::Gimp2,
            Self::Three => Need::Gimp3,
        }
    }

    /// Whether it is there, or why not.
    pub fn present(self) -> Result<(), String> {
        match self {
            Self::Two => {
                on_path("gimp-console-2.10").map(drop).ok_or("gimp-console-2.10 is not on PATH".into())
            }
            Self::Three if on_path("gimp-console-3.0").is_some() => Ok(()),
            Self::Three => {
                let mut probe = Command::new(checkout().join(".ci/gimp3-run"));
                let output = probe.args(["gimp-console-3.0", "--version"]).output();
                let output = output.map_err(|error| error.to_string())?;
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                if output.status.success() { Ok(()) } else { Err(said) }
            }
        }
    }

    /// One of its programs, as a command.
    pub fn program(self, name: &str) -> Command {
        let inside = self == Self::Three && on_path(name).is_none();
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", PATIENCE]);
        if inside {
            command.arg(checkout().join(".ci/gimp3-run"));
        }
        command.arg(name);
        command
    }

    /// The folder of its own plug-ins. GIMP 3 may be in a root of its own, inside which links to them resolve
    /// correctly.
    fn own_plug_ins(self) -> PathBuf {
        let version = if self == Self::Two { "2.0" } else { "3.0" };
        let plain = PathBuf::from(format!("/usr/lib/gimp/{version}/plug-ins"));
        let machine = format!("/usr/lib/{}-linux-gnu/gimp/{version}/plug-ins", std::env::consts::ARCH);
        if plain.is_dir() { plain } else { machine.into() }
    }

    /// The variable that sets its profile.
    pub fn profile_variable(self) -> &'static str {
        match self {
            Self::Two => "GIMP2_DIRECTORY",
            Self::Three => "GIMP3_DIRECTORY",
        }
    }
}

/// A program on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Makes a profile in `folder/profile` with our plug-in, and of GIMP's own only what the tests need.
pub fn write_profile(generation: Generation, folder: &Path) {
    let plug_in = built().join("autochrome-gimp");
    assert!(plug_in.exists(), "{} is missing: build the workspace first", plug_in.display());
    let profile = folder.join("profile");
    let place = profile.join("plug-ins/autochrome-gimp");
    for name in ["plug-ins/autochrome-gimp", "scripts", "gradients"] {
        fs::create_dir_all(profile.join(name)).unwrap();
    }
    symlink(plug_in, place.join("autochrome-gimp")).unwrap();
    write_few(generation, folder, &profile);
}

/// Adds one more of GIMP's own plug-ins.
pub fn add_own(generation: Generation, folder: &Path, name: &str, file: &str) {
    let place = folder.join("few").join(name);
    fs::create_dir_all(&place).unwrap();
    symlink(generation.own_plug_ins().join(name).join(file), place.join(file)).unwrap();
}

/// A new GIMP starts each plug-in it sees: the fewer, the faster.
fn write_few(generation: Generation, folder: &Path, profile: &Path) {
    let few = folder.join("few");
    for name in ["script-fu", "file-png", "file-jpeg", "file-tiff"] {
        add_own(generation, folder, name, name);
    }
    let mut text = format!("(plug-in-path \"{}:{}\")\n", profile.join("plug-ins").display(), few.display());
    match generation {
        Generation::Two => {
            let scripts = profile.join("scripts");
            for name in ["script-fu.init", "script-fu-compat.init", "plug-in-compat.init"] {
                symlink(Path::new("/usr/share/gimp/2.0/scripts").join(name), scripts.join(name)).unwrap();
            }
            text += &format!("(script-fu-path \"{}\")\n", scripts.display());
        }
        Generation::Three => text += "(show-welcome-dialog no)\n",
    }
    fs::write(profile.join("gimprc"), text).unwrap();
}

/// GIMP without windows, set to run `batch` and exit.
pub fn console(generation: Generation, folder: &Path, batch: &str) -> Command {
    let mut command = match generation {
        Generation::Two => {
            let mut command = generation.program("gimp-console-2.10");
            command.args(["-i", "-d", "-f", "-s", "-b", batch, "-b", "(gimp-quit 1)"]);
            command
        }
        Generation::Three => {
            let mut command = generation.program("gimp-console-3.0");
            command.args(["-i", "-d", "-f", "-s", "--quit"]);
            command.args(["--batch-interpreter=plug-in-script-fu-eval", "-b", batch]);
            command
        }
    };
    command.env(generation.profile_variable(), folder.join("profile"));
    command
}

/// A one-word command that starts this GIMP without windows, for scripts that take one.
pub fn wrapper(generation: Generation, folder: &Path) -> PathBuf {
    let name = match generation {
        Generation::Two => "gimp-console-2.10",
        Generation::Three => "gimp-console-3.0",
    };
    let program = generation.program(name);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let file = folder.join("gimp-console");
    fs::write(&file, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "))).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    file
}
