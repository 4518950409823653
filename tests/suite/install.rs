//! What `cargo xtask install` puts below a prefix works from there, names nothing of the checkout, and goes again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use autochrome_tests::{built, checkout};

/// `cargo xtask` as it was built, told where this build's files are.
fn xtask(args: &[&str]) -> Output {
    let target = built().parent().expect("release/ lies in the target folder").to_path_buf();
    Command::new(built().join("xtask"))
        .args(args)
        .env("CARGO_MANIFEST_DIR", checkout().join(".ci/xtask"))
        .env("CARGO_TARGET_DIR", target)
        .env_remove("LIBTORCH_USE_PYTORCH")
        .output()
        .expect("xtask is built with the workspace")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Every file below `folder`, relative to it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false => found.push(entry.path().strip_prefix(folder).unwrap().to_path_buf()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_installation_works_alone_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (prefix, elsewhere) = (dir.path().join("prefix"), dir.path().join("elsewhere"));
    fs::create_dir_all(&elsewhere).unwrap();
    let prefix_arg = format!("--prefix={}", prefix.display());
    let installed = xtask(&["install", "--no-build", &prefix_arg]);
    assert!(installed.status.success(), "{}", text(&installed));

    let found = files(&prefix);
    for expected in ["bin/autochrome", "lib/autochrome/libautochrome.so", "lib/autochrome/libtorch_cpu.so"] {
        assert!(found.contains(&PathBuf::from(expected)), "no {expected} in {found:?}");
    }
    let tree = checkout();
    let ours = found
        .iter()
        .filter(|path| !path.to_string_lossy().contains(".so") || path.ends_with("libautochrome.so"));
    for path in ours {
        let bytes = fs::read(prefix.join(path)).unwrap();
        for inside in [tree.join(".libtorch"), tree.join("target"), tree.join("plugin")] {
            let needle = inside.as_os_str().as_encoded_bytes();
            assert!(
                !bytes.windows(needle.len()).any(|part| part == needle),
                "{} names the checkout",
                path.display()
            );
        }
    }

    // Another folder, an empty home, none of our variables: what it needs it finds by itself.
    let listed = Command::new(prefix.join("bin/autochrome"))
        .arg("models")
        .current_dir(&elsewhere)
        .env_clear()
        .env("HOME", "")
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", text(&listed));
    let photos = fs::read_dir(tree.join("examples/photos")).unwrap().flatten().map(|entry| entry.path());
    let photo = photos.filter(|path| path.extension().is_some_and(|ending| ending == "jpg")).min().unwrap();
    let coloured = Command::new(prefix.join("bin/autochrome"))
        .args([photo.as_os_str(), "-o".as_ref(), "coloured.png".as_ref()])
        .current_dir(&elsewhere)
        .env_clear()
        .env("HOME", "")
        .output()
        .unwrap();
    assert!(coloured.status.success(), "{}", text(&coloured));
    assert_eq!(files(&elsewhere), [PathBuf::from("coloured.png")]);
    let mapped = Command::new("ldd").arg(prefix.join("lib/autochrome/libautochrome.so")).output().unwrap();
    let mapped = text(&mapped);
    assert!(!mapped.contains("not found"), "{mapped}");
    assert!(mapped.contains(&format!("{}/lib/autochrome/libtorch_cpu.so", prefix.display())), "{mapped}");

    let theirs = prefix.join("share/theirs");
    fs::write(&theirs, "").unwrap();
    let removed = xtask(&["uninstall", &prefix_arg]);
    assert!(removed.status.success(), "{}", text(&removed));
    assert_eq!(files(&prefix), [PathBuf::from("share/theirs")]);
}

#[test]
fn a_libtorch_of_another_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for file in [
        "lib/libtorch_cpu.so",
        "lib/libc10.so",
        "lib/libtorch.so",
        "include/torch/csrc/api/include/torch/torch.h",
    ] {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    fs::write(dir.path().join("version.py"), "__version__ = '2.4.1+cu121'\n").unwrap();
    let refused = xtask(&["setup", "--libtorch", &dir.path().display().to_string()]);
    assert!(!refused.status.success());
    let said = text(&refused).replace(&dir.path().canonicalize().unwrap().display().to_string(), "DIR");
    insta::assert_snapshot!(
        said.trim(),
        @"error: DIR holds libtorch 2.4.1, and this project is built for libtorch 2.11.0. Name a folder of 2.11.0 with `cargo xtask setup --libtorch DIR` (`pip install torch==2.11.0` makes one), or unset LIBTORCH and run `cargo xtask setup`, which fetches 2.11.0"
    );
}
