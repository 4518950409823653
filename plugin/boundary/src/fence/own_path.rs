//! The path of the library itself, for finding what was installed with it.
//!
//! The idea: **ask the loader which file contains this function.** It answers with the path it was given, which may
//! be relative to a folder the process has since left; then the kernel's list of mappings is used.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The absolute path of the file this code was loaded from, with symbolic links resolved; `None` if neither the
/// loader nor the kernel knows it.
pub fn own_path() -> Option<PathBuf> {
    let here = (own_path as fn() -> Option<PathBuf>) as usize;
    let path = from_loader(here).filter(|path| path.is_absolute()).or_else(|| from_maps(here))?;
    Some(path.canonicalize().unwrap_or(path))
}

fn from_loader(address: usize) -> Option<PathBuf> {
    // SAFETY: Dl_info is pointers and numbers, of which zero is a valid value.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr looks the address up without dereferencing it; `info` is ours to fill.
    let found = unsafe { libc::dladdr(std::ptr::without_provenance(address), &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dladdr answered, and its path lives as long as the library is loaded, which is as long as this
    // code runs.
    let path = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(path.to_bytes())))
}

/// The file of the mapping that contains the address: `start-end perms offset device inode path`.
fn from_maps(address: usize) -> Option<PathBuf> {
    let maps = std::fs::read("/proc/self/maps").ok()?;
    let line = maps.split(|byte| *byte == b'\n').find(|line| {
        let range = std::str::from_utf8(line.split(|byte| *byte == b' ').next().unwrap_or(line)).ok();
        let ends = range.and_then(|range| range.split_once('-'));
        let ends = ends.and_then(|(start, end)| {
            Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
        });
        ends.is_some_and(|(start, end)| (start..end).contains(&address))
    })?;
    let path = &line[line.iter().position(|byte| *byte == b'/')?..];
    Some(Path::new(OsStr::from_bytes(path)).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loader_and_kernel_agree_on_this_very_test() {
        let exe = std::env::current_exe().expect("a test knows its path").canonicalize().expect("it exists");
        assert_eq!(own_path(), Some(exe.clone()));
        let here = (own_path as fn() -> Option<PathBuf>) as usize;
        assert_eq!(from_maps(here).and_then(|path| path.canonicalize().ok()), Some(exe));
    }
}
