//! The user's GIMP installations, and where each looks for its plug-ins.
//!
//! The idea: a GIMP is its profile folder, because that is where it looks; a program on PATH only says which
//! profile it has. The environment is read once, so that tests can replace it.

pub mod seen;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The name of the plug-in: of its executable, and of the folder that contains it, or GIMP ignores it.
pub const PLUG_IN: &str = "autochrome-gimp";

/// Where GIMP's menus have it.
pub const MENU: &str = "Colors > Colorize Photo...";

/// The version of GIMP as its profile counts it: 2.10, 3.0, 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// Parses `2.10` or `2.10.34`; `None` for versions the plug-in does not support.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|part| part.parse().ok());
        let version = Self { major: parts.next()??, minor: parts.next()?? };
        matches!((version.major, version.minor), (2, 10) | (3, _)).then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One GIMP of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gimp {
    /// What it calls itself: `GIMP 2.10.34`, or less if only its folder is known.
    pub name: String,
    /// Its program, if it is on PATH.
    pub program: Option<PathBuf>,
    /// Its profile folder; a GIMP that was never started has none yet.
    pub profile: PathBuf,
    /// Its personal plug-ins folder.
    pub plug_ins: PathBuf,
}

impl Gimp {
    fn with_profile(name: String, program: Option<PathBuf>, profile: PathBuf) -> Self {
        Self { name, program, plug_ins: profile.join("plug-ins"), profile }
    }

    /// The GIMP of a folder named by the user: its profile, or the folder `plug-ins` in it.
    pub fn named(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)
            .with_context(|| format!("{} is not a valid folder", folder.display()))?;
        if folder.exists() && !folder.is_dir() {
            bail!(
                "{} is not a folder: name a profile of GIMP, or the folder `plug-ins` in it",
                folder.display()
            );
        }
        let profile = match folder.file_name().is_some_and(|name| name == "plug-ins") {
            true => folder.parent().unwrap_or(&folder).to_path_buf(),
            false => folder,
        };
        Ok(Self::with_profile("GIMP".into(), None, profile))
    }

    /// The path of the plug-in for this GIMP.
    pub fn place(&self) -> PathBuf {
        self.plug_ins.join(PLUG_IN).join(PLUG_IN)
    }

    /// Starts a GIMP that was never started, so that it creates its profile. If anyone else did, GIMP would
    /// consider itself set up and skip migrating earlier settings and creating its own folders.
    pub fn set_up(&self) -> Result<()> {
        let (false, Some(program)) = (self.profile.exists(), &self.program) else { return Ok(()) };
        eprintln!("{} was never started: starting it to create its profile", self.name);
        let mut command = Command::new(program);
        command.args(["--no-interface", "--no-data", "--no-fonts", "--no-splash"]);
        match self.name.starts_with("GIMP 2.") {
            true => command.args(["--batch", "(gimp-quit 0)"]),
            false => command.arg("--quit"),
        };
        command
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let ended = command.status();
        if !self.profile.is_dir() {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            bail!(
                "{} ({}) was never started and did not create its profile {} now ({how}): start it once, or skip \
                 GIMP with --no-gimp",
                self.name,
                program.display(),
                self.profile.display()
            );
        }
        Ok(())
    }
}

