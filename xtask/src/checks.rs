//! Checks that only read the checkout: links in the documents, lengths of source files, locations of images, unused
//! snapshots.
//!
//! The idea: a document that names a file is a promise, and so is the limit on a file's length.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The outcome of a check that did not fail.
pub enum Done {
    Passed,
    /// This machine cannot run it; the reason.
    Skipped(String),
}

/// Source files have fewer lines than this.
const MAX_LINES: usize = 500;

/// Extensions of handwritten files.
const SOURCES: &[&str] = &["rs", "c", "cpp", "py", "sh", "html", "css", "js"];

/// Extensions of images, and the folders of those that were selected and may be redistributed. One elsewhere may be
/// a photograph of a data set, which must not get into the project.
const PICTURES: &[&str] = &["png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "jxl"];
/// See [`PICTURES`].
const PICTURE_FOLDERS: &[&str] = &["docs/images", "examples/photos", "tests/golden"];

/// Checks every document, source file and image below `root`; one error lists everything that is wrong.
pub fn run(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    for path in walk(root) {
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if ending == "md" {
            let text = fs::read_to_string(&path)?;
            let folder = path.parent().unwrap_or(root);
            let dead = links(&text).into_iter().filter(|link| !folder.join(link).exists());
            wrong.extend(dead.map(|link| format!("{name} names {link}, which does not exist")));
        } else if SOURCES.contains(&ending.as_str()) {
            let lines = fs::read_to_string(&path)?.lines().count();
            if lines >= MAX_LINES {
                wrong.push(format!("{name} has {lines} lines: expected fewer than {MAX_LINES}"));
            }
        } else if PICTURES.contains(&ending.to_lowercase().as_str())
            && !PICTURE_FOLDERS.iter().any(|folder| Path::new(&name).starts_with(folder))
        {
            let folders = PICTURE_FOLDERS.join(", ");
            wrong.push(format!("{name} is an image: expected it in {folders}, or outside the project"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n       "));
    }
    Ok(())
}

/// Snapshots below `root` that are not among the paths in `used`, one per line.
pub fn unreferenced_snapshots(root: &Path, used: &str) -> Vec<String> {
    let used: HashSet<PathBuf> =
        used.lines().filter_map(|line| Path::new(line).canonicalize().ok()).collect();
    let snapshots =
        walk(root).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "snap"));
    let stray = snapshots.filter(|path| path.canonicalize().is_ok_and(|path| !used.contains(&path)));
    stray.map(|path| path.strip_prefix(root).unwrap_or(&path).display().to_string()).collect()
}

/// Every file of the checkout that was not made by a build, sorted.
fn walk(root: &Path) -> Vec<PathBuf> {
    let made = |name: &str| [".git", "target", "runs"].contains(&name) || name.starts_with(".libtorch");
    let (mut folders, mut found) = (vec![root.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() && !made(&entry.file_name().to_string_lossy()) {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The relative targets of the links and images in a Markdown text, except those in code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || line.starts_with("    ") {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
            found.extend(
                prose.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0.to_owned())),
            );
        }
    }
    let outside =
        |link: &String| link.contains("://") || link.starts_with("mailto:") || link.starts_with('#');
    found.retain(|link| !outside(link));
    found.iter_mut().for_each(|link| link.truncate(link.find(['#', ' ']).unwrap_or(link.len())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_links_that_must_exist() {
        let text = "See [a](docs/a.md#part) and [b](https://x.y/z), [c](#here).\n```\n[d](no.md)\n```\n\
                    `[e](no.md)` <img src=\"p.png\"> ![f](q.png \"title\")\n";
        let mut found = links(text);
        found.sort();
        assert_eq!(found, ["docs/a.md", "p.png", "q.png"]);
    }

    #[test]
    fn a_dead_link_and_a_long_file_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.md"), "[x](b.md)").unwrap();
        fs::write(dir.path().join("long.rs"), "\n".repeat(MAX_LINES)).unwrap();
        fs::create_dir(dir.path().join("target")).unwrap();
        fs::write(dir.path().join("target/c.md"), "[x](gone.md)").unwrap();
        let said = run(dir.path()).unwrap_err().to_string();
        assert!(
            said.contains("a.md names b.md") && said.contains("long.rs has 500") && !said.contains("gone"),
            "{said}"
        );
        fs::write(dir.path().join("b.md"), "").unwrap();
        fs::write(dir.path().join("long.rs"), "").unwrap();
        run(dir.path()).unwrap();
    }

    #[test]
    fn a_picture_is_where_pictures_are_or_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("docs/images")).unwrap();
        fs::write(dir.path().join("docs/images/a.png"), "").unwrap();
        run(dir.path()).unwrap();
        fs::write(dir.path().join("sheet.PNG"), "").unwrap();
        let said = run(dir.path()).unwrap_err().to_string();
        assert!(said.starts_with("sheet.PNG is an image: expected it in docs/images,"), "{said}");
    }

    #[test]
    fn a_snapshot_no_test_used_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["used.snap", "stray.snap"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let used = format!("{}/./used.snap\n", dir.path().display());
        assert_eq!(unreferenced_snapshots(dir.path(), &used), ["stray.snap"]);
    }
}
