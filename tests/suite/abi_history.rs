//! The C interface against its released versions.
//!
//! The idea: **a host compiled with a released header keeps working**, so numbers never change and structs only
//! grow at their end. `tests/abi/released` has the header of every released version.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use autochrome_tests::header::{Language, compile_including, header_path};
use autochrome_tests::tiny_model::write_tiny_model;
use autochrome_tests::{built, checkout};

/// The released headers, oldest first.
fn released() -> Vec<PathBuf> {
    let entries = fs::read_dir(checkout().join("tests/abi/released")).expect("the folder is there");
    let mut headers: Vec<PathBuf> = entries.map(|entry| entry.expect("lists").path()).collect();
    headers.sort();
    assert!(headers.len() >= 2, "{headers:?}");
    headers
}

/// What a header declares: constants and types by name, and the fields of each struct in order.
#[derive(Debug, Default)]
struct Declared {
    constants: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
    structs: BTreeMap<String, Vec<String>>,
}

fn declared(header: &str) -> Declared {
    let mut declared = Declared::default();
    for line in header.lines() {
        let mut words = line.split_whitespace();
        if let (Some("#define"), Some(name), Some(value)) = (words.next(), words.next(), words.next()) {
            declared.constants.insert(name.to_owned(), value.to_owned());
        }
    }
    // Drop comments and preprocessor lines, and collapse white space.
    let mut code = String::new();
    for (index, part) in header.split("/*").enumerate() {
        code.push_str(if index == 0 { part } else { part.split_once("*/").expect("comments end").1 });
    }
    let code: Vec<&str> = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .filter(|l| !l.starts_with('#'))
        .collect();
    let code = code.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in code.split("typedef ").skip(1) {
        match part.split_once('{') {
            Some((head, body)) if head.starts_with("struct ") => {
                let (fields, name) = body.split_once('}').expect("structs end");
                let fields = fields.split(';').map(str::trim).filter(|field| !field.is_empty());
                let name = name.split(';').next().unwrap_or_default().trim().to_owned();
                declared.structs.insert(name, fields.map(str::to_owned).collect());
            }
            _ => {
                let text = part.split(';').next().unwrap_or_default().trim().to_owned();
                declared.types.insert(text.clone(), text);
            }
        }
    }
    declared
}

/// What is missing or different in `new`, one line each.
fn broken(old: &Declared, new: &Declared) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, value) in old.constants.iter().filter(|(name, _)| *name != "AUTOCHROME_ABI_MINOR") {
        if new.constants.get(name) != Some(value) {
            broken.push(format!("{name} was {value}, is {:?}", new.constants.get(name)));
        }
    }
    broken.extend(
        old.types.keys().filter(|text| !new.types.contains_key(*text)).map(|text| format!("{text} is gone")),
    );
    for (name, fields) in &old.structs {
        let now = new.structs.get(name).map_or(&[][..], Vec::as_slice);
        if !now.starts_with(fields) {
            broken.push(format!("{name} no longer begins with {fields:?}: it is {now:?}"));
        }
    }
    broken
}

fn read(path: &PathBuf) -> Declared {
    declared(&fs::read_to_string(path).expect("the header can be read"))
}

#[test]
fn released_headers_were_only_appended_to() {
    let current = read(&header_path());
    assert!(current.constants.len() > 20 && current.structs["AutochromeApi"].len() > 15, "{current:?}");
    for header in released() {
        let broken = broken(&read(&header), &current);
        assert!(broken.is_empty(), "{}:\n{}", header.display(), broken.join("\n"));
    }
}

#[test]
fn the_current_version_is_among_the_released() {
    let version = |declared: &Declared| {
        let number = |name: &str| declared.constants[name].parse::<u32>().expect("a number");
        (number("AUTOCHROME_ABI_MAJOR"), number("AUTOCHROME_ABI_MINOR"))
    };
    let newest = released().last().map(read).expect("a header");
    let current = read(&header_path());
    // Unreleased changes have a minor version of their own, so that a host can tell.
    let same = broken(&current, &newest).is_empty();
    assert!(same && version(&current) == version(&newest) || version(&current) > version(&newest));
}

#[test]
fn changes_that_break_hosts_are_found() {
    let old =
        declared("#define A 1\ntypedef int32_t T;\ntypedef struct S {\n  int a; /* x */\n  int b;\n} S;\n");
    let good = declared(
        "#define A 1\n#define B 2\ntypedef int32_t T;\ntypedef struct S { int a; int b; int c; } S;\n",
    );
    assert_eq!(broken(&old, &good), [""; 0]);
    let bad = declared("#define A 2\ntypedef int64_t T;\ntypedef struct S { int b; int a; } S;\n");
    let said = broken(&old, &bad);
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn hosts_of_released_headers_work_with_this_plugin() {
    for header in released() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = folder.path().join("models");
        write_tiny_model(&models, "tiny");
        let include = folder.path().join("include");
        fs::create_dir(&include).expect("a folder");
        fs::copy(&header, include.join("autochrome.h")).expect("copies");
        let source = checkout().join("tests/abi/raw.c");
        let program = compile_including(&source, Language::C11, folder.path(), &include);
        let mut command = Command::new(program);
        command.arg(built().join("libautochrome.so")).arg(&models).args(["3", "2", "48", "40", "0", "0"]);
        command.env_remove("AUTOCHROME_MODELS").env("XDG_DATA_HOME", "/nonexistent");
        let input = folder.path().join("in");
        fs::write(&input, [90; 48 * 40]).expect("writes");
        command.stdin(Stdio::from(fs::File::open(&input).expect("opens")));
        let output = command.output().expect("the host starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", header.display());
        assert_eq!(output.stdout.len(), 48 * 40 * 3, "{}", header.display());
    }
}
