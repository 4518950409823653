//! What cannot be colorized, and broken plugins: a message, and the image unchanged.

use std::fs;

use autochrome_tests::{built, pin, pin_filtered};

use super::{Generation, Gimp, with_each};

/// Tries once, and prints the number of layers and their contents afterward.
const TRY: &str = r#"
(define (state image) (list (count image) (base-type image) (car (gimp-image-is-dirty image))))
(define image (open "gray.png"))
"#;

/// The plug-in's message in what GIMP `printed`, without GIMP's words around it and paths of this machine.
fn sentence(gimp: &Gimp, printed: &str) -> String {
    let line = printed.lines().find(|line| line.starts_with("Error: ")).unwrap_or(printed);
    let text = line.replace(&gimp.folder.path().display().to_string(), "<folder>");
    let text = text.rsplit("plug-in-autochrome-colorize failed: ").next().unwrap_or_default();
    let text = text.split(" (<folder>/script.scm").next().unwrap_or_default();
    text.trim().to_owned()
}

fn refused(gimp: &Gimp, prepare: &str, output: u8) -> String {
    gimp.gray("gray.png");
    let told = gimp.run(&format!(
        "{TRY}\n{prepare}\n(define before (state image))\n(say before)\n(colorize image target {output})\n(say \"no error\")"
    ));
    assert_eq!(told.said.len(), 1, "{:?}\n{}", told.said, told.printed);
    sentence(gimp, &told.printed)
}

#[test]
fn what_cannot_be_colored_gets_a_sentence() {
    let cases = [
        (
            "indexed",
            "(gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 8 FALSE FALSE \"\") (define target (top image))",
            0,
        ),
        (
            "a channel",
            "(define target (car (gimp-channel-new image 10 10 \"c\" 50 '(0 0 0)))) (gimp-image-insert-channel image target 0 0)",
            0,
        ),
        (
            "a layer mask",
            "(define target (car (gimp-layer-create-mask (top image) ADD-MASK-WHITE))) (add-mask (top image) target)",
            0,
        ),
        ("locked, in place", "(define target (top image)) (gimp-item-set-lock-content target TRUE)", 1),
        ("a group, in place", "(define target (group image)) (gimp-image-insert-layer image target 0 0)", 1),
        (
            "a floating selection",
            "(gimp-edit-copy (top image)) (define target (top image)) (gimp-floating-sel-attach (car (gimp-layer-copy target FALSE)) target)",
            0,
        ),
        (
            "a selection elsewhere",
            "(gimp-image-resize image 300 64 0 0) (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 200 0 20 20) (define target (top image))",
            0,
        ),
        (
            "hints in a grayscale image",
            "(define target (top image)) (define hints (car (gimp-layer-copy target TRUE))) (gimp-image-insert-layer image hints 0 1) (gimp-item-set-name hints \"Color hints\")",
            0,
        ),
        ("the hints", "(define target (top image)) (gimp-item-set-name target \"Color hints\")", 0),
        (
            "hints without transparency",
            "(gimp-image-convert-rgb image) (define target (top image)) (define hints (car (gimp-layer-copy target FALSE))) (gimp-image-insert-layer image hints 0 1) (gimp-item-set-name hints \"Colour hints\")",
            0,
        ),
        ("an unknown output", "(define target (top image))", 7),
    ];
    // Script-Fu of GIMP 3 has other names for half of these; the messages come from the same code.
    let Some(gimp) = Gimp::find(Generation::Two) else { return };
    let gimp = gimp.with_stub("ok");
    let lines: Vec<String> = cases
        .iter()
        .map(|(what, prepare, output)| format!("{what}\n  {}", refused(&gimp, prepare, *output)))
        .collect();
    pin("gimp_refusals", &lines.join("\n"));
}

#[test]
fn a_plugin_that_fails_leaves_the_image_as_it_was() {
    with_each(|mut gimp| {
        gimp.gray("gray.png");
        let mut lines = Vec::new();
        for mode in
            ["fail", "memory", "panic-status", "unknown-status", "cancel", "no-session", "old-abi", "crash"]
        {
            gimp = gimp.with_stub(mode);
            let told = gimp.run(&format!(
                "{TRY}\n(say (state image))\n(export image \"before.png\")\n(define failed #t)\n\
                 (catch #f (colorize image (top image) 0) (set! failed #f))\n\
                 (say failed (state image))\n(export image \"after.png\")"
            ));
            let same = gimp.open("before.png") == gimp.open("after.png");
            lines.push(format!("{mode}: {} same image: {same}", told.said.join("; ")));
        }
        // A slow plugin, and one that misbehaves when cancelled: both colorize.
        for mode in ["slow", "cancel-probe"] {
            gimp = gimp.with_stub(mode);
            let told = gimp.run(&format!("{TRY}\n(colorize image (top image) 0)\n(say (state image))"));
            lines.push(format!("{mode}: {}", told.said.join("; ")));
        }
        // Both generations: the image unchanged, and an error each time.
        pin("gimp_failing_plugins", &lines.join("\n"));
    });
}

#[test]
fn what_is_missing_or_broken_is_named_with_its_remedy() {
    with_each(|mut gimp| {
        gimp.gray("gray.png");
        let models = gimp.path("models");
        fs::create_dir_all(models.join("broken")).unwrap();
        fs::write(models.join("broken/model.toml"), "schema = 1\nname = \"broken\"\n").unwrap();
        fs::write(gimp.path("cut.so"), &fs::read(built().join("libautochrome.so")).unwrap()[..4096]).unwrap();
        let (absent, cut) = (gimp.path("absent.so"), gimp.path("cut.so"));
        let mut lines = Vec::new();
        for (what, model, variable, value) in [
            ("no such model", "absent", "AUTOCHROME_MODELS", &models),
            ("a broken model", "broken", "AUTOCHROME_MODELS", &models),
            ("no library", "", "AUTOCHROME_PLUGIN", &absent),
            ("a library that is cut short", "", "AUTOCHROME_PLUGIN", &cut),
        ] {
            gimp.settings = vec![(variable, value.clone())];
            let told = gimp.run(&format!(
                "{TRY}\n(say (state image))\n(colorize-as image (top image) \"{model}\" 1.0 -1.0 0)"
            ));
            assert_eq!(told.said, ["(1 1 1)"], "{}", told.printed);
            if gimp.generation == Generation::Three {
                assert_eq!(told.code, Some(70), "GIMP 3 reports that the script failed");
            }
            lines.push(format!("{what}\n  {}", sentence(&gimp, &told.printed)));
        }
        pin_filtered(
            "gimp_missing_things",
            &lines.join("\n"),
            &[
                (r"Error: .*failed: ", "Error: "),
                (r"found in .*; available: .*", "found in [folders]; available: [models]"),
            ],
        );
    });
}
