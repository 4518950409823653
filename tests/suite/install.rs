//! What `cargo xtask install` puts below a prefix works from there, names no path of the checkout, and can be
//! removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use autochrome_test_notes::{Need, skip};
use autochrome_tests::faults::{Moments, count};
use autochrome_tests::{built, checkout};

/// Path of the installed plug-in below a GIMP profile.
const IN_GIMP: &str = "plug-ins/autochrome-gimp/autochrome-gimp";

/// `cargo xtask` as built, with this build's target folder; the GIMPs it finds have their profiles, `gimp2` and
/// `gimp3`, in `home`.
fn xtask(args: &[&str], home: &Path) -> Output {
    command(args, home).output().expect("xtask is built with the workspace")
}

fn command(args: &[&str], home: &Path) -> Command {
    let target = built().parent().expect("release/ lies in the target folder").to_path_buf();
    let mut command = Command::new(built().join("xtask"));
    command
        .args(args)
        .env("CARGO_MANIFEST_DIR", checkout().join("xtask"))
        .env("CARGO_TARGET_DIR", target)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("GIMP2_DIRECTORY", home.join("gimp2"))
        .env("GIMP3_DIRECTORY", home.join("gimp3"))
        .env_remove("LIBTORCH_USE_PYTORCH");
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Every file below `folder`, relative to it, sorted.
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

/// A GIMP, started without a window or anything slow; `program` may be words that start it elsewhere.
fn gimp(program: &[&str], args: &[&str]) -> Command {
    let quiet = ["--no-interface", "--no-data", "--no-fonts", "--no-splash"];
    let mut gimp = Command::new(program[0]);
    gimp.args(&program[1..]).args(quiet).args(args).env_remove("LD_LIBRARY_PATH");
    gimp
}

/// Every GIMP on this machine sees the plug-in once it has started, and the doctor reports both states.
fn is_seen_by_gimp(home: &Path) {
    let doctor = |expected: &str, profile: &str| {
        let said = text(&xtask(&["doctor"], home));
        let version = if profile == "gimp2" { "GIMP 2." } else { "GIMP 3." };
        let line = said.lines().find(|line| line.contains(version)).expect("the doctor names each GIMP");
        assert!(line.contains(expected), "expected `{expected}` in `{line}`");
    };
    let inside = checkout().join(".ci/gimp3-run").display().to_string();
    let gimps = [
        (
            Need::Gimp2,
            "gimp2",
            "GIMP2_DIRECTORY",
            &["gimp-console-2.10"][..],
            &["--batch", "(gimp-quit 0)"][..],
        ),
        (Need::Gimp3, "gimp3", "GIMP3_DIRECTORY", &[&inside, "gimp-console-3.0"], &["--quit"]),
    ];
    for (need, profile, variable, program, end) in gimps {
        doctor("GIMP will see it at its next start", profile);
        if !gimp(program, &["--version"]).output().is_ok_and(|answer| answer.status.success()) {
            skip(need, format!("{program:?} cannot be started; .ci/run installs it"));
            continue;
        }
        // Its exit status says nothing about plug-ins; what it recorded does.
        gimp(program, end).env(variable, home.join(profile)).output().unwrap();
        doctor("GIMP has seen the plug-in", profile);
    }
}

#[test]
fn an_installation_works_alone_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (prefix, elsewhere) = (dir.path().join("prefix"), dir.path().join("elsewhere"));
    let profiles = ["gimp2", "gimp3"].map(|profile| dir.path().join(profile));
    for folder in [&elsewhere, &profiles[0], &profiles[1]] {
        fs::create_dir_all(folder).unwrap();
    }
    let prefix_arg = format!("--prefix={}", prefix.display());
    let installed = xtask(&["install", "--no-build", &prefix_arg], dir.path());
    assert!(installed.status.success(), "{}", text(&installed));
    for profile in &profiles {
        let link = profile.join(IN_GIMP);
        assert_eq!(fs::read_link(&link).unwrap(), prefix.join("lib/autochrome/autochrome-gimp"));
        assert!(
            text(&installed)
                .contains(&format!("restart it and look for Colors > Colorize Photo... ({}", link.display()))
        );
    }

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
                "{} contains the path of the checkout",
                path.display()
            );
        }
    }

    // Another folder, an empty home, none of our variables: it finds everything by itself.
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
    let colored = Command::new(prefix.join("bin/autochrome"))
        .args([photo.as_os_str(), "-o".as_ref(), "colored.png".as_ref()])
        .current_dir(&elsewhere)
        .env_clear()
        .env("HOME", "")
        .output()
        .unwrap();
    assert!(colored.status.success(), "{}", text(&colored));
    assert_eq!(files(&elsewhere), [PathBuf::from("colored.png")]);
    let mapped = Command::new("ldd").arg(prefix.join("lib/autochrome/libautochrome.so")).output().unwrap();
    let mapped = text(&mapped);
    assert!(!mapped.contains("not found"), "{mapped}");
    assert!(mapped.contains(&format!("{}/lib/autochrome/libtorch_cpu.so", prefix.display())), "{mapped}");

    // Through the link the plug-in finds the library beside its own file.
    let check = Command::new(profiles[0].join(IN_GIMP)).arg("--check").env_clear().output().unwrap();
    let library = prefix.join("lib/autochrome/libautochrome.so");
    assert!(text(&check).contains(&library.display().to_string()), "{}", text(&check));
    is_seen_by_gimp(dir.path());

    let theirs = prefix.join("share/theirs");
    fs::write(&theirs, "").unwrap();
    let removed = xtask(&["uninstall", &prefix_arg], dir.path());
    assert!(removed.status.success(), "{}", text(&removed));
    assert_eq!(files(&prefix), [PathBuf::from("share/theirs")]);
    for profile in &profiles {
        assert!(!profile.join("plug-ins/autochrome-gimp").exists(), "{}", profile.display());
    }
}

