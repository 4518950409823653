//! What both generations register about the procedure: names and explanations, for the menu and the procedure browser.

/// Entry of the menu; GIMP has a "Colorize..." of its own beside it.
pub const MENU_LABEL: &str = "Colorize P_hoto...";
/// Menu it stands in.
pub const MENU: &str = "<Image>/Colors";
/// One line.
pub const BLURB: &str = "Colorize a black-and-white photograph";
/// The full description.
pub const HELP: &str = "Predicts colors for a gray photograph. Lightness, transparency and size are preserved. The \
    colors go to a new layer in the mode LCh Color above the photograph, or replace the layer's own. A selection, \
    feathered or not, limits where they show. Strokes on a transparent layer called \"Color hints\" say what \
    colors things have. Works on RGB and grayscale images of every precision; a grayscale image \
    becomes RGB. A single undo reverts everything.";
/// Who wrote it.
pub const AUTHORS: &str = "The Autochrome developers";
/// Under which terms.
pub const COPYRIGHT: &str = "MIT OR Apache-2.0";
/// When.
pub const DATE: &str = "2026";
/// Names of the layer whose strokes are hints.
pub const HINTS: [&str; 2] = ["Color hints", "Colour hints"];
/// Title of the dialog.
pub const TITLE: &str = "Colorize Photo";

/// The values: name, short name and explanation.
pub const MODEL: [&str; 3] =
    ["model", "Model", "Name of the model, as listed by `autochrome models`; empty for the default"];
/// As [`MODEL`].
pub const STRENGTH: [&str; 3] =
    ["strength", "Strength", "Color strength: 0 is gray, 1 is what the model predicts, up to 1.5"];
/// As [`MODEL`].
pub const TEMPERATURE: [&str; 3] = [
    "temperature",
    "Temperature",
    "From 0, vivid (the likeliest color), to 1, muted (the mean of all); negative for the model's own",
];
/// As [`MODEL`].
pub const OUTPUT: [&str; 3] =
    ["output", "Result", "A new layer in the mode LCh Color above the photograph, or the layer itself"];
/// As [`MODEL`].
pub const DEVICE: [&str; 3] = ["device", "Device", "auto, cpu, cuda or cuda:N"];
