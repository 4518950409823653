//! What a person who gives hints relies on.

use super::*;
use crate::color::srgb8_to_lab;

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
/// A hint's color, and its a and b.
const RED: [u8; 3] = [170, 90, 80];

/// A dark thing on the left and a light one on the right, both with a texture of 6 units of L.
fn two_things() -> Vec<u8> {
    let texture =
        |x: usize, y: usize| u8::try_from((x * 7 + y * 13) % 11 + (x * x + 3 * y) % 5).expect("small");
    let base = |x: usize| if x < WIDTH / 2 { 84 } else { 170 };
    (0..WIDTH * HEIGHT).map(|at| base(at % WIDTH) + texture(at % WIDTH, at / WIDTH)).collect()
}

/// Hints of `color` where `is_hint` says so.
fn hints(color: [u8; 3], is_hint: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let [r, g, b] = color;
    let pixel = |at: usize| if is_hint(at % WIDTH, at / WIDTH) { [r, g, b, 255] } else { [0; 4] };
    (0..WIDTH * HEIGHT).flat_map(pixel).collect()
}

/// A stroke down the middle of the left thing.
fn stroke(x: usize, y: usize) -> bool {
    (70..76).contains(&x) && (60..180).contains(&y)
}

fn with_format(
    engine: &dyn Engine,
    gray: &[u8],
    format: PixelFormat,
    hints: &[u8],
    strength: f32,
) -> Vec<u8> {
    let (width, height) = (320, 240);
    let input = ImageView::tight(PixelFormat::Gray8, width, height, gray).expect("an input");
    let picture = ImageView::tight(format, width, height, hints).expect("hints");
    let mut target = vec![0; WIDTH * HEIGHT * 3];
    let mut output = ImageViewMut::tight(PixelFormat::Rgb8, width, height, &mut target).expect("an output");
    let params = Params { working_size: 256, strength, ..params() };
    let hints = Hints::new(picture).expect("hints with alpha");
    colorize_hinted(engine, &input, &mut output, &params, Some(hints), &mut go_on).expect("it colorizes");
    target
}

fn hinted(engine: &dyn Engine, gray: &[u8], hints: &[u8]) -> Vec<u8> {
    with_format(engine, gray, PixelFormat::Rgba8, hints, 1.0)
}

/// a and b of the pixels where `wanted` says so.
fn ab(rgb: &[u8], wanted: impl Fn(usize, usize) -> bool) -> Vec<[f32; 2]> {
    let places = (0..WIDTH * HEIGHT).filter(|at| wanted(at % WIDTH, at / WIDTH));
    let lab = places.map(|at| srgb8_to_lab([rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2]]));
    lab.map(|[_, a, b]| [a, b]).collect()
}

fn mean(values: &[[f32; 2]]) -> [f32; 2] {
    let sum = values.iter().fold([0.0; 2], |[a, b], value| [a + value[0], b + value[1]]);
    sum.map(|sum| sum / values.len() as f32)
}

fn apart(p: [f32; 2], q: [f32; 2]) -> f32 {
    (p[0] - q[0]).hypot(p[1] - q[1])
}

#[test]
fn one_stroke_colors_its_thing_and_nothing_beyond_a_strong_edge() {
    let [_, a, b] = srgb8_to_lab(RED);
    let result = hinted(&tint(0.0, 0.0), &two_things(), &hints(RED, stroke));
    for met in ab(&result, stroke) {
        assert!(apart(met, [a, b]) < 3.0, "a hinted pixel has {met:?}, its hint {:?}", [a, b]);
    }
    let left = mean(&ab(&result, |x, _| x < WIDTH / 2 - 4));
    assert!(
        apart(left, [a, b]) < 0.1 * a.hypot(b),
        "the thing has {left:?} in the mean, the hint {:?}",
        [a, b]
    );
    let beyond = ab(&result, |x, _| x > WIDTH / 2 + 4);
    let moved = beyond.iter().map(|ab| ab[0].hypot(ab[1])).sum::<f32>() / beyond.len() as f32;
    assert!(moved < 1.0, "what is beyond the edge moved by {moved}");
}

#[test]
fn a_gray_hint_makes_its_thing_gray() {
    let gray = hints([100; 3], stroke);
    let result = hinted(&tint(15.0, 20.0), &two_things(), &gray);
    let [left, right] = [mean(&ab(&result, |x, _| x < 156)), mean(&ab(&result, |x, _| x > 164))];
    assert!(left[0].hypot(left[1]) < 2.5, "{left:?}");
    assert!(apart(right, [15.0, 20.0]) < 1.0, "{right:?}");
}

#[test]
fn without_a_hint_nothing_changes() {
    let engine = Fake { factor: 8, chroma: |x, y| [30.0 * x, 40.0 * y - 20.0] };
    let gray = two_things();
    let params = Params { working_size: 256, ..params() };
    let plain = run(&engine, PixelFormat::Gray8, PixelFormat::Rgb8, (320, 240), &gray, &params);
    assert!(hinted(&engine, &gray, &hints(RED, |_, _| false)) == plain);
}

