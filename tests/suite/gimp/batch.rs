//! `examples/gimp`: a folder through GIMP without a window, and one photograph in Python.

use std::fs;
use std::process::{Command, Output};

use autochrome_tests::checkout;

use super::{Generation, Gimp, distance, hosts, is_colored, with_each};

fn colorize_folder(gimp: &Gimp, input: &str, output: &str) -> Output {
    let mut command = Command::new(checkout().join("examples/gimp/colorize-folder.sh"));
    command.args([gimp.path(input), gimp.path(output)]);
    command.env("GIMP", hosts::wrapper(gimp.generation, gimp.folder.path()));
    command.env(gimp.generation.profile_variable(), gimp.path("profile"));
    command.output().unwrap()
}

#[test]
fn a_folder_is_colored_and_failing_files_are_named() {
    with_each(|gimp| {
        for folder in ["in", "bad"] {
            fs::create_dir(gimp.path(folder)).unwrap();
        }
        gimp.gray("in/a \"quoted\" name.png");
        gimp.gray("in/b.PNG");
        let good = colorize_folder(&gimp, "in", "out");
        assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
        assert_eq!(String::from_utf8_lossy(&good.stdout), "2 colored, 0 failed\n");
        gimp.color_by_command_line("in/b.PNG", "cli.png", &[]);
        for name in ["out/a \"quoted\" name.png", "out/b.PNG"] {
            assert!(distance(&gimp.open(name), &gimp.open("cli.png")) <= 1.0, "{name}");
        }
        let names = |folder: &str| fs::read_dir(gimp.path(folder)).unwrap().count();
        assert_eq!(names("out"), 2, "nothing else is left in the output folder");

        fs::write(gimp.path("bad/broken.png"), "no picture").unwrap();
        gimp.gray("bad/good.png");
        let bad = colorize_folder(&gimp, "bad", "out2");
        let said = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert_eq!(bad.status.code(), Some(1), "{said}");
        assert!(said.contains("bad/broken.png") && !said.contains("failed: good"), "{said}");
        assert!(is_colored(&gimp.open("out2/good.png")), "the file after the broken one is processed");
        assert_eq!(names("out2"), 1);
    });
}

#[test]
fn gimp_3_colors_in_python() {
    let Some(gimp) = Gimp::find(Generation::Three) else { return };
    let gimp = gimp.with_python();
    gimp.gray("gray.png");
    let script = fs::read_to_string(checkout().join("examples/gimp/colorize_file.py")).unwrap();
    let mut command = gimp.generation.program("gimp-console-3.0");
    command.args(["-i", "-d", "-f", "-s", "--quit", "--batch-interpreter=python-fu-eval", "-b", &script]);
    command.env("GIMP3_DIRECTORY", gimp.path("profile"));
    command.env("AUTOCHROME_IN", gimp.path("gray.png")).env("AUTOCHROME_OUT", gimp.path("result.xcf"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("(color)"), "it names the layer: {said}");
    let layers =
        gimp.succeed("(let ((image (open \"result.xcf\"))) (say (count image)) (export image \"seen.png\"))");
    assert_eq!(layers, ["2"]);
    assert!(is_colored(&gimp.open("seen.png")));
}
