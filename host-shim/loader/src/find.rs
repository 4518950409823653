//! Where the plugin is searched for.
//!
//! The rule: `AUTOCHROME_PLUGIN`, when set, is the only place; otherwise beside the program (a build tree, a
//! portable folder), then `../lib/autochrome/` seen from the program (an install prefix). Nothing else: loading a
//! library runs its code, so no folder that others may write to is searched.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// The library's file name.
const FILE_NAME: &str = "libautochrome.so";

/// The library to load.
pub(crate) fn find() -> Result<PathBuf, Error> {
    if let Some(named) = env::var_os("AUTOCHROME_PLUGIN").filter(|value| !value.is_empty()) {
        return named_library(PathBuf::from(named));
    }
    let searched: Vec<PathBuf> = program_folder().map(|folder| places(&folder)).unwrap_or_default();
    match searched.iter().find(|path| path.exists()) {
        Some(path) => Ok(path.clone()),
        None => Err(Error::NotFound { searched }),
    }
}

/// What `AUTOCHROME_PLUGIN` names: the library, or the folder it is in.
fn named_library(path: PathBuf) -> Result<PathBuf, Error> {
    let problem = |problem: &str| Error::Named { path: path.clone(), problem: problem.into() };
    if path.is_dir() {
        let library = path.join(FILE_NAME);
        return if library.exists() {
            Ok(library)
        } else {
            Err(problem("is a folder without libautochrome.so"))
        };
    }
    if path.exists() { Ok(path) } else { Err(problem("does not exist")) }
}

fn places(program_folder: &Path) -> Vec<PathBuf> {
    let mut places = vec![program_folder.join(FILE_NAME)];
    if let Some(prefix) = program_folder.parent() {
        places.push(prefix.join("lib/autochrome").join(FILE_NAME));
    }
    places
}

/// The folder of the running program. `/proc` may be missing in a sandbox: then the name it was started by is used.
fn program_folder() -> Option<PathBuf> {
    let program = env::current_exe().ok().or_else(|| started_as(env::args_os().next()?.into()))?;
    Some(program.parent()?.to_path_buf())
}

/// The program behind `argv[0]`: a path, or a name to look up in PATH.
fn started_as(name: PathBuf) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.canonicalize().ok();
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(&name)).find_map(|found| found.canonicalize().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_folder_is_looked_up_in_path() {
        let shell = started_as("sh".into()).expect("every system has a shell");
        assert!(shell.is_absolute());
        assert_eq!(started_as("/bin/sh".into()), Path::new("/bin/sh").canonicalize().ok());
        assert_eq!(started_as("no-program-has-this-name".into()), None);
    }

    #[test]
    fn a_prefix_is_searched_after_the_programs_own_folder() {
        assert_eq!(
            places(Path::new("/usr/local/bin")),
            ["/usr/local/bin/libautochrome.so", "/usr/local/lib/autochrome/libautochrome.so"]
                .map(PathBuf::from)
        );
    }
}