#[test]
fn an_installation_that_is_killed_is_made_or_removed_by_the_next_command() {
    let dir = tempfile::tempdir().unwrap();
    let (prefix, mut moments) = (dir.path().join("prefix"), Moments(29));
    let prefix_arg = format!("--prefix={}", prefix.display());
    let args = ["install", "--no-build", "--no-gimp", &prefix_arg];
    for kill in 0..count(3) {
        let mut child =
            command(&args, dir.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moments.below(Duration::from_millis(1500)));
        let _ = autochrome_tests::signal(child.id().into(), "KILL");
        child.wait().unwrap();
        // A file that has its final name is whole: the program answers once it is there.
        let program = prefix.join("bin/autochrome");
        if program.exists() {
            let version = Command::new(&program).arg("--version").output().unwrap();
            assert!(version.status.success(), "kill {kill}");
        }
        if kill % 2 == 1 {
            // What was begun can be removed, too.
            let removed = xtask(&["uninstall", &prefix_arg], dir.path());
            let said = text(&removed);
            assert!(removed.status.success() || said.contains("nothing is installed"), "{said}");
            assert_eq!(
                if prefix.exists() { files(&prefix) } else { Vec::new() },
                Vec::<PathBuf>::new(),
                "kill {kill}"
            );
        }
    }
    let installed = xtask(&args, dir.path());
    assert!(installed.status.success(), "{}", text(&installed));
    let left: Vec<PathBuf> = files(&prefix)
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".autochrome-new"))
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
    let listed = Command::new(prefix.join("bin/autochrome")).arg("models").env_clear().output().unwrap();
    assert!(listed.status.success(), "{}", text(&listed));
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
    let refused = xtask(&["setup", "--libtorch", &dir.path().display().to_string()], dir.path());
    assert!(!refused.status.success());
    let said = text(&refused).replace(&dir.path().canonicalize().unwrap().display().to_string(), "DIR");
    insta::assert_snapshot!(
        said.trim(),
        @"error: DIR contains libtorch 2.4.1, but this project needs libtorch 2.11.0. Use your own 2.11.0 with `cargo xtask setup --libtorch DIR` (`pip install torch==2.11.0` makes one), or unset LIBTORCH and run `cargo xtask setup`, which fetches 2.11.0"
    );
}
