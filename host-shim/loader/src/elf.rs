//! The file is checked before it is loaded: `dlopen` maps what the headers promise, so a truncated file kills the whole
//! program with SIGBUS instead of failing.
//!
//! The same holds for the libraries it needs: those beside it, where an installation has them, are checked too. Only
//! headers and symbols are read, never a whole library.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;

use autochrome_abi::AUTOCHROME_API_SYMBOL;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{NativeEndian, ReadCache, ReadRef};

/// libtorch exists for 64-bit machines only, and so does the plugin.
type Header = elf::FileHeader64<NativeEndian>;

/// The machine number of this program, where it is known.
const MACHINE: Option<elf::Machine> = if cfg!(target_arch = "x86_64") {
    Some(elf::EM_X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(elf::EM_AARCH64)
} else {
    None
};

const TRUNCATED: &str = "the file is cut short; reinstall it";
const NOT_ELF: &str = "it is not a shared library";

/// Refuses a file that is not a complete shared library for this machine exporting the plugin's function.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("it is not a file".into());
    }
    if metadata.len() == 0 {
        return Err("the file is empty; reinstall it".into());
    }
    let needed = read(path, true)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    check_needed(folder, needed)
}

/// Checks the `needed` libraries that are in `folder`, those that they need, and so on.
fn check_needed(folder: &Path, mut needed: Vec<String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    while let Some(name) = needed.pop() {
        let path = folder.join(&name);
        // A name with a slash is a path of its own, and libraries elsewhere are the system's business.
        if !name.contains('/') && path.is_file() && seen.insert(name.clone()) {
            needed
                .extend(read(&path, false).map_err(|problem| format!("{name}, which it needs: {problem}"))?);
        }
    }
    Ok(())
}

/// Checks one file, as a plugin or as a library of one; gives the names of the libraries it needs.
fn read(path: &Path, is_plugin: bool) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let cache = ReadCache::new(file);
    let data = &cache;
    let length = data.len().map_err(|()| "its length cannot be read".to_string())?;
    let header = check_header(data, length)?;
    let endian = header.endian().map_err(|_| foreign("different byte order"))?;
    check_extents(header, endian, data, length)?;
    if is_plugin {
        check_exports(header, endian, data)?;
    }
    let table = header.sections(endian, data).and_then(|sections| sections.dynamic_table(endian, data));
    let table = table.map_err(damaged)?;
    let needed = table.iter().filter(|entry| entry.tag == elf::DT_NEEDED);
    Ok(needed
        .filter_map(|entry| table.string(entry).ok())
        .map(|name| String::from_utf8_lossy(name).into())
        .collect())
}

/// A shared library for this machine.
fn check_header<'data>(data: impl ReadRef<'data>, length: u64) -> Result<&'data Header, String> {
    let magic = data.read_bytes_at(0, length.min(4)).map_err(|()| NOT_ELF.to_string())?;
    if magic != elf::ELFMAG {
        return Err(NOT_ELF.into());
    }
    let header = Header::parse(data).map_err(|_| {
        if length < 64 { TRUNCATED.into() } else { foreign("different word size or byte order") }
    })?;
    let endian = header.endian().map_err(|_| foreign("different byte order"))?;
    if header.e_type(endian) != elf::ET_DYN {
        return Err("it is an ELF file, but not a shared library".into());
    }
    let machine = header.e_machine(endian);
    if MACHINE.is_some_and(|own| own != machine) {
        return Err(foreign(&format!("machine number {}", machine.0)));
    }
    Ok(header)
}

fn damaged(error: object::read::Error) -> String {
    format!("its tables are damaged: {error}")
}

fn foreign(what: &str) -> String {
    format!("it was built for a different machine ({what}); this program runs on {}", std::env::consts::ARCH)
}

/// Every part that the headers mention is within the file.
fn check_extents<'data>(
    header: &Header,
    endian: NativeEndian,
    data: impl ReadRef<'data>,
    length: u64,
) -> Result<(), String> {
    let whole = |start: u64, size: u64| match start.checked_add(size) {
        Some(end) if end <= length => Ok(()),
        _ => Err(TRUNCATED.to_string()),
    };
    for segment in header.program_headers(endian, data).map_err(|_| TRUNCATED)? {
        whole(segment.p_offset(endian), segment.p_filesz(endian))?;
    }
    for section in header.section_headers(endian, data).map_err(|_| TRUNCATED)? {
        if section.sh_type(endian) != elf::SHT_NOBITS {
            whole(section.sh_offset(endian), section.sh_size(endian))?;
        }
    }
    Ok(())
}

fn check_exports<'data>(
    header: &Header,
    endian: NativeEndian,
    data: impl ReadRef<'data>,
) -> Result<(), String> {
    use object::read::elf::Sym;
    let sections = header.sections(endian, data).map_err(damaged)?;
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM).map_err(damaged)?;
    let exported = symbols.iter().any(|symbol| {
        !symbol.is_undefined(endian)
            && symbol
                .name(endian, symbols.strings())
                .is_ok_and(|name| name == AUTOCHROME_API_SYMBOL.as_bytes())
    });
    if exported {
        Ok(())
    } else {
        Err(format!(
            "it does not export {AUTOCHROME_API_SYMBOL}, so it is another library or another program's plugin"
        ))
    }
}
