//! Every precision, gray and RGB, with and without transparency, in a new layer and in place.
//!
//! The whole matrix runs with the stub plugin, which is fast but does not keep L, so only the new layer itself is
//! compared. Part of it runs with the real plugin and compares what the user sees. There the mode LCh Color takes
//! lightness from the photograph in GIMP's Lab, which has white D50, while the plugin's has D65; blue is darker in
//! one than in the other, so strong colors differ by a few 255ths.

use std::fmt::Write;

use super::{Gimp, distance, is_colored, mean_distance, with_each};

/// A precision: name, number in both GIMPs, tolerance in 255ths of the sRGB-encoded sample.
type Precision = (&'static str, u32, f32);

const PRECISIONS: [Precision; 10] = [
    ("u8", 150, 1.0),
    ("u16", 250, 0.1),
    ("u32", 350, 0.1),
    ("half", 550, 0.1),
    ("float", 650, 0.1),
    // Adjacent 8-bit linear values are up to 13 / 255 apart once encoded, in the darkest shades.
    ("linear-u8", 100, 13.0),
    ("linear-u16", 200, 0.5),
    ("linear-u32", 300, 0.1),
    ("linear-half", 500, 0.5),
    ("linear-float", 600, 0.1),
];

/// Maximum and mean tolerance of what is seen.
const SEEN: (f32, f64) = (8.0, 1.5);

const MODES: [(&str, &str); 2] = [("gray", ""), ("rgb", "(gimp-image-convert-rgb image)")];
const SOURCES: [&str; 2] = ["opaque", "clear"];

/// Colorizes one image, and writes `NAME-in.png`, `NAME-seen.png`, `NAME-layer.png` and `NAME-place.png`.
fn one(name: &str, number: u32, source: &str, to_rgb: &str) -> String {
    format!(
        r#"
(let ((image (open "{source}.png")))
  (if (not (= (car (gimp-image-get-precision image)) {number})) (gimp-image-convert-precision image {number}))
  {to_rgb}
  (export image "{name}-in.png")
  (let* ((second (car (gimp-image-duplicate image))) (below (top image)) (layer (colorize image below 0)))
    (say "{name}" (count image) (base-type image) (car (gimp-layer-get-mode layer))
      (car (gimp-image-get-precision image)))
    (export image "{name}-seen.png")
    (gimp-layer-set-mode layer LAYER-MODE-NORMAL)
    (gimp-item-set-visible below FALSE)
    (export image "{name}-layer.png")
    (colorize second (top second) 1)
    (say "{name}" (count second) (base-type second))
    (export second "{name}-place.png")
    (gimp-image-delete second))
  (gimp-image-delete image))
"#
    )
}

/// Colorizes all kinds, and compares `ways` of looking at each with the command line.
fn every_kind(gimp: &Gimp, precisions: &[Precision], ways: &[&str]) {
    gimp.gray("opaque.png");
    gimp.clear_gray("clear.png");
    let (mut text, mut kinds) = (String::new(), Vec::new());
    for (precision, number, tolerance) in precisions {
        for ((mode, to_rgb), source) in MODES.iter().flat_map(|mode| SOURCES.map(|source| (mode, source))) {
            let name = format!("{precision}-{mode}-{source}");
            let _ = text.write_str(&one(&name, *number, source, to_rgb));
            kinds.push((name, *number, *tolerance));
        }
    }
    let said = gimp.succeed(&text);
    let mut wrong = Vec::new();
    for ((name, number, tolerance), lines) in kinds.iter().zip(said.chunks(2)) {
        // Two layers, RGB, mode LCh Color, the precision unchanged; in place, one layer.
        let expected = [format!("{name} 2 0 26 {number}"), format!("{name} 1 0")];
        if lines != expected {
            wrong.push(format!("{lines:?}, expected {expected:?}"));
        }
        gimp.color_by_command_line(&format!("{name}-in.png"), &format!("{name}-cli.png"), &[]);
        let by_command_line = gimp.open(&format!("{name}-cli.png"));
        for way in ways {
            let mut result = gimp.open(&format!("{name}-{way}.png"));
            if *way == "layer" {
                // By itself the new layer is opaque: it is the photograph below that is transparent.
                result
                    .pixels_mut()
                    .zip(by_command_line.pixels())
                    .for_each(|(own, other)| own.0[3] = other.0[3]);
            }
            let (off, mean) = (distance(&result, &by_command_line), mean_distance(&result, &by_command_line));
            let (most, most_mean) = if *way == "seen" { SEEN } else { (*tolerance, 0.5) };
            let colored = is_colored(&result);
            if off > most || mean > most_mean || !colored {
                wrong
                    .push(format!("{name}-{way}.png is off by {off:.2}, mean {mean:.2}; colored: {colored}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", gimp.generation.name(), wrong.join("\n"));
}

#[test]
fn every_precision_gives_the_plugins_colors() {
    with_each(|gimp| every_kind(&gimp.with_stub("ok"), &PRECISIONS, &["layer", "place"]));
}

#[test]
fn what_the_user_sees_is_what_the_command_line_gives() {
    with_each(|gimp| every_kind(&gimp, &[PRECISIONS[0], PRECISIONS[9]], &["seen", "layer", "place"]));
}