/// What the environment says about GIMP.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config: Option<PathBuf>,
    /// `GIMP2_DIRECTORY`, the profile of a GIMP 2.
    pub gimp2: Option<PathBuf>,
    /// `GIMP3_DIRECTORY`, the profile of a GIMP 3.
    pub gimp3: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Surroundings {
    /// As this process sees them.
    pub fn from_env() -> Self {
        let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            home: folder("HOME"),
            config: folder("XDG_CONFIG_HOME"),
            gimp2: folder("GIMP2_DIRECTORY"),
            gimp3: folder("GIMP3_DIRECTORY"),
            path: env::split_paths(&path).filter(|folder| folder.is_absolute()).collect(),
        }
    }

    /// The folder that contains the profiles, one per version.
    fn profiles(&self) -> Option<PathBuf> {
        let config = self.config.clone().or_else(|| Some(self.home.as_ref()?.join(".config")))?;
        Some(config.join("GIMP"))
    }

    /// The profile the environment names for this version; relative to the home folder.
    fn named_profile(&self, version: Version) -> Option<PathBuf> {
        let named = if version.major == 2 { &self.gimp2 } else { &self.gimp3 };
        named.as_ref().map(|folder| self.home.clone().unwrap_or_default().join(folder))
    }

    /// Every GIMP of the user, oldest first: named by the environment, on PATH, or with a profile.
    pub fn gimps(&self) -> Vec<Gimp> {
        let mut known: BTreeMap<Version, Option<(PathBuf, String)>> = BTreeMap::new();
        for (version, full, program) in self.programs() {
            known.entry(version).or_insert(Some((program, full)));
        }
        for folder in
            self.profiles().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten()
        {
            let version = folder.file_name().to_str().and_then(Version::parse);
            if let Some(version) = version.filter(|_| folder.path().is_dir()) {
                known.entry(version).or_insert(None);
            }
        }
        for (major, minor, named) in [(2, 10, &self.gimp2), (3, 0, &self.gimp3)] {
            if named.is_some() && !known.keys().any(|version| version.major == major) {
                known.insert(Version { major, minor }, None);
            }
        }
        let mut found: Vec<Gimp> = Vec::new();
        for (version, program) in known {
            let own = self.profiles().map(|folder| folder.join(version.to_string()));
            let Some(profile) = self.named_profile(version).or(own) else { continue };
            let full = program.as_ref().map_or_else(|| version.to_string(), |(_, full)| full.clone());
            let gimp = Gimp::with_profile(format!("GIMP {full}"), program.map(|(path, _)| path), profile);
            // GIMP3_DIRECTORY is the profile of every GIMP 3.
            if found.iter().all(|other| other.profile != gimp.profile) {
                found.push(gimp);
            }
        }
        found
    }

    /// The programs on PATH with their versions; those with a window before those without.
    fn programs(&self) -> Vec<(Version, String, PathBuf)> {
        let mut found = Vec::new();
        for folder in &self.path {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            found.extend(entries.filter(|path| is_gimp(path)));
        }
        let console = |path: &PathBuf| path.to_string_lossy().contains("console");
        let without_version = |path: &PathBuf| !path.to_string_lossy().contains('.');
        found.sort_by_key(|path| (console(path), without_version(path)));
        let asked = found
            .into_iter()
            .filter_map(|path| version_of(&path).map(|(version, full)| (version, full, path)));
        asked.collect()
    }
}

/// Whether a file is named like GIMP's program: `gimp`, `gimp-3`, `gimp-2.10`, `gimp-console-3.0`.
fn is_gimp(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(rest) = name.strip_prefix("gimp") else { return false };
    let rest = rest.strip_prefix("-console").unwrap_or(rest);
    let version = rest.strip_prefix('-');
    let is_version = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    (rest.is_empty() || version.is_some_and(is_version)) && path.is_file()
}

