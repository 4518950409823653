//! Colors that a person knows: painted over the photograph, or named on the command line.

use autochrome_tests::pin;
use image::{DynamicImage, GrayImage, Luma, Rgba, RgbaImage};

use super::Desk;

const STROKE: [u8; 3] = [150, 70, 60];

/// A gray photograph of two things, and hints: a stroke on the left one.
fn desk() -> Desk {
    let desk = Desk::new();
    photograph(&desk, "a.png");
    hints(&desk, "strokes.png", STROKE);
    desk
}

fn photograph(desk: &Desk, name: &str) {
    let gray = GrayImage::from_fn(160, 120, |x, _| Luma([if x < 80 { 90 } else { 180 }]));
    gray.save(desk.path(name)).unwrap();
}

fn is_stroke(x: u32, y: u32) -> bool {
    (30..40).contains(&x) && (40..80).contains(&y)
}

fn hints(desk: &Desk, name: &str, [r, g, b]: [u8; 3]) {
    let pixel = |x, y| if is_stroke(x, y) { Rgba([r, g, b, 255]) } else { Rgba([0; 4]) };
    RgbaImage::from_fn(160, 120, pixel).save(desk.path(name)).unwrap();
}

/// How much redder than blue the pixel is.
fn red(desk: &Desk, name: &str, x: u32, y: u32) -> i32 {
    let [r, _, b] = image::open(desk.path(name)).unwrap().to_rgb8().get_pixel(x, y).0;
    i32::from(r) - i32::from(b)
}

#[test]
fn a_stroke_colors_its_thing_alone() {
    let desk = desk();
    assert_eq!(desk.run(&["a.png", "-o", "plain.png"]).code, Some(0));
    let ran = desk.run(&["a.png", "-o", "b.png", "--hints", "strokes.png"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(red(&desk, "b.png", 35, 60) > 40 && red(&desk, "b.png", 10, 110) > 40);
    assert!((red(&desk, "b.png", 130, 60) - red(&desk, "plain.png", 130, 60)).abs() <= 3);
    // A point says the same.
    let ran = desk.run(&["a.png", "-o", "c.png", "--hint", "35,60=#96463C"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!((red(&desk, "c.png", 35, 60) - red(&desk, "b.png", 35, 60)).abs() <= 3);
    assert!(red(&desk, "c.png", 10, 110) > 40);
}

#[test]
fn a_folder_has_hints_by_name() {
    let desk = desk();
    std::fs::create_dir(desk.path("in")).unwrap();
    std::fs::create_dir(desk.path("in/sub")).unwrap();
    for name in ["in/a.png", "in/b.png", "in/sub/a.png", "in/sub/c.png"] {
        photograph(&desk, name);
    }
    hints(&desk, "in/a.hints.png", STROKE);
    hints(&desk, "in/sub/c.hints.png", STROKE);
    let ran = desk.run(&["in", "-o", "out", "--hints", "in"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 4 colorized\n"));
    assert!(!desk.path("out/a.hints.png").exists(), "hints are no photograph");
    let [a, b, sub_a, sub_c] =
        ["a", "b", "sub/a", "sub/c"].map(|name| red(&desk, &format!("out/{name}.png"), 35, 60));
    assert!(a > b + 20 && sub_c > b + 20 && sub_a == b, "{a} {b} {sub_a} {sub_c}");
}

#[test]
fn hints_that_cannot_be_meant_get_a_sentence() {
    let desk = desk();
    photograph(&desk, "b.png");
    let small = RgbaImage::new(8, 8);
    small.save(desk.path("small.png")).unwrap();
    photograph(&desk, "opaque.png");
    RgbaImage::from_pixel(160, 120, Rgba([9, 9, 9, 255])).save(desk.path("whole.png")).unwrap();
    std::fs::create_dir(desk.path("stray")).unwrap();
    hints(&desk, "stray/nobody.hints.png", STROKE);
    std::fs::create_dir(desk.path("empty")).unwrap();
    let cases: &[&[&str]] = &[
        &["a.png", "--hints", "small.png"],
        &["a.png", "--hints", "opaque.png"],
        &["a.png", "--hints", "whole.png"],
        &["a.png", "--hints", "gone.png"],
        &["a.png", "--hint", "160,3=#112233"],
        &["a.png", "b.png", "-o", "out", "--hint", "1,3=#112233"],
        &["a.png", "b.png", "-o", "out", "--hints", "strokes.png"],
        &["a.png", "--hints", "stray"],
        &["a.png", "--hints", "empty"],
        &["a.png", "b.png", "-o", "out", "--hints", "gone"],
        &["a.png", "--hints", "strokes.png", "-o", "strokes.png", "--overwrite"],
    ];
    let said = cases.iter().map(|args| {
        let ran = desk.run(args);
        assert!(!desk.path("a-color.png").exists());
        format!("{}: {}\n  {}", ran.code.unwrap(), args.join(" "), ran.err.trim())
    });
    pin("cli_hints_refused", &said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn hints_of_sixteen_bits_are_those_of_eight() {
    let desk = desk();
    let deep = image::open(desk.path("strokes.png")).unwrap().to_rgba16();
    DynamicImage::ImageRgba16(deep).save(desk.path("deep.png")).unwrap();
    for (hints, output) in [("strokes.png", "b.png"), ("deep.png", "c.png")] {
        assert_eq!(desk.run(&["a.png", "-o", output, "--hints", hints]).code, Some(0));
    }
    let pixels = |name: &str| image::open(desk.path(name)).unwrap().to_rgb8().into_raw();
    let most = pixels("b.png").iter().zip(pixels("c.png")).map(|(p, q)| p.abs_diff(q)).max();
    assert!(most <= Some(1), "{most:?}");
}
