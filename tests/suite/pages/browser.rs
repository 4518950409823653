//! A page in a real browser, headless.
//!
//! The idea: **a copy of the page gets a script that does what a person would**, and the document is read when the
//! script is done. The browser's clock runs ahead while nothing happens, so waiting costs nothing.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use autochrome_test_notes::{Need, skip};
use autochrome_tests::signal;
use tempfile::TempDir;

/// Names of browser programs.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Browser activities that a test does not need.
const QUIET: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser still running after this is killed, and the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The browser of this machine; `None` skips the test.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = NAMES.iter().find_map(|name| {
        std::env::split_paths(&path).map(|at| at.join(name)).find(|program| program.is_file())
    });
    if found.is_none() {
        skip(Need::Browser, "no browser is on PATH; install chromium");
    }
    found
}

/// Opens a copy of `page` with `before` run ahead of the page's scripts and `driver` after them; returns the
/// document once the browser's clock is 60 seconds ahead. The copy is beside the page.
pub fn drive(browser: &Path, page: &Path, before: &str, driver: &str) -> String {
    drive_as(browser, &Person::default(), page, before, driver)
}

/// A browser user: what is stored stays until that person opens the browser again.
pub struct Person(TempDir);

impl Default for Person {
    fn default() -> Self {
        Person(tempfile::tempdir().expect("a folder for the browser"))
    }
}

/// Like [`drive`], in that person's browser.
pub fn drive_as(browser: &Path, person: &Person, page: &Path, before: &str, driver: &str) -> String {
    let text = std::fs::read_to_string(page).expect("reads the page");
    let (head, rest) = text.split_once("<body>").expect("a page has a body");
    let (body, end) = rest.rsplit_once("</body>").expect("a body ends");
    let copy = page.with_extension("driven.html");
    let driven =
        format!("{head}<body><script>{before}</script>{body}<script>{HELPERS}{driver}</script></body>{end}");
    std::fs::write(&copy, driven).expect("writes the copy");
    dump(browser, person.0.path(), &copy)
}

/// Helpers for every driver: elements by id, waiting for a condition, keys.
const HELPERS: &str = r#"
const $ = (id) => document.getElementById(id);
const until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 20)); };
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
window.addEventListener("error", (event) => { document.body.dataset.error = event.message; });
window.addEventListener("unhandledrejection", (event) => { document.body.dataset.error = String(event.reason); });
"#;

fn dump(browser: &Path, folder: &Path, page: &Path) -> String {
    let out = folder.join("document.html");
    let child = Command::new(browser)
        .args(QUIET)
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(File::create(&out).expect("a file for the document"))
        .stderr(Stdio::null())
        // A process group of its own, so that its children end with it.
        .process_group(0)
        .spawn()
        .expect("the browser starts");
    Group(child).wait(PATIENCE);
    std::fs::read_to_string(&out).expect("reads the document")
}

/// A process and its children; none of them outlives this value.
struct Group(Child);

impl Group {
    fn wait(&mut self, patience: Duration) {
        let begun = Instant::now();
        while self.0.try_wait().expect("waits").is_none() {
            assert!(begun.elapsed() < patience, "the browser was still busy after {patience:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Fails if all have ended already, which is fine.
        let _ = signal(-i64::from(self.0.id()), "KILL");
        let _ = self.0.wait();
    }
}
