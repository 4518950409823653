//! What is written where, decided before anything is touched.
//!
//! The rules: the structure of folders is kept below OUT; inputs that would share an output or a map are refused, and
//! the others done; no output is an input, by whatever name or link.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::encode;
use crate::format::{self, Format};

/// A command line that cannot be carried out; nothing was done.
#[derive(Debug)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// One file to be colorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub input: PathBuf,
    /// Where its result goes; an error when the input itself is missing or cannot be read.
    pub output: Result<PathBuf, String>,
    /// Where its confidence map goes, if one is asked for.
    pub map: Option<PathBuf>,
}

/// Every file to be colorized.
#[derive(Debug)]
pub struct Plan {
    pub items: Vec<Item>,
    inputs: HashSet<FileId>,
}

/// How outputs are named when no name is given.
#[derive(Clone, Copy)]
pub struct Naming<'a> {
    /// The format to write, regardless of the names.
    pub format: Option<&'static Format>,
    /// What goes between the name and the extension when a result is written beside its photograph.
    pub suffix: &'static str,
    /// What a confidence map's name adds to its output's.
    pub map: Option<&'a str>,
}

/// A file's identity, whatever its name.
type FileId = (u64, u64);

fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

impl Plan {
    /// Plans every input.
    pub fn new(inputs: &[PathBuf], output: Option<&Path>, naming: Naming<'_>) -> Result<Self, UsageError> {
        let mut items = Vec::new();
        match target(inputs, output)? {
            Target::Beside(input) => items.push(naming.planned(input, naming.beside(input))),
            Target::File(input, output) => {
                if naming.format(output).is_none() {
                    let problem = encode::not_written(output);
                    return Err(UsageError(format!(
                        "{problem}; to create a folder, end its name with a slash"
                    )));
                }
                items.push(naming.planned(input, readable(input).map(|()| output.to_path_buf())));
            }
            Target::Folder(folder) => {
                for input in inputs {
                    if input.is_dir() {
                        walk(input, folder, naming, &mut items)
                    } else {
                        items.push(naming.item(input, folder))
                    }
                }
            }
        }
        let inputs = items.iter().filter_map(|item| fs::metadata(&item.input).ok()).map(|m| id(&m)).collect();
        Ok(Self { items: without_collisions(items), inputs })
    }

    /// Makes these files inputs too, which are never overwritten.
    pub fn protect(&mut self, files: &[PathBuf]) {
        self.inputs
            .extend(files.iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| id(&metadata)));
    }

    /// Whether `output` may be written. A symbolic link counts as what it points to.
    pub fn may_write(&self, output: &Path, overwrite: bool) -> Result<(), String> {
        let name = output.display();
        if let Ok(metadata) = fs::metadata(output) {
            if metadata.is_dir() {
                return Err(format!("the output {name} is a folder"));
            }
            if self.inputs.contains(&id(&metadata)) {
                return Err(format!(
                    "the output {name} is an input, which is never overwritten; choose another output with -o"
                ));
            }
        }
        if !overwrite && fs::symlink_metadata(output).is_ok() {
            return Err(format!("the output {name} already exists; pass --overwrite to replace it"));
        }
        Ok(())
    }
}

