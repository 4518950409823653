//! Whether a GIMP sees the plug-in, and why not.
//!
//! The idea: GIMP silently skips whatever is wrong - a wrong folder name, a missing execute bit, a path in its
//! settings - and records in `pluginrc` what plug-ins answered when it queried them. Both are read here as GIMP
//! reads them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Gimp, MENU, PLUG_IN, Surroundings};

/// The procedure that the plug-in registers.
const PROCEDURE: &str = "plug-in-autochrome-colorize";

/// One line about one GIMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The plug-in is there; its state.
    Good(String),
    /// It is not installed for this GIMP.
    Absent(String),
    /// It is there but this GIMP does not offer it: why, and what to do.
    Bad(String),
}

/// Every GIMP of the user: its name, and the finding.
pub fn report(around: &Surroundings) -> Vec<(String, Finding)> {
    let gimps = around.gimps();
    if gimps.is_empty() {
        let what =
            "not found; if you have one, name its profile folder with `cargo xtask install --gimp DIR`";
        return vec![("GIMP".into(), Finding::Absent(what.into()))];
    }
    let line = |gimp: Gimp| {
        let path = gimp.program.as_ref().unwrap_or(&gimp.profile).display().to_string();
        let finding = match inspect(&gimp, around.home.as_deref()) {
            Finding::Good(what) => Finding::Good(format!("{path}; {what}")),
            Finding::Absent(what) => Finding::Absent(format!("{path}; {what}")),
            Finding::Bad(what) => Finding::Bad(format!("{path}; {what}")),
        };
        (gimp.name, finding)
    };
    gimps.into_iter().map(line).collect()
}

/// The state of the plug-in in one GIMP.
fn inspect(gimp: &Gimp, home: Option<&Path>) -> Finding {
    let place = gimp.place();
    match fs::symlink_metadata(&place) {
        Err(_) => return absent(gimp),
        Ok(found) if found.is_dir() => {
            return Finding::Bad(format!(
                "{} is a folder: expected the plug-in; remove it and run `cargo xtask install`",
                place.display()
            ));
        }
        Ok(_) => {}
    }
    let Ok(file) = fs::metadata(&place) else {
        let target = fs::read_link(&place).unwrap_or_default();
        return Finding::Bad(format!(
            "{} points to {}, which is gone: run `cargo xtask install`, or remove it",
            place.display(),
            target.display()
        ));
    };
    if file.permissions().mode() & 0o111 == 0 {
        return Finding::Bad(format!("{0} is not executable: run `chmod +x {0}`", real(&place).display()));
    }
    if let Some(path) = search_path(&gimp.profile).filter(|path| !leads_to(path, gimp, home)) {
        return Finding::Bad(format!(
            "plug-in-path in {} is \"{path}\", without {}: add ${{gimp_dir}}/plug-ins in GIMP's Preferences > Folders > \
             Plug-ins",
            gimp.profile.join("gimprc").display(),
            gimp.plug_ins.display()
        ));
    }
    noted(gimp, &place)
}

/// The plug-in is not in its place: not installed, or under a name that GIMP ignores.
fn absent(gimp: &Gimp) -> Finding {
    let folder = gimp.plug_ins.join(PLUG_IN);
    let entries = fs::read_dir(&gimp.plug_ins).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut misplaced: Vec<PathBuf> = entries
        .map(|entry| if entry == folder && entry.is_file() { entry } else { entry.join(PLUG_IN) })
        .collect();
    misplaced.retain(|path| path.is_file());
    misplaced.sort();
    if let Some(path) = misplaced.first() {
        return Finding::Bad(format!(
            "{} is ignored by GIMP, which expects a folder of the plug-in's own name: move it to {}",
            path.display(),
            gimp.place().display()
        ));
    }
    let never = if gimp.profile.is_dir() { "" } else { "never started, and " };
    Finding::Absent(format!("{never}the plug-in is not installed: run `cargo xtask install`"))
}

/// What GIMP recorded when it last queried its plug-ins.
fn noted(gimp: &Gimp, place: &Path) -> Finding {
    let list = gimp.profile.join("pluginrc");
    let text = read(&list);
    let check = format!("run `{} --check`", real(place).display());
    match entry(&text, gimp) {
        Some(entry) if !entry.body.contains(&format!("(proc-def \"{PROCEDURE}\"")) => {
            Finding::Bad(format!("GIMP queried the plug-in, but it did not offer {PROCEDURE}: {check}"))
        }
        Some(entry) if fs::metadata(place).is_ok_and(|file| file.mtime() == entry.modified) => {
            Finding::Good(format!("GIMP has seen the plug-in: {MENU}"))
        }
        Some(_) => Finding::Good("the plug-in is newer than the one GIMP has seen: restart GIMP".into()),
        // GIMP records no plug-in without procedures, and rewrites the list whenever it queried one.
        None if changed(&list) > changed(place) => {
            Finding::Bad(format!("GIMP has been started since, but the plug-in offered nothing: {check}"))
        }
        None => Finding::Good("the plug-in is there; GIMP will see it at its next start".into()),
    }
}

