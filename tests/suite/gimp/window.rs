//! The dialog as a user meets it: preview, slider, result, one Ctrl+Z.

use std::fs;
use std::path::{Path, PathBuf};

use autochrome_test_notes::{Need, skip};
use autochrome_tests::checkout;

use super::screen::{Screen, Server, wait_for};
use super::{Generation, Gimp, distance, mean_distance, script};

/// Fraction of colored pixels at the left, where the preview is.
fn colored(picture: &image::RgbImage) -> f64 {
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

/// Saves a screenshot if `AUTOCHROME_SCREENSHOTS` names a folder: those of docs/images are made this way.
fn keep(from: &Path, generation: Generation, name: &str) {
    if let Some(folder) = std::env::var_os("AUTOCHROME_SCREENSHOTS") {
        let file = format!("gimp-{}-{name}.png", if generation == Generation::Two { 2 } else { 3 });
        fs::copy(from, Path::new(&folder).join(file)).unwrap();
    }
}

/// A GIMP with windows and an open photograph.
struct Desk {
    gimp: Gimp,
    screen: Screen,
    server: Server,
    shot: PathBuf,
}

impl Desk {
    /// `None` if there is no such GIMP or no screen. The image is called `image` in scripts.
    fn open(generation: Generation, stub: Option<&str>) -> Option<Self> {
        let mut gimp = Gimp::find(generation)?;
        let mut screen = match Screen::open() {
            Ok(screen) => screen,
            Err(reason) => {
                skip(Need::Screen, reason);
                return None;
            }
        };
        if let Some(mode) = stub {
            gimp = gimp.with_stub(mode);
        }
        gimp.add_server();
        fs::copy(checkout().join("examples/photos/astronaut.jpg"), gimp.path("photo.jpg")).unwrap();
        let server = screen.start_gimp(generation, gimp.folder.path(), &gimp.settings);
        let words = gimp.path("words.scm");
        fs::write(&words, script::whole(generation, gimp.folder.path(), "")).unwrap();
        server.ask(&format!("(load \"{}\")", words.display()));
        server.ask("(define image (open \"photo.jpg\"))");
        // An image opened by a script has undo off by default.
        server.ask(
            "(begin (gimp-image-undo-enable image) (gimp-image-clean-all image) (gimp-display-new image))",
        );
        server.ask("(begin (gimp-displays-flush) (export image \"before.png\"))");
        if let Some(welcome) = screen.window("^Welcome to GIMP") {
            screen.press(&welcome, "Escape");
        }
        let shot = gimp.path("shot.png");
        Some(Self { gimp, screen, server, shot })
    }

    fn ask(&self, script: &str) -> String {
        self.server.ask(script)
    }

    fn is_as_before(&self) -> bool {
        self.ask("(if (and (= (count image) 1) (= (base-type image) GRAY)) \"yes\" \"no\")") == "yes"
    }

    fn main_window(&self) -> String {
        wait_for("GIMP's window", || self.screen.window("GIMP$"))
    }

    fn see_all(&self, name: &str) {
        std::thread::sleep(std::time::Duration::from_secs(1));
        self.screen.picture("root", &self.shot).unwrap();
        keep(&self.shot, self.gimp.generation, name);
    }
}

fn dialog(generation: Generation) {
    let Some(desk) = Desk::open(generation, None) else { return };
    let (screen, gimp) = (&desk.screen, &desk.gimp);
    let asked = desk.server.clone();
    let run = std::thread::spawn(move || asked.try_ask("(interactive image (top image))"));
    let window = wait_for("the dialog", || screen.window("^Colorize Photo$"));
    let look = || screen.picture(&window, &desk.shot).map(|picture| colored(&picture)).unwrap_or(0.0);
    wait_for("a preview with colors", || (look() > 0.2).then_some(()));
    keep(&desk.shot, generation, "dialog");
    screen.press(&window, "alt+g");
    screen.press(&window, "Home");
    wait_for("a gray preview at strength 0", || (look() < 0.05).then_some(()));
    screen.press(&window, "End");
    wait_for("a preview at strength 1.5", || (look() > 0.2).then_some(()));
    screen.press(&window, "Return");
    assert!(run.join().unwrap().is_some(), "the run failed");

    assert_eq!(desk.ask("(if (and (= (count image) 2) (= (base-type image) RGB)) \"yes\" \"no\")"), "yes");
    desk.ask("(export image \"seen.png\")");
    gimp.color_by_command_line("before.png", "cli.png", &["--strength", "1.5"]);
    assert!(mean_distance(&gimp.open("seen.png"), &gimp.open("cli.png")) < 1.5);
    desk.see_all("result");

    // One Ctrl+Z takes all of it back.
    screen.press(&desk.main_window(), "ctrl+z");
    wait_for("the undo", || desk.is_as_before().then_some(()));
    desk.ask("(export image \"after.png\")");
    assert!(distance(&gimp.open("before.png"), &gimp.open("after.png")) == 0.0);

    // The dialog's values become the last-used values.
    desk.ask("(begin (again image (top image)) (export image \"again.png\"))");
    assert!(distance(&gimp.open("again.png"), &gimp.open("seen.png")) == 0.0);
}

/// Whether this test's plug-in is running.
fn at_work(folder: &Path) -> bool {
    let own = folder.join("profile/plug-ins/autochrome-gimp/autochrome-gimp");
    let own = own.to_string_lossy().into_owned();
    fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.starts_with(own.as_bytes())
    })
}

fn cancel(generation: Generation) {
    let Some(desk) = Desk::open(generation, Some("slow")) else { return };
    let screen = &desk.screen;
    let main = desk.main_window();
    // From the menu, because only then GIMP shows progress: the last item of Colors.
    screen.press(&main, "alt+c");
    std::thread::sleep(std::time::Duration::from_millis(500));
    screen.type_key("End");
    if generation == Generation::Three {
        // Below it is a filter that ships with GIMP 3.
        screen.type_key("Up");
    }
    desk.see_all("menu");
    screen.type_key("Return");
    let window = wait_for("the dialog", || screen.window("^Colorize Photo$"));
    screen.press(&window, "Return");
    wait_for("the dialog's end", || screen.window("^Colorize Photo$").is_none().then_some(()));
    desk.see_all("progress");
    assert!(at_work(desk.gimp.folder.path()), "the slow plugin is still running");
    // In the bottom line of the window, at the right end of the part beside the docks.
    screen.click_low(&main, 262);
    wait_for("the end of the plug-in", || (!at_work(desk.gimp.folder.path())).then_some(()));
    assert!(desk.is_as_before(), "cancelling had no effect");
    desk.ask("(export image \"after.png\")");
    let after = desk.gimp.open("after.png");
    assert!(distance(&desk.gimp.open("before.png"), &after) == 0.0);
}

#[test]
fn the_dialog_of_gimp_2_previews_colors_and_is_undone_at_once() {
    dialog(Generation::Two);
}

#[test]
fn the_dialog_of_gimp_3_previews_colors_and_is_undone_at_once() {
    dialog(Generation::Three);
}

#[test]
fn a_run_cancelled_in_gimp_2_changes_nothing() {
    cancel(Generation::Two);
}

#[test]
fn a_run_cancelled_in_gimp_3_changes_nothing() {
    cancel(Generation::Three);
}