enum Target<'a> {
    Beside(&'a Path),
    File(&'a Path, &'a Path),
    Folder(&'a Path),
}

/// The folder of a command line's outputs.
pub fn output_folder(inputs: &[PathBuf], output: Option<&Path>) -> Result<PathBuf, UsageError> {
    Ok(match target(inputs, output)? {
        Target::Beside(input) => encode::folder_of(input),
        Target::File(_, output) => encode::folder_of(output),
        Target::Folder(folder) => folder.into(),
    })
}

fn target<'a>(inputs: &'a [PathBuf], output: Option<&'a Path>) -> Result<Target<'a>, UsageError> {
    let single = match inputs {
        [input] if !input.is_dir() => Some(input.as_path()),
        _ => None,
    };
    let Some(output) = output else {
        return single.map(Target::Beside).ok_or_else(|| {
            UsageError("several photographs need an output folder; name one with -o FOLDER".into())
        });
    };
    let named_folder = output.is_dir() || output.as_os_str().as_encoded_bytes().ends_with(b"/");
    if let Some(input) = single.filter(|_| !named_folder) {
        return Ok(Target::File(input, output));
    }
    let named_file = output.exists() || format::by_extension(output).is_some();
    if named_file && !named_folder {
        return Err(UsageError(format!(
            "several photographs cannot be written to one file, {}; name a folder",
            output.display()
        )));
    }
    Ok(Target::Folder(output))
}

fn readable(input: &Path) -> Result<(), String> {
    match fs::metadata(input) {
        Ok(found) if found.is_file() || found.is_dir() => Ok(()),
        // Opening a pipe would wait for its other end.
        Ok(_) => Err("it is not a file".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("no such file".into()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

impl Naming<'_> {
    /// The format that `output` is written in, if it can be written.
    pub fn format(&self, output: &Path) -> Option<&'static Format> {
        self.format.or_else(|| format::by_extension(output)).filter(|format| format.write.is_some())
    }

    /// `NAME-color.EXT` in the same folder.
    fn beside(&self, input: &Path) -> Result<PathBuf, String> {
        let (mut name, extension) = self.name(input)?;
        name.push(self.suffix);
        name.push(".");
        name.push(extension);
        Ok(input.with_file_name(name))
    }

    /// The result in `folder`.
    fn item(&self, input: &Path, folder: &Path) -> Item {
        let output = self.name(input).map(|(mut name, extension)| {
            name.push(".");
            name.push(extension);
            folder.join(name)
        });
        self.planned(input, output)
    }

    /// An input whose result goes to `output`, with its map beside that.
    fn planned(&self, input: &Path, output: Result<PathBuf, String>) -> Item {
        let map = output.as_ref().ok().zip(self.map).map(|(output, suffix)| {
            let mut name = output.file_stem().unwrap_or_default().to_owned();
            name.push(suffix);
            name.push(".png");
            output.with_file_name(name)
        });
        Item { input: input.into(), output, map }
    }

    /// Name and extension of the result. The name is the input's own when its extension is that of a picture, otherwise
    /// all of it; the extension is the input's own when it names the format to be written.
    fn name(&self, input: &Path) -> Result<(OsString, OsString), String> {
        readable(input)?;
        if let (Some(format), Some(stem)) = (format::by_extension(input), input.file_stem()) {
            return Ok((stem.into(), self.extension(format, input.extension())));
        }
        let mut start = Vec::new();
        // A file that cannot be read is reported when its turn comes.
        let _ = fs::File::open(input).and_then(|file| file.take(64).read_to_end(&mut start));
        let format = format::by_content(&start).ok_or_else(format::not_a_picture)?;
        Ok((input.file_name().ok_or("the path has no file name")?.into(), self.extension(format, None)))
    }

    /// The extension for a picture of `format`, which was called `own`.
    fn extension(&self, format: &'static Format, own: Option<&OsStr>) -> OsString {
        let written = self.format.unwrap_or(if format.write.is_some() { format } else { format::fallback() });
        let own = own.filter(|own| {
            // PGM and PBM hold no color.
            !matches!(own.to_ascii_lowercase().to_str(), Some("pgm" | "pbm"))
                && own.to_str().and_then(format::by_name).is_some_and(|named| std::ptr::eq(named, written))
        });
        own.unwrap_or(OsStr::new(written.extensions[0])).into()
    }
}

/// Every picture below `root`, sorted, with its place below `folder`. What is in `folder` itself is skipped, so
/// results are not colorized again.
fn walk(root: &Path, folder: &Path, naming: Naming<'_>, items: &mut Vec<Item>) {
    let before = items.len();
    let output_folder = fs::metadata(folder).ok().map(|metadata| id(&metadata));
    let wanted = |entry: &DirEntry| {
        let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
        let written = entry.depth() > 0
            && entry.file_type().is_dir()
            && entry.metadata().ok().map(|metadata| id(&metadata)) == output_folder;
        !hidden && !written
    };
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter().filter_entry(wanted) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && format::by_extension(entry.path()).is_some() => {
                let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
                let below = below.parent().map_or(folder.into(), |below| folder.join(below));
                items.push(naming.item(entry.path(), &below));
            }
            Ok(_) => {}
            Err(error) => {
                let input = error.path().unwrap_or(root).to_path_buf();
                let problem = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                items.push(Item { input, output: Err(format!("cannot be read: {problem}")), map: None });
            }
        }
    }
    if items.len() == before {
        let problem = format!("the folder contains no supported image ({})", format::names("or"));
        items.push(Item { input: root.into(), output: Err(problem), map: None });
    }
}

/// Drops duplicates, and refuses those that would write one file, a result or a map: all of them, since none has more
/// right to it.
fn without_collisions(items: Vec<Item>) -> Vec<Item> {
    let mut first: HashMap<PathBuf, PathBuf> = HashMap::new();
    let mut kept: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        let again = |output| first.get(output).is_some_and(|other| same_file(other, &item.input));
        if item.output.as_ref().is_ok_and(again) {
            continue;
        }
        if let Ok(output) = &item.output {
            first.entry(output.clone()).or_insert_with(|| item.input.clone());
        }
        kept.push(item);
    }
    let mut claims: HashMap<PathBuf, Vec<usize>> = HashMap::new();
    for (index, item) in kept.iter().enumerate() {
        for written in item.output.iter().chain(&item.map) {
            claims.entry(written.clone()).or_default().push(index);
        }
    }
    let problems: Vec<Option<String>> =
        (0..kept.len()).map(|index| collision(&kept, &claims, index)).collect();
    for (item, problem) in kept.iter_mut().zip(problems) {
        if let Some(problem) = problem {
            (item.output, item.map) = (Err(problem), None);
        }
    }
    kept
}