/// A file of GIMP's; plug-ins write names in any encoding into it.
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// What `pluginrc` says about one plug-in.
struct Entry<'a> {
    /// Modification time of the file that GIMP queried, in seconds since 1970.
    modified: i64,
    /// Its procedures.
    body: &'a str,
}

/// The entry of our plug-in, if any.
fn entry<'a>(list: &'a str, gimp: &Gimp) -> Option<Entry<'a>> {
    let names = [format!("${{gimp_dir}}/plug-ins/{PLUG_IN}/{PLUG_IN}"), gimp.place().display().to_string()];
    for part in list.split("(plug-in-def \"").skip(1) {
        let Some((name, rest)) = part.split_once('"') else { continue };
        if names.iter().any(|ours| ours == name) {
            let modified = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
            return Some(Entry { modified, body: rest });
        }
    }
    None
}

/// When the target of a path, or the link at it, last changed in content, name or permissions.
fn changed(path: &Path) -> Option<(i64, i64)> {
    let times = [fs::metadata(path), fs::symlink_metadata(path)].into_iter().flatten();
    times.map(|found| (found.ctime(), found.ctime_nsec())).max()
}

/// The `plug-in-path` in the profile's `gimprc`, if set.
fn search_path(profile: &Path) -> Option<String> {
    let text = read(&profile.join("gimprc"));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let code: String = lines.flat_map(|line| [line, "\n"]).collect();
    let value = code.rsplit_once("(plug-in-path")?.1.split_once('"')?.1;
    Some(value.split_once('"')?.0.to_owned())
}

/// Whether a `plug-in-path` contains the personal plug-ins folder.
fn leads_to(path: &str, gimp: &Gimp, home: Option<&Path>) -> bool {
    let home = home.unwrap_or(Path::new("~")).display().to_string();
    path.split(':').any(|part| {
        let part = part.replace("${gimp_dir}", &gimp.profile.display().to_string()).replace("${HOME}", &home);
        let part = part.strip_prefix('~').map_or(part.clone(), |rest| format!("{home}{rest}"));
        real(Path::new(&part)) == real(&gimp.plug_ins)
    })
}

