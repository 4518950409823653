//! The trainer's pages as a person sees them: opened from disk in a browser, operated with keys and clicks.
//!
//! What a page says is compared with what the test knows: which image is real, from its pixels.

mod browser;

use std::path::{Path, PathBuf};
use std::process::Command;

use autochrome_tests::built;
use autochrome_tests::tiny_model::write_tiny_model;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// Markup and quotes in a name must not break a page.
const NASTY: &str = r#"<i>"a" & 'b'.png"#;

/// The photograph with that number: colors that a network with random weights does not produce.
fn photograph(number: u8) -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        let shade = u8::try_from((x * 2 + y + u32::from(number) * 9) % 90).expect("below 90");
        if x < 32 { Rgb([150 + shade, 20, 40 + shade]) } else { Rgb([10, 110 + shade, 160]) }
    })
}

/// A folder with a model, six photographs in color, a gray one and a file that does not decode.
fn desk() -> TempDir {
    let root = TempDir::new().expect("a folder");
    write_tiny_model(root.path(), "tiny");
    let photos = root.path().join("photos");
    std::fs::create_dir(&photos).expect("makes the folder");
    for number in 0..6 {
        photograph(number).save(photos.join(name(number))).expect("saves");
    }
    RgbImage::from_pixel(40, 40, Rgb([99; 3])).save(photos.join("gray.png")).expect("saves");
    std::fs::write(photos.join("broken.jpg"), "no photograph").expect("writes");
    root
}

fn name(number: u8) -> String {
    if number == 0 { NASTY.to_owned() } else { format!("photo{number}.png") }
}

