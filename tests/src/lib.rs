//! Where the suites find the build: the folder with the programs and libraries of this build.

pub mod faults;
pub mod header;
pub mod pictures;
pub mod tiff_files;
pub mod tiny_model;
pub mod trainer;

use std::path::PathBuf;

/// The folder where cargo put programs and libraries (`target/release`), located from the running test.
#[must_use]
pub fn built() -> PathBuf {
    let exe = std::env::current_exe().expect("a test knows its own path");
    exe.ancestors().nth(2).expect("tests lie in <target>/<profile>/deps").to_path_buf()
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_path_buf()
}

/// Sends the signal of that name (`INT`, `KILL`) to a process, or to the group that a negative number names; false if there is
/// none. The shell sends it, since `kill` as a program is not on every machine.
#[must_use]
pub fn signal(process: i64, name: &str) -> bool {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("kill -s {name} -- {process}")]).stderr(std::process::Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}

/// Compares `text` with the snapshot of that name in `tests/snapshots/`.
///
/// # Panics
/// If they differ, or there is no such snapshot.
pub fn pin(name: &str, text: &str) {
    pin_filtered(name, text, &[]);
}

/// Like [`pin`], after replacing what each filter (a regular expression) matches.
///
/// # Panics
/// If they differ, or there is no such snapshot.
pub fn pin_filtered(name: &str, text: &str, filters: &[(&str, &'static str)]) {
    insta::with_settings!({
        snapshot_path => checkout().join("tests/snapshots"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
        filters => filters.iter().copied(),
    }, {
        insta::assert_snapshot!(name, text);
    });
}
