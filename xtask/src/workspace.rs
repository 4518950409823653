//! Paths in the checkout, and how cargo is called in it.
//!
//! The idea: every child process gets the environment of the user's own shell, so that builds from here and a plain
//! `cargo build` share every artifact, and no program finds libraries through `LD_LIBRARY_PATH`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The checkout this program was built from, and cargo's target folder.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout; cargo sets `CARGO_MANIFEST_DIR` for what it runs.
    pub fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
        let root =
            root.context("found no Cargo.lock above this package: run `cargo xtask` inside the checkout")?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            // cargo resolves a relative folder against the current one.
            Some(dir) => env::current_dir().context("no current folder")?.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root: root.to_path_buf(), target })
    }

    /// The root of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of libtorch, whether or not it exists.
    pub fn libtorch(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A built program or library.
    pub fn built(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// cargo, run in the root of the checkout.
    pub fn cargo(&self) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        command
    }

    /// A program, with the environment of the user's shell.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // `cargo run` adds the Rust toolchain to it; nothing of this project needs it.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    /// Builds these packages in the one profile used for everything.
    pub fn build(&self, packages: &[&str]) -> Result<()> {
        let mut command = self.cargo();
        command.args(["build", "--release"]);
        for package in packages {
            command.args(["-p", package]);
        }
        run(&mut command, "the build")
    }
}

/// Runs a command with its output shown; `what` names it in errors.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{what}: cannot start `{program}`"))?;
    if !status.success() {
        bail!("{what} failed ({status}); see its message above");
    }
    Ok(())
}

/// Runs a command quietly and returns what it printed.
pub fn output(command: &mut Command, what: &str) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{what}: cannot start `{program}`"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{what} failed ({}): {}", output.status, text.trim());
    }
    Ok(output.stdout)
}

/// The user's home folder.
pub fn home() -> Result<PathBuf> {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from).context("HOME is not set: pass --prefix DIR")
}
