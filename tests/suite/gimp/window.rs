//! The dialog as a user meets it: preview, slider, result, one Ctrl+Z.

use std::fs;
use std::path::Path;

use autochrome_tests::checkout;

use super::screen::{Screen, wait_for};
use super::{Generation, Gimp, distance, mean_distance, script};

/// Share of the pixels at the left, where the preview is, that are coloured.
fn coloured(picture: &image::RgbImage) -> f64 {
    let (width, height) = (picture.width().min(360), picture.height());
    let pixels = (0..width).flat_map(|x| (0..height).map(move |y| picture.get_pixel(x, y).0));
    let (mut all, mut found) = (0.0, 0.0);
    for [red, green, blue] in pixels {
        all += 1.0;
        if red.max(green).max(blue) - red.min(green).min(blue) > 24 {
            found += 1.0;
        }
    }
    found / all
}

/// Keeps a picture of the screen where `AUTOCHROME_SCREENSHOTS` names a folder: those of docs/images are made so.
fn keep(from: &Path, generation: Generation, name: &str) {
    if let Some(folder) = std::env::var_os("AUTOCHROME_SCREENSHOTS") {
        let file = format!("gimp-{}-{name}.png", if generation == Generation::Two { 2 } else { 3 });
        fs::copy(from, Path::new(&folder).join(file)).unwrap();
    }
}

fn dialog(generation: Generation) {
    let Some(gimp) = Gimp::find(generation) else { return };
    let mut screen = match Screen::open() {
        Ok(screen) => screen,
        Err(reason) => {
            eprintln!("SKIPPED: the dialog of {} was not tried: {reason}", generation.name());
            return;
        }
    };
    gimp.add_server();
    fs::copy(checkout().join("examples/photos/astronaut.jpg"), gimp.path("photo.jpg")).unwrap();
    let server = screen.start_gimp(generation, gimp.folder.path());
    let words = gimp.path("words.scm");
    fs::write(&words, script::whole(generation, gimp.folder.path(), "")).unwrap();
    let ask = |text: &str| server.ask(text);
    ask(&format!("(load \"{}\")", words.display()));
    ask("(define image (open \"photo.jpg\"))");
    ask(
        "(begin (gimp-image-undo-enable image) (gimp-image-clean-all image) (gimp-display-new image) (gimp-displays-flush))",
    );
    ask("(export image \"before.png\")");
    let shot = gimp.path("shot.png");

    let asked = server.clone();
    let run = std::thread::spawn(move || asked.try_ask("(interactive image (top image))"));
    let window = wait_for("the dialog", || screen.window("^Colorize Photo$"));
    let look = || screen.picture(&window, &shot).map(|picture| coloured(&picture)).unwrap_or(0.0);
    wait_for("a preview with colours", || (look() > 0.2).then_some(()));
    keep(&shot, generation, "dialog");
    screen.press(&window, "alt+g");
    screen.press(&window, "Home");
    wait_for("a gray preview at strength 0", || (look() < 0.05).then_some(()));
    screen.press(&window, "End");
    wait_for("a preview at strength 1.5", || (look() > 0.2).then_some(()));
    screen.press(&window, "Return");
    assert!(run.join().unwrap().is_some(), "the run failed");

    assert_eq!(ask("(if (and (= (count image) 2) (= (base-type image) RGB)) \"yes\" \"no\")"), "yes");
    ask("(export image \"seen.png\")");
    gimp.colour_by_command_line("before.png", "cli.png", &["--strength", "1.5"]);
    assert!(mean_distance(&gimp.open("seen.png"), &gimp.open("cli.png")) < 1.5);
    if let Some(welcome) = screen.window("^Welcome to GIMP") {
        screen.press(&welcome, "Escape");
    }
    let main = wait_for("GIMP's window", || screen.window("GIMP$"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    screen.picture("root", &shot).unwrap();
    keep(&shot, generation, "result");

    // One Ctrl+Z takes all of it back.
    screen.press(&main, "ctrl+z");
    wait_for("the undo", || (ask("(if (= (count image) 1) \"yes\" \"no\")") == "yes").then_some(()));
    assert_eq!(ask("(if (= (base-type image) GRAY) \"gray\" \"not gray\")"), "gray");
    ask("(export image \"after.png\")");
    assert!(distance(&gimp.open("before.png"), &gimp.open("after.png")) == 0.0);
}

#[test]
fn the_dialog_of_gimp_2_previews_colours_and_is_undone_at_once() {
    dialog(Generation::Two);
}

#[test]
fn the_dialog_of_gimp_3_previews_colours_and_is_undone_at_once() {
    dialog(Generation::Three);
}