/// Runs the trainer in `root`; returns its stderr.
fn trainer(root: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(built().join("autochrome-trainer"));
    command.current_dir(root).args(arguments).args(["--device", "cpu", "--threads", "1"]);
    let output = command.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Makes a test page with one practice pair and, if there are enough, `count` scored ones.
fn turing(root: &Path, count: &str, more: &[&str]) -> (PathBuf, String) {
    let arguments =
        ["turing", "tiny", "--data", "photos", "-o", "test.html", "--practice", "1", "--count", count];
    let said = trainer(root, &[&arguments[..], more].concat());
    (root.join("test.html"), said)
}

/// The data given to the page's script.
fn test_data(page: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(page).expect("reads");
    let (_, rest) = text.split_once("id=\"test\">").expect("has data");
    serde_json::from_str(rest.split_once("</script>").expect("ends").0).expect("json")
}

/// Name and real side of every pair; the real image is the one closer to the photograph of that name.
fn real_sides(page: &Path) -> Vec<(String, &'static str)> {
    let data = test_data(page);
    let pairs = data["pairs"].as_array().expect("pairs");
    let side = |pair: &serde_json::Value| {
        let shown = pair["name"].as_str().expect("a name").to_owned();
        let number = (0..6).find(|&number| name(number) == shown).expect("one of ours");
        let off =
            |side: &str| distance(&photograph(number), &picture(pair[side].as_str().expect("a picture")));
        let side = if off("left") < off("right") { "left" } else { "right" };
        (shown, side)
    };
    pairs.iter().map(side).collect()
}

fn picture(uri: &str) -> RgbImage {
    let base64 = uri.strip_prefix("data:image/jpeg;base64,").expect("a JPEG in the page");
    image::load_from_memory(&STANDARD.decode(base64).expect("base64")).expect("decodes").into_rgb8()
}

fn distance(a: &RgbImage, b: &RgbImage) -> u64 {
    assert_eq!(a.dimensions(), b.dimensions());
    a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

/// Text of the element with that id, unescaped; the element contains only text.
fn text_of(document: &str, id: &str) -> String {
    let (_, rest) = document.split_once(&format!("id=\"{id}\"")).expect("the element is there");
    let text = rest.split_once('>').expect("a tag ends").1.split_once("</").expect("an element ends").0;
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// `answer(from, stop)` starts the test and answers the pairs from..stop: left, right, left, ..., two by key, two
/// by click.
const ANSWER: &str = r#"
const open = () => !$("stage").hidden && !$("choices").classList.contains("hidden") && $("feedback").hidden;
const answer = async (from, stop) => {
  $("start").click();
  for (let pair = from; pair < stop; pair++) {
    await until(open);
    if (pair % 4 < 2) press(pair % 2 ? "ArrowRight" : "ArrowLeft");
    else document.querySelectorAll(".choice")[pair % 2].click();
    if (!$("feedback").hidden && pair + 1 < stop) $("next").click();
  }
};
"#;

/// The CSV and the verdict for the answers left, right, left, ...
fn expected(sides: &[(String, &str)]) -> (Vec<String>, usize) {
    let answered = |pair: usize| ["left", "right"][pair % 2];
    let lines: Vec<String> = (1..sides.len())
        .map(|pair| {
            let (name, real) = &sides[pair];
            let (name, answer) = (name.replace('"', "\"\""), answered(pair));
            format!("{pair},\"{name}\",{real},{answer},{}", u8::from(*real != answer))
        })
        .collect();
    let fooled = lines.iter().filter(|line| line.ends_with(",1")).count();
    (lines, fooled)
}

fn assert_no_error(document: &str) {
    let error = document.split_once("data-error=").map(|(_, rest)| rest.split('>').next());
    assert_eq!(error, None, "a script failed");
}

fn assert_result(document: &str, page: &Path) {
    assert_no_error(document);
    let (lines, fooled) = expected(&real_sides(page));
    let csv = text_of(document, "csv");
    let mut told = csv.lines();
    assert_eq!(told.next(), Some("pair,name,real_side,answer,fooled,milliseconds"));
    let told: Vec<(&str, &str)> = told.map(|line| line.rsplit_once(',').expect("columns")).collect();
    assert_eq!(told.iter().map(|line| line.0).collect::<Vec<_>>(), lines);
    assert!(told.iter().all(|line| line.1.parse::<u32>().is_ok()), "{csv}");
    // Wilson's intervals of 0, 1, ..., 4 of 4, by hand.
    let intervals = ["0.0% to 49.0%", "4.6% to 69.9%", "15.0% to 85.0%", "30.1% to 95.4%", "51.0% to 100.0%"];
    let share = 25 * fooled;
    let score = text_of(document, "score");
    assert!(score.contains(&format!("In {fooled} of 4 pairs ({share}.0%)")), "{score}");
    assert!(score.ends_with(&format!("95% interval {}.", intervals[fooled])), "{score}");
}

#[test]
fn a_person_answers_the_blind_test() {
    let Some(browser) = browser::find() else { return };
    let root = desk();
    let (page, _) = turing(root.path(), "4", &[]);
    let document = browser::drive(&browser, &page, "", &format!("{ANSWER} answer(0, 5);"));
    assert_result(&document, &page);
}

#[test]
fn photographs_that_cannot_be_asked_about_are_named() {
    let root = desk();
    let (_, said) = turing(root.path(), "9", &[]);
    for expected in [
        "skipped gray.png: there is no color",
        "skipped broken.jpg: ",
        "expected 9 photographs in color and 1 for practice, found 6: the test is shorter",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_page_opened_again_goes_on_where_the_person_was() {
    let Some(browser) = browser::find() else { return };
    let root = desk();
    let (page, _) = turing(root.path(), "4", &["--seconds", "0.5"]);
    let person = browser::Person::default();
    let document = browser::drive_as(&browser, &person, &page, "", &format!("{ANSWER} answer(0, 3);"));
    assert_no_error(&document);
    // A browser that was closed and reopened keeps no more than a reloaded page does, and its clock, which runs
    // ahead, cannot run out in between.
    let driver = r#"document.body.dataset.kept = $("kept").textContent; answer(3, 5);"#;
    let document = browser::drive_as(&browser, &person, &page, "", &format!("{ANSWER}{driver}"));
    let expected = "data-kept=\"3 of 5 pairs are answered already";
    assert!(document.contains(expected), "continues with the fourth pair: {}", text_of(&document, "kept"));
    assert_result(&document, &page);
}

#[test]
fn a_browser_that_keeps_nothing_can_still_answer() {
    let Some(browser) = browser::find() else { return };
    let root = desk();
    let (page, _) = turing(root.path(), "4", &[]);
    let refuse =
        r#"Object.defineProperty(window, "localStorage", { get() { throw new Error("refused"); } });"#;
    let document = browser::drive(&browser, &page, refuse, &format!("{ANSWER} answer(0, 5);"));
    assert_result(&document, &page);
    assert!(document.contains("<p id=\"storage\" class=\"soft\">This browser keeps nothing"));
}

#[test]
fn starting_again_takes_two_clicks_and_forgets() {
    let Some(browser) = browser::find() else { return };
    let root = desk();
    let (page, _) = turing(root.path(), "4", &[]);
    let driver = r#"
    (async () => {
      await answer(0, 3);
      $("again").click();
      document.body.dataset.asked = $("again").textContent;
      $("again").click();
      document.body.dataset.intro = String(!$("intro").hidden);
      await answer(0, 5);
    })();"#;
    let document = browser::drive(&browser, &page, "", &format!("{ANSWER}{driver}"));
    assert!(document.contains("data-asked=\"Erase 3 answers and start again?\" data-intro=\"true\""));
    assert_result(&document, &page);
}

#[test]
fn the_report_is_sorted_by_its_reader() {
    let Some(browser) = browser::find() else { return };
    let root = desk();
    trainer(root.path(), &["eval", "tiny", "--data", "photos", "--html", "report.html", "--csv", "rows.csv"]);
    let driver = r#"
    const names = () => [...document.querySelectorAll(".photograph h3")].map((h3) => h3.firstChild.data.trim());
    const told = document.createElement("pre");
    told.id = "told";
    const tell = () => { told.textContent += names().join("|") + "\n"; };
    tell();
    $("direction").click();
    tell();
    $("measure").value = "name";
    $("measure").dispatchEvent(new Event("change"));
    tell();
    const pictures = [...document.images];
    Promise.all(pictures.map((picture) => picture.decode())).then(() => {
      told.textContent += pictures.length + " decode";
      document.body.append(told);
    });"#;
    let document = browser::drive(&browser, &root.path().join("report.html"), "", driver);
    assert_no_error(&document);
    assert!(document.contains("Left out: 1 that do not decode") && document.contains("broken.jpg"));
    let told = text_of(&document, "told");
    let lists: Vec<Vec<&str>> = told.lines().map(|line| line.split('|').collect()).collect();
    assert_eq!(lists[3], ["21 decode"]);
    assert_eq!(lists[0], by_auc(root.path()));
    assert_eq!(lists[1], lists[0].iter().rev().copied().collect::<Vec<_>>());
    let mut by_name = lists[0].clone();
    by_name.sort_unstable();
    by_name.reverse();
    assert_eq!(lists[2], by_name);
}

/// The names in the CSV of `eval`, by increasing AuC.
fn by_auc(root: &Path) -> Vec<String> {
    let csv = std::fs::read_to_string(root.join("rows.csv")).expect("reads");
    let row = |line: &str| {
        let (_, rest) = line.split_once(",\"").expect("a name");
        let (name, numbers) = rest.rsplit_once("\",").expect("a name ends");
        let auc: f64 = numbers.split(',').next().and_then(|auc| auc.parse().ok()).expect("AuC");
        (auc, name.replace("\"\"", "\""))
    };
    let mut rows: Vec<(f64, String)> = csv.lines().skip(1).map(row).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|row| row.1).collect()
}
