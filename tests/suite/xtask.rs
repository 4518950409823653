//! The help of `cargo xtask`.

use std::process::Command;

use autochrome_tests::{built, pin};

#[test]
fn help_of_xtask() {
    let commands = ["", "setup", "demo", "test", "retrain", "pack", "doctor", "install", "uninstall"];
    let pages = commands.map(|command| {
        let mut xtask = Command::new(built().join("xtask"));
        xtask.args([command, "--help"].iter().filter(|argument| !argument.is_empty())).env("COLUMNS", "100");
        String::from_utf8(xtask.output().expect("starts").stdout).expect("text")
    });
    pin("xtask_help", &pages.join("\n----\n"));
}