/// What a program prints for `--version`, if it is a GIMP the plug-in supports.
fn version_of(program: &Path) -> Option<(Version, String)> {
    let mut command = Command::new(program);
    let output = command.arg("--version").env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let full = text
        .lines()
        .find(|line| line.contains("GNU Image Manipulation Program"))?
        .split_whitespace()
        .last()?;
    Some((Version::parse(full)?, full.to_owned()))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Writes a program that answers `--version` like GIMP.
    pub fn program(folder: &Path, name: &str, version: &str) -> PathBuf {
        let path = folder.join(name);
        let script = format!("#!/bin/sh\necho GNU Image Manipulation Program version {version}\n");
        crate::files::replace(&path, script.as_bytes(), 0o755).unwrap();
        path
    }

    /// An environment in which everything is below `dir` and nothing exists yet.
    pub fn surroundings(dir: &Path) -> Surroundings {
        Surroundings { home: Some(dir.join("home")), path: vec![dir.join("bin")], ..Surroundings::default() }
    }

    fn described(gimps: &[Gimp], dir: &Path) -> Vec<String> {
        let of = |path: &Path| path.strip_prefix(dir).unwrap().display().to_string();
        gimps
            .iter()
            .map(|gimp| {
                let program = gimp.program.as_deref().map_or_else(|| "-".into(), of);
                format!("{} {program} {}", gimp.name, of(&gimp.plug_ins))
            })
            .collect()
    }

    #[test]
    fn without_gimp_none_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(surroundings(dir.path()).gimps(), []);
        assert_eq!(Surroundings::default().gimps(), []);
    }

    #[test]
    fn programs_and_profiles_are_found_once_each() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        for (name, version) in
            [("gimp-console-2.10", "2.10.34"), ("gimp-2.10", "2.10.34"), ("gimp-3", "3.2.1")]
        {
            program(&bin, name, version);
        }
        program(&bin, "gimp-test-clipboard-2.0", "2.10.34");
        program(&bin, "gimp", "2.8.22");
        for profile in ["2.8", "2.10", "2.99", "3.0"] {
            fs::create_dir_all(dir.path().join("home/.config/GIMP").join(profile)).unwrap();
        }
        fs::write(dir.path().join("home/.config/GIMP/3.4"), "no folder").unwrap();
        let found = surroundings(dir.path()).gimps();
        let expected = [
            "GIMP 2.10.34 bin/gimp-2.10 home/.config/GIMP/2.10/plug-ins",
            "GIMP 3.0 - home/.config/GIMP/3.0/plug-ins",
            "GIMP 3.2.1 bin/gimp-3 home/.config/GIMP/3.2/plug-ins",
        ];
        assert_eq!(described(&found, dir.path()), expected);
    }

    #[test]
    fn the_environment_names_profiles() {
        let dir = tempfile::tempdir().unwrap();
        program(&dir.path().join("bin"), "gimp-3.0", "3.0.4");
        program(&dir.path().join("bin"), "gimp-3.2", "3.2.0");
        let mut around = surroundings(dir.path());
        around.config = Some(dir.path().join("config"));
        assert_eq!(
            described(&around.gimps(), dir.path())[0],
            "GIMP 3.0.4 bin/gimp-3.0 config/GIMP/3.0/plug-ins"
        );
        around.gimp2 = Some(dir.path().join("two"));
        around.gimp3 = Some("three".into());
        let expected = ["GIMP 2.10 - two/plug-ins", "GIMP 3.0.4 bin/gimp-3.0 home/three/plug-ins"];
        assert_eq!(described(&around.gimps(), dir.path()), expected);
    }

    #[test]
    fn a_profile_and_its_plug_ins_folder_name_the_same_gimp() {
        let dir = tempfile::tempdir().unwrap();
        let named = Gimp::named(dir.path()).unwrap();
        assert_eq!(named, Gimp::named(&dir.path().join("plug-ins")).unwrap());
        assert_eq!(named.place(), dir.path().join("plug-ins/autochrome-gimp/autochrome-gimp"));
        fs::write(dir.path().join("file"), "").unwrap();
        let said = Gimp::named(&dir.path().join("file")).unwrap_err().to_string();
        assert!(said.contains("is not a folder"), "{said}");
    }

    #[test]
    fn gimp_makes_its_profile_itself() {
        let dir = tempfile::tempdir().unwrap();
        let profile = dir.path().join("2.10");
        let with = |script: &str| {
            let path = dir.path().join("gimp");
            crate::files::replace(&path, format!("#!/bin/sh\n{script}\n").as_bytes(), 0o755).unwrap();
            Gimp::with_profile("GIMP 2.10".into(), Some(path), profile.clone())
        };
        let said = with("exit 3").set_up().unwrap_err().to_string();
        assert!(said.contains("never started") && said.contains("exit status: 3"), "{said}");
        with(&format!("mkdir {}", profile.display())).set_up().unwrap();
        // It exists now, so GIMP is not started again.
        with("rm -r /absent").set_up().unwrap();
        assert!(profile.is_dir());
    }
}
