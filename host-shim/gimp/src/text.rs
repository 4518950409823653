//! What both generations register about the procedure: names and explanations, for the menu and the procedure browser.

/// Entry of the menu; GIMP has a "Colorize..." of its own beside it.
pub const MENU_LABEL: &str = "Colorize P_hoto...";
/// Menu it stands in.
pub const MENU: &str = "<Image>/Colors";
/// One line.
pub const BLURB: &str = "Give a black-and-white photograph the colors it may have had";
/// The whole story.
pub const HELP: &str = "Predicts colors for a gray photograph. Lightness, transparency and size stay as they are. The \
    colors come as a new layer in the mode LCh Color above the photograph, or replace the layer's own. A selection, \
    feathered or not, limits where they show. Works on RGB and grayscale images of every precision; a grayscale image \
    becomes RGB. One undo takes all of it back.";
/// Who wrote it.
pub const AUTHORS: &str = "The Autochrome developers";
/// Under which terms.
pub const COPYRIGHT: &str = "MIT OR Apache-2.0";
/// When.
pub const DATE: &str = "2026";
/// Title of the dialog.
pub const TITLE: &str = "Colorize Photo";

/// The values: name, short name and explanation.
pub const MODEL: [&str; 3] =
    ["model", "Model", "Name of the model, as `autochrome models` lists it; empty for the default one"];
/// As [`MODEL`].
pub const STRENGTH: [&str; 3] =
    ["strength", "Strength", "Factor on the colors: 0 is gray, 1 what the model predicts, at most 1.5"];
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
pub const DEVICE: [&str; 3] = ["device", "Computed by", "auto, cpu, cuda or cuda:N"];