/// A path with links resolved, if it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    /// A profile with the plug-in linked into it as `install` does, and the file it points to.
    fn installed(dir: &Path) -> (Gimp, PathBuf) {
        let gimp = Gimp::named(&dir.join("3.0")).unwrap();
        let file = dir.join("lib/autochrome-gimp");
        crate::files::replace(&file, b"#!/bin/sh\n", 0o755).unwrap();
        fs::create_dir_all(gimp.place().parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&file, gimp.place()).unwrap();
        (gimp, file)
    }

    /// The finding as text, without the temporary folder.
    fn said(gimp: &Gimp, dir: &Path) -> String {
        let text = match inspect(gimp, None) {
            Finding::Good(what) => format!("good: {what}"),
            Finding::Absent(what) => format!("absent: {what}"),
            Finding::Bad(what) => format!("bad: {what}"),
        };
        text.replace(&dir.display().to_string(), "DIR")
    }

    /// Writes a `pluginrc` as GIMP would after querying the plug-ins.
    fn list(gimp: &Gimp, file: &Path, procedure: &str) {
        let modified = fs::metadata(file).unwrap().mtime();
        let text = format!(
            "(file-version 15)\n\n(plug-in-def \"${{gimp_dir}}/plug-ins/{PLUG_IN}/{PLUG_IN}\" {modified}\n    \
             (proc-def \"{procedure}\" 1\n        \"blurb\"))\n(plug-in-def \"/usr/other\" 7\n    (proc-def \"x\" 1))\n"
        );
        let not_utf8: &[u8] = b"# \xe9\n";
        fs::write(gimp.profile.join("pluginrc"), [text.as_bytes(), not_utf8].concat()).unwrap();
    }

    #[test]
    fn what_is_not_installed_is_told_from_what_lies_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let gimp = Gimp::named(&dir.path().join("3.0")).unwrap();
        let not_installed = "the plug-in is not installed: run `cargo xtask install`";
        assert_eq!(said(&gimp, dir.path()), format!("absent: never started, and {not_installed}"));
        fs::create_dir_all(gimp.plug_ins.join("autochrome")).unwrap();
        assert_eq!(said(&gimp, dir.path()), format!("absent: {not_installed}"));
        let place = "DIR/3.0/plug-ins/autochrome-gimp/autochrome-gimp";
        for wrong in ["autochrome/autochrome-gimp", "autochrome-gimp"] {
            fs::write(gimp.plug_ins.join(wrong), "").unwrap();
            let expected = format!(
                "bad: DIR/3.0/plug-ins/{wrong} is ignored by GIMP, which expects a folder of the plug-in's own name: \
                 move it to {place}"
            );
            assert_eq!(said(&gimp, dir.path()), expected);
            fs::remove_file(gimp.plug_ins.join(wrong)).unwrap();
        }
        fs::create_dir_all(gimp.place()).unwrap();
        assert!(said(&gimp, dir.path()).starts_with(&format!("bad: {place} is a folder")));
    }

    #[test]
    fn what_gimp_cannot_start_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (gimp, file) = installed(dir.path());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let lib = "DIR/lib/autochrome-gimp";
        assert_eq!(said(&gimp, dir.path()), format!("bad: {lib} is not executable: run `chmod +x {lib}`"));
        fs::remove_file(&file).unwrap();
        let expected = "bad: DIR/3.0/plug-ins/autochrome-gimp/autochrome-gimp points to DIR/lib/autochrome-gimp, which is \
                        gone: run `cargo xtask install`, or remove it";
        assert_eq!(said(&gimp, dir.path()), expected);
    }

    #[test]
    fn a_search_path_without_the_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (gimp, _) = installed(dir.path());
        let rc = gimp.profile.join("gimprc");
        let own = gimp.plug_ins.display();
        for good in [
            "# (plug-in-path \"/usr/lib\")\n".to_owned(),
            "(plug-in-path \"/usr/lib:${gimp_dir}/plug-ins\")\n".to_owned(),
            format!("(undo-levels 5)\n(plug-in-path\n  \"{own}/:/usr/lib\")\n"),
        ] {
            fs::write(&rc, good).unwrap();
            assert!(said(&gimp, dir.path()).starts_with("good"), "{}", said(&gimp, dir.path()));
        }
        fs::write(&rc, "(plug-in-path \"${gimp_plug_in_dir}/plug-ins\")\n").unwrap();
        let expected = "bad: plug-in-path in DIR/3.0/gimprc is \"${gimp_plug_in_dir}/plug-ins\", without DIR/3.0/plug-ins: \
                        add ${gimp_dir}/plug-ins in GIMP's Preferences > Folders > Plug-ins";
        assert_eq!(said(&gimp, dir.path()), expected);
        fs::write(&rc, "(plug-in-path \"~/3.0/plug-ins\")\n").unwrap();
        assert!(matches!(inspect(&gimp, Some(dir.path())), Finding::Good(_)));
    }

    #[test]
    fn what_gimp_noted_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (gimp, file) = installed(dir.path());
        let next = "good: the plug-in is there; GIMP will see it at its next start";
        assert_eq!(said(&gimp, dir.path()), next);
        list(&gimp, &file, PROCEDURE);
        assert_eq!(said(&gimp, dir.path()), "good: GIMP has seen the plug-in: Colors > Colorize Photo...");
        let later = SystemTime::now() + Duration::from_secs(5);
        File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert_eq!(
            said(&gimp, dir.path()),
            "good: the plug-in is newer than the one GIMP has seen: restart GIMP"
        );
        list(&gimp, &file, "something-else");
        let check = "run `DIR/lib/autochrome-gimp --check`";
        let expected = format!(
            "bad: GIMP queried the plug-in, but it did not offer plug-in-autochrome-colorize: {check}"
        );
        assert_eq!(said(&gimp, dir.path()), expected);
    }

    #[test]
    fn a_list_newer_than_the_plug_in_that_leaves_it_out_says_it_offered_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (gimp, _) = installed(dir.path());
        fs::write(gimp.profile.join("pluginrc"), "(file-version 15)\n").unwrap();
        // A file system's clock ticks every few milliseconds: wait until it has.
        while changed(&gimp.profile.join("pluginrc")) == changed(&gimp.place()) {
            fs::write(gimp.profile.join("pluginrc"), "(file-version 15)\n").unwrap();
        }
        let check = "run `DIR/lib/autochrome-gimp --check`";
        let expected = format!("bad: GIMP has been started since, but the plug-in offered nothing: {check}");
        assert_eq!(said(&gimp, dir.path()), expected);
    }

    #[test]
    fn every_gimp_gets_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let around = super::super::tests::surroundings(dir.path());
        assert!(matches!(&report(&around)[..], [(name, Finding::Absent(_))] if name == "GIMP"));
        super::super::tests::program(&dir.path().join("bin"), "gimp-2.10", "2.10.34");
        let found = report(&around);
        let [(name, Finding::Absent(what))] = &found[..] else { panic!("{found:?}") };
        assert_eq!(name, "GIMP 2.10.34");
        assert!(what.contains("bin/gimp-2.10; never started"), "{what}");
    }
}
