//! The list of what an installation put below its prefix.
//!
//! The idea: the list is written before the first file and again after the last, so that whatever an interruption
//! leaves behind is listed, and `uninstall` removes exactly that. Everything is below the prefix except the links
//! that other programs find it by. Such a line is an absolute path, and it removes only a link that points into the
//! prefix.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::files;

/// Its path below the prefix.
const PLACE: &str = "share/autochrome/install-manifest";
/// Every link outside the prefix has a path that ends like this.
const LINK: &str = "plug-ins/autochrome-gimp/autochrome-gimp";
const FIRST_LINE: &str = "autochrome-install 2";
/// The first line written by the first version, which had no links.
const FIRST_LINE_1: &str = "autochrome-install 1";

/// Files and folders, relative to the prefix; links outside it and the folders created for them, absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Files that were installed.
    pub files: BTreeSet<PathBuf>,
    /// Folders that were created for them.
    pub folders: BTreeSet<PathBuf>,
}

impl Manifest {
    /// Reads the list below `prefix`; `None` if nothing is installed.
    pub fn read(prefix: &Path) -> Result<Option<Self>> {
        let path = prefix.join(PLACE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).with_context(|| format!("{}", path.display())).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        if !matches!(lines.next(), Some(FIRST_LINE | FIRST_LINE_1)) {
            bail!("expected `{FIRST_LINE}` as its first line: it was written by another version");
        }
        let mut manifest = Self::default();
        for line in lines.filter(|line| !line.is_empty()) {
            let path = PathBuf::from(line);
            let outside = path.is_absolute() && (line.ends_with('/') || path.ends_with(LINK));
            let inside = path.strip_prefix("/").ok().filter(|inside| outside && *inside != Path::new(""));
            let inside = inside.unwrap_or(&path);
            if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
                bail!("`{line}` is outside the prefix: this list removes nothing");
            }
            let kind = if line.ends_with('/') { &mut manifest.folders } else { &mut manifest.files };
            kind.insert(path);
        }
        Ok(manifest)
    }

    fn text(&self) -> String {
        let files = self.files.iter().map(|path| format!("{}\n", path.display()));
        let folders = self.folders.iter().map(|path| format!("{}/\n", path.display()));
        [format!("{FIRST_LINE}\n")].into_iter().chain(files).chain(folders).collect()
    }

    /// Writes the list below `prefix`, replacing the old one.
    pub fn write(&self, prefix: &Path) -> Result<()> {
        files::replace(&prefix.join(PLACE), self.text().as_bytes(), 0o644)
    }

    /// Adds the folders that must be created below `prefix` for the files and for the list itself.
    pub fn add_missing_folders(&mut self, prefix: &Path) {
        let lists = [PathBuf::from(PLACE)];
        let parents = self.files.iter().chain(&lists).flat_map(|file| file.ancestors().skip(1));
        let missing = parents.filter(|dir| !dir.as_os_str().is_empty() && !prefix.join(dir).exists());
        let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        self.folders.extend(missing);
    }

    /// The union of both lists.
    pub fn union(&self, other: &Self) -> Self {
        Self { files: &self.files | &other.files, folders: &self.folders | &other.folders }
    }

    /// The links outside the prefix.
    pub fn links(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| file.is_absolute())
    }

    /// Removes the files below `prefix`, then the list, then the folders that are now empty.
    pub fn remove(&self, prefix: &Path) -> Result<()> {
        for file in &self.files {
            for path in [prefix.join(file), files::staged(&prefix.join(file))] {
                if !file.is_absolute() || leads_into(&path, prefix) {
                    remove_file(&path)?;
                }
            }
        }
        remove_file(&prefix.join(PLACE))?;
        // Deepest first: a folder sorts before what is in it.
        for folder in self.folders.iter().rev() {
            // One that contains something else stays; that is not a failure.
            drop(fs::remove_dir(prefix.join(folder)));
        }
        Ok(())
    }
}

/// Whether there is a link at `path` that points into `prefix`, broken or not.
pub fn leads_into(path: &Path, prefix: &Path) -> bool {
    let within = |target: &Path| match (target.canonicalize(), prefix.canonicalize()) {
        (Ok(target), Ok(prefix)) => target.starts_with(prefix),
        _ => false,
    };
    fs::read_link(path).is_ok_and(|target| target.starts_with(prefix) || within(&target))
}

/// Removes a file, and only a file; missing is fine.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &[&str]) -> Manifest {
        Manifest { files: files.iter().map(PathBuf::from).collect(), folders: BTreeSet::new() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), None);
        let mut written = manifest(&["bin/a", "lib/x/b"]);
        written.add_missing_folders(dir.path());
        written.write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), Some(written));
    }

    #[test]
    fn a_list_that_leaves_the_prefix_is_refused() {
        let link = format!("/home/me/../you/{LINK}");
        for line in ["/etc/passwd", "../x", "a/../../x", "/", "/a/../", &link] {
            let said = Manifest::parse(&format!("{FIRST_LINE}\n{line}\n")).unwrap_err().to_string();
            assert!(said.contains("is outside the prefix"), "{said}");
        }
        Manifest::parse("something else\n").unwrap_err();
        Manifest::parse(&format!("{FIRST_LINE_1}\nbin/a\n")).unwrap();
    }

    #[test]
    fn a_link_outside_is_removed_only_while_it_leads_into_the_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("prefix");
        let [ours, theirs] = ["2.10", "3.0"].map(|profile| dir.path().join(profile).join(LINK));
        let mut written = manifest(&["bin/a"]);
        written.files.extend([ours.clone(), theirs.clone()]);
        written.add_missing_folders(&prefix);
        written.write(&prefix).unwrap();
        for link in [&ours, &theirs] {
            files::stage_link(link, &prefix.join("bin/a")).unwrap();
            files::commit(link).unwrap();
        }
        fs::remove_file(&theirs).unwrap();
        fs::write(&theirs, "theirs").unwrap();
        let read = Manifest::read(&prefix).unwrap().unwrap();
        assert_eq!(read, written);
        assert_eq!(read.links().count(), 2);
        read.remove(&prefix).unwrap();
        assert!(!dir.path().join("2.10").exists(), "its folders were created for it");
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
    }

    #[test]
    fn removes_its_own_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path();
        fs::create_dir(prefix.join("bin")).unwrap();
        let mut ours = manifest(&["bin/a", "lib/x/b", "share/c"]);
        ours.add_missing_folders(prefix);
        ours.write(prefix).unwrap();
        files::replace(&prefix.join("bin/a"), b"", 0o755).unwrap();
        // An interruption left one file staged, and the third was never written.
        files::stage(&prefix.join("lib/x/b"), b"", 0o644).unwrap();
        fs::write(prefix.join("lib/theirs"), "").unwrap();
        ours.remove(prefix).unwrap();
        assert!(prefix.join("bin").is_dir(), "it was there before");
        assert!(prefix.join("lib/theirs").is_file());
        assert!(!prefix.join("lib/x").exists() && !prefix.join("share").exists());
    }
}
