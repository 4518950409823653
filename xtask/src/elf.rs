//! What an installation needs to read and change in ELF files.
//!
//! The idea: a build leaves two traces in its output, the search path back to the checkout and the paths of
//! libtorch's headers in error messages. In the installed copy both are overwritten with text of the same length.
//! Compiler flags could do the same, but only for builds that used them.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{Dyn as _, FileHeader as _};

/// The libraries that the ELF file at `path` asks the loader for.
pub fn needed(path: &Path) -> Result<Vec<String>> {
    let read = || -> Result<Vec<String>> {
        let file = ReadCache::new(std::fs::File::open(path)?);
        let header = FileHeader64::<Endianness>::parse(&file)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, &file)?;
        let Some((entries, strings)) = sections.dynamic(endian, &file)? else { return Ok(Vec::new()) };
        let strings = sections.strings(endian, &file, strings)?;
        let wanted = entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED);
        wanted.map(|entry| Ok(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned())).collect()
    };
    read().with_context(|| format!("{} is not a readable 64-bit ELF file", path.display()))
}

/// The minimum glibc that the ELF file at `path` needs, such as `2.35`; `None` if it needs none.
pub fn glibc(path: &Path) -> Result<Option<String>> {
    let read = || -> Result<Option<(u32, u32)>> {
        let file = ReadCache::new(std::fs::File::open(path)?);
        let header = FileHeader64::<Endianness>::parse(&file)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, &file)?;
        let Some((mut libraries, link)) = sections.gnu_verneed(endian, &file)? else { return Ok(None) };
        let strings = sections.strings(endian, &file, link)?;
        let mut most = None;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
                most = most.max(glibc_version(&name));
            }
        }
        Ok(most)
    };
    let most = read().with_context(|| format!("{} is not a readable 64-bit ELF file", path.display()))?;
    Ok(most.map(|(major, minor)| format!("{major}.{minor}")))
}

/// The numbers in `GLIBC_2.35`; a third one is ignored.
fn glibc_version(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Every library in `folders` that the files `roots` need, directly or indirectly; what is not in `folders` belongs
/// to the system.
pub fn closure(roots: &[PathBuf], folders: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open: VecDeque<PathBuf> = roots.to_vec().into();
    while let Some(path) = open.pop_front() {
        for name in needed(&path)? {
            let place = folders.iter().map(|folder| folder.join(&name)).find(|place| place.is_file());
            if let (Some(place), false) = (place, found.contains_key(&name)) {
                open.push_back(place.clone());
                found.insert(name, place);
            }
        }
    }
    Ok(found)
}

/// Removes traces of the build tree from a library or program without changing its length.
pub fn scrub(bytes: &mut [u8], checkout: &Path) {
    for start in positions(bytes, b"$ORIGIN:$ORIGIN/") {
        // The search path ends after its first entry, the file's own folder.
        let rest = &mut bytes[start + b"$ORIGIN".len()..];
        let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
        rest[..end].fill(0);
    }
    let checkout = checkout.as_os_str().as_encoded_bytes();
    for start in positions(bytes, b"/.libtorch/") {
        // The bindings may come from a build in another checkout; such a path begins after a character that a path
        // cannot contain.
        let known = start.checked_sub(checkout.len()).filter(|&from| bytes[from..].starts_with(checkout));
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | b'"' | b'\'');
        let from = known.unwrap_or_else(|| bytes[..start].iter().rposition(ends).map_or(0, |end| end + 1));
        // `/home/me/src/.libtorch/x.h` becomes `.////////////.libtorch/x.h`, an ordinary path.
        if bytes[from..start].first() == Some(&b'/') {
            bytes[from] = b'.';
            bytes[from + 1..start].fill(b'/');
        }
    }
}

/// The first path in the checkout or the target folder that `bytes` contains, if any.
pub fn names_build_tree(bytes: &[u8], checkout: &Path, target: &Path) -> Option<String> {
    // `<checkout>/` alone would match, for a checkout at `/src`, every other path containing `/src/`.
    let entries = std::fs::read_dir(checkout).into_iter().flatten().flatten().map(|entry| entry.path());
    let places: Vec<PathBuf> = entries.chain([target.join("release")]).collect();
    let places = places.iter().map(|place| place.as_os_str().as_encoded_bytes());
    let found = places.filter_map(|place| {
        let ends = |start: &usize| {
            !bytes.get(start + place.len()).is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'-')
        };
        positions(bytes, place).into_iter().find(ends)
    });
    let start = found.min()?;
    let text: Vec<u8> =
        bytes[start..].iter().copied().take(120).take_while(|byte| byte.is_ascii_graphic()).collect();
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Offsets of `needle` in `bytes`.
fn positions(bytes: &[u8], needle: &[u8]) -> Vec<usize> {
    let Some(&first) = needle.first() else { return Vec::new() };
    let starts = bytes.iter().enumerate().filter(|&(_, &byte)| byte == first).map(|(start, _)| start);
    starts.filter(|&start| bytes[start..].starts_with(needle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_build_tree_out_and_keeps_every_length() {
        let text =
            b"\0$ORIGIN:$ORIGIN/../../.libtorch/lib:$ORIGIN/../x\0at \"/w/co/.libtorch/include/a.h\":7\0\
            $ORIGIN/../y\0/v/.libtorch/b.h\0";
        let mut bytes = text.to_vec();
        scrub(&mut bytes, Path::new("/w/co"));
        assert_eq!(bytes.len(), text.len());
        let strings: Vec<&[u8]> = bytes.split(|&byte| byte == 0).filter(|part| !part.is_empty()).collect();
        let expected: [&[u8]; 4] =
            [b"$ORIGIN", b"at \"./////.libtorch/include/a.h\":7", b"$ORIGIN/../y", b".//.libtorch/b.h"];
        assert_eq!(strings, expected);
    }

    #[test]
    fn finds_what_names_the_checkout_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let checkout = dir.path().join("src");
        std::fs::create_dir_all(checkout.join("plugin")).unwrap();
        let target = checkout.join("target");
        let inside = format!("\0{}/plugin/src/lib.rs\0", checkout.display());
        let found = names_build_tree(inside.as_bytes(), &checkout, &target).unwrap();
        assert!(found.ends_with("plugin/src/lib.rs"));
        let outside = format!("\0{}/plugins/a\0{}/other\0", checkout.display(), checkout.display());
        assert_eq!(names_build_tree(outside.as_bytes(), &checkout, &target), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(glibc_version("GLIBC_2.35") > glibc_version("GLIBC_2.4"));
        assert_eq!(glibc_version("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc_version("GCC_3.0"), None);
    }

    #[test]
    fn reads_what_a_program_needs() {
        let own = std::env::current_exe().unwrap();
        assert!(needed(&own).unwrap().iter().any(|name| name.starts_with("libc.so")));
        assert!(glibc(&own).unwrap().is_some_and(|version| version.starts_with("2.")));
        assert!(closure(&[own], &[]).unwrap().is_empty());
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        std::fs::write(&text, "no ELF").unwrap();
        assert!(needed(&text).unwrap_err().to_string().contains("not a readable 64-bit ELF file"));
    }
}