#[test]
fn depth_of_the_hints_and_strength_do_not_change_a_hint() {
    let (gray, eight) = (two_things(), hints(RED, stroke));
    let expected = hinted(&tint(5.0, 5.0), &gray, &eight);
    let sixteen: Vec<u8> = eight.iter().flat_map(|v| (u16::from(*v) * 257).to_ne_bytes()).collect();
    let float: Vec<u8> = eight.iter().flat_map(|v| (f32::from(*v) / 255.0).to_ne_bytes()).collect();
    for (format, hints) in [(PixelFormat::Rgba16, sixteen), (PixelFormat::RgbaF32, float)] {
        let result = with_format(&tint(5.0, 5.0), &gray, format, &hints, 1.0);
        let most = result.iter().zip(&expected).map(|(p, q)| p.abs_diff(*q)).max();
        assert!(most <= Some(1), "{format:?}: {most:?}");
    }
    let muted = with_format(&tint(5.0, 5.0), &gray, PixelFormat::Rgba8, &eight, 0.0);
    let [_, a, b] = srgb8_to_lab(RED);
    assert!(ab(&muted, stroke).into_iter().all(|met| apart(met, [a, b]) < 3.0));
}

#[test]
fn half_a_hint_is_half_way() {
    let faint: Vec<u8> =
        hints(RED, stroke).as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2], p[3] / 2]).collect();
    let result = hinted(&tint(0.0, 0.0), &two_things(), &faint);
    let plain = hinted(&tint(0.0, 0.0), &two_things(), &hints(RED, stroke));
    let left = |x: usize, _: usize| x < WIDTH / 2 - 4;
    for wanted in [&stroke as &dyn Fn(usize, usize) -> bool, &left] {
        let (faint, full) = (mean(&ab(&result, wanted)), mean(&ab(&plain, wanted)));
        let share = faint[0] / full[0];
        // The stroke itself is mixed twice: half of the hint, and half of what has come half way.
        assert!((0.42..0.8).contains(&share), "{share}: {faint:?}, {full:?}");
    }
}

#[test]
fn hints_that_cannot_be_meant_are_refused() {
    let gray = two_things();
    let input = ImageView::tight(PixelFormat::Gray8, 320, 240, &gray).expect("an input");
    let mut target = vec![0; WIDTH * HEIGHT * 3];
    let mut refused = |size: (u32, u32), hints: &[u8]| {
        let mut output = ImageViewMut::tight(PixelFormat::Rgb8, 320, 240, &mut target).expect("an output");
        let hints = ImageView::tight(PixelFormat::Rgba8, size.0, size.1, hints).expect("hints");
        let hints = Hints::new(hints).expect("alpha");
        let engine = tint(0.0, 0.0);
        colorize_hinted(&engine, &input, &mut output, &params(), Some(hints), &mut go_on)
            .expect_err("refused")
            .to_string()
    };
    let said = [refused((2, 1), &[255; 8]), refused((320, 240), &hints(RED, |_, y| y < 200))];
    let opaque = ImageView::tight(PixelFormat::Rgb8, 1, 1, &[0; 3]).expect("a view");
    let opaque = Hints::new(opaque).expect_err("no alpha").to_string();
    insta::assert_snapshot!([&said[..], &[opaque]].concat().join("\n"), @r"
    the hints are 2 x 1 pixels; expected the image's 320 x 240
    the hints cover 83% of the image; expected strokes on a transparent picture, at most 50%: erase the rest
    the hints are Rgb8; expected a format with alpha, where transparent means no hint
    ");
}

#[test]
fn a_single_pixel_is_a_hint() {
    let result = hinted(&tint(0.0, 0.0), &two_things(), &hints(RED, |x, y| (x, y) == (70, 100)));
    let [_, a, b] = srgb8_to_lab(RED);
    assert!(apart(ab(&result, |x, y| (x, y) == (70, 100))[0], [a, b]) < 3.0);
    assert!(mean(&ab(&result, |x, y| (60..80).contains(&x) && (90..110).contains(&y)))[0] > 0.5 * a);
}

#[test]
fn many_points_all_spread_and_a_half_covered_picture_is_one_stroke() {
    // 700 points of two colors: more than are kept, and those kept lie everywhere.
    let points = hints(RED, |x, y| x % 10 == 5 && y % 10 == 5);
    let result = hinted(&tint(0.0, 0.0), &two_things(), &points);
    let [_, a, _] = srgb8_to_lab(RED);
    for (from, to) in [(0, 80), (80, 160), (160, 240), (240, 320)] {
        let part = mean(&ab(&result, |x, _| (from..to).contains(&x)));
        assert!(part[0] > 0.7 * a, "{from} to {to}: {part:?}");
    }
    let half = hinted(&tint(0.0, 0.0), &two_things(), &hints(RED, |x, _| x < WIDTH / 2));
    assert!(mean(&ab(&half, |x, _| x > WIDTH / 2 + 4))[0] < 1.0);
}

#[test]
fn panoramas_and_single_pixels_take_hints() {
    for (width, height) in [(1_u32, 1_u32), (900, 12), (3, 200)] {
        let count = (width * height) as usize;
        let gray = vec![120_u8; count];
        let mut marks = vec![0_u8; 4 * count];
        marks[..4].copy_from_slice(&[170, 90, 80, 255]);
        let input = ImageView::tight(PixelFormat::Gray8, width, height, &gray).expect("an input");
        let marks = ImageView::tight(PixelFormat::Rgba8, width, height, &marks).expect("hints");
        let mut target = vec![0; 3 * count];
        let mut output =
            ImageViewMut::tight(PixelFormat::Rgb8, width, height, &mut target).expect("an output");
        let hints = Some(Hints::new(marks).expect("alpha"));
        colorize_hinted(&tint(0.0, 0.0), &input, &mut output, &params(), hints, &mut go_on)
            .expect("it colorizes");
        let [_, a, _] = srgb8_to_lab([target[0], target[1], target[2]]);
        assert!(a > 25.0, "{width} x {height}: {a}");
    }
}
