//! What cannot be coloured, and plugins that do not work: a sentence, and the image as it was.

use std::fs;

use autochrome_tests::{built, pin_filtered};

use super::{Generation, Gimp, with_each};

/// Tries once, and says how many layers there are and what they look like afterwards.
const TRY: &str = r#"
(define (state image) (list (count image) (base-type image) (car (gimp-image-is-dirty image))))
(define image (open "gray.png"))
"#;

/// The lines of `printed` that carry the plug-in's sentence, without what differs from machine to machine.
fn sentence(gimp: &Gimp, printed: &str) -> String {
    let line = printed.lines().find(|line| line.starts_with("Error: ")).unwrap_or(printed);
    let text = line.replace(&gimp.folder.path().display().to_string(), "<folder>");
    let text = text.replace(&built().display().to_string(), "<built>");
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
fn what_cannot_be_coloured_gets_a_sentence() {
    let cases = [
        ("indexed", "(gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 8 FALSE FALSE \"\") (define target (top image))", 0),
        ("a channel", "(define target (car (gimp-channel-new image \"c\" 10 10 50 '(0 0 0)))) (gimp-image-insert-channel image target 0 0)", 0),
        ("a layer mask", "(define target (car (gimp-layer-create-mask (top image) ADD-MASK-WHITE))) (add-mask (top image) target)", 0),
        ("locked, in place", "(define target (top image)) (gimp-item-set-lock-content target TRUE)", 1),
        ("a group, in place", "(define target (group image)) (gimp-image-insert-layer image target 0 0)", 1),
        ("a floating selection", "(gimp-edit-copy (top image)) (define target (top image)) (gimp-floating-sel-attach (car (gimp-layer-copy target FALSE)) target)", 0),
        ("a selection elsewhere", "(gimp-image-resize image 300 64 0 0) (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 200 0 20 20) (define target (top image))", 0),
        ("an unknown output", "(define target (top image))", 7),
    ];
    // Script-Fu of GIMP 3 has other names for half of these; the sentences are the same code.
    let Some(gimp) = Gimp::find(Generation::Two) else { return };
    let gimp = gimp.with_stub("ok");
    let lines: Vec<String> = cases
        .iter()
        .map(|(what, prepare, output)| format!("{what}\n  {}", refused(&gimp, prepare, *output)))
        .collect();
    pin_filtered("gimp_refusals", &lines.join("\n"), &[]);
}

#[test]
fn a_plugin_that_fails_leaves_the_image_as_it_was() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        let folder = gimp.folder.path().to_owned();
        let mut lines = Vec::new();
        for mode in ["fail", "memory", "panic-status", "unknown-status", "no-session", "old-abi", "crash"] {
            let mut this = Gimp { generation: gimp.generation, folder: tempfile::tempdir().unwrap(), settings: Vec::new() };
            super::hosts::write_profile(this.generation, this.folder.path());
            this = this.with_stub(mode);
            this.gray("gray.png");
            let told = this.run(&format!(
                "{TRY}\n(say (state image))\n(export image \"before.png\")\n(define failed #t)\n\
                 (catch #f (colorize image (top image) 0) (set! failed #f))\n\
                 (say failed (state image))\n(export image \"after.png\")"
            ));
            let same = fs::read(this.path("before.png")).is_ok_and(|before| {
                fs::read(this.path("after.png")).is_ok_and(|after| !after.is_empty() && after.len() == before.len())
            });
            lines.push(format!("{mode}: {:?} same picture: {same}", told.said));
        }
        drop(folder);
        pin_filtered(&format!("gimp_failing_plugins_{}", gimp.generation as u8 + 2), &lines.join("\n"), &[]);
    });
}