/// The sentence about another item that would write a file of this one, if there is one.
fn collision(items: &[Item], claims: &HashMap<PathBuf, Vec<usize>>, index: usize) -> Option<String> {
    let item = &items[index];
    item.output.iter().chain(&item.map).find_map(|written| {
        let other = claims.get(written)?.iter().find(|other| **other != index)?;
        Some(format!(
            "{} would be written for {} as well; colorize one of them into another folder, or under another name",
            written.display(),
            items[*other].input.display()
        ))
    })
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => id(&one) == id(&other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lie_beside_outputs_and_never_on_another_file() {
        let naming = Naming { format: None, suffix: "-color", map: Some("-map") };
        let item = |input: &str, output: &str| naming.planned(Path::new(input), Ok(output.into()));
        assert_eq!(item("a", "out/a.b.jpg").map.as_deref(), Some(Path::new("out/a.b-map.png")));
        for (one, other) in [("out/a.jpg", "out/a.png"), ("out/a.png", "out/a-map.png")] {
            let refused =
                without_collisions(vec![item("one", one), item("other", other), item("third", "out/c.jpg")]);
            let said = |index: usize| refused[index].output.clone();
            assert!(said(0).unwrap_err().starts_with("out/a-map.png would be written for other as well;"));
            assert!(said(1).unwrap_err().starts_with("out/a-map.png would be written for one as well;"));
            assert_eq!(said(2).as_deref(), Ok(Path::new("out/c.jpg")));
        }
        let fine = without_collisions(vec![item("one", "out/a.png"), item("other", "out/b.png")]);
        assert!(fine.iter().all(|item| item.output.is_ok()));
    }
}
