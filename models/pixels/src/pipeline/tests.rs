//! What a user of the pipeline relies on, with fake engines in place of a network.

use std::cell::RefCell;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::color::{luminance_to_lightness, srgb_to_lab, srgb_to_linear, srgb_to_luminance};
use crate::{Ab, Confidence, PixelFormat};

mod hints;

/// Predicts what `chroma` says for each position (0..1 in both directions), at 1/`factor` of the working size.
struct Fake<F> {
    factor: usize,
    chroma: F,
}

impl<F: Fn(f32, f32) -> [f32; 2]> Engine for Fake<F> {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: false }
    }

    fn predict(&self, l: &Plane, settings: Settings) -> Result<Ab, PredictError> {
        let ((width, height), l) = (l.size(), l.values());
        assert!(width.is_multiple_of(32) && height.is_multiple_of(32) && l.len() == width * height);
        assert!(l.iter().all(|l| (-0.01..=100.01).contains(l)) && settings.threads > 0);
        let (width, height) = (width / self.factor, height / self.factor);
        let values: Vec<[f32; 2]> = (0..width * height)
            .map(|at| ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5))
            .map(|(x, y)| (self.chroma)(x / width as f32, y / height as f32))
            .collect();
        let plane = |channel: usize| values.iter().map(|value| value[channel]).collect();
        Ok(Ab { width, height, a: plane(0), b: plane(1) })
    }

    fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        Ok(None)
    }
}

fn tint(a: f32, b: f32) -> Fake<impl Fn(f32, f32) -> [f32; 2]> {
    Fake { factor: 4, chroma: move |_, _| [a, b] }
}

fn params() -> Params {
    Params { working_size: 64, strength: 1.0, temperature: None, threads: 1 }
}

fn go_on(_: f32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn stride(format: PixelFormat, width: u32) -> isize {
    isize::try_from(width).expect("small") * isize::try_from(format.bytes_per_pixel()).expect("small")
}

/// Colorizes tightly packed pixels.
fn run(
    engine: &dyn Engine,
    from: PixelFormat,
    to: PixelFormat,
    (width, height): (u32, u32),
    source: &[u8],
    params: &Params,
) -> Vec<u8> {
    let pixels = usize::try_from(width * height).expect("small");
    let mut target = vec![0; pixels * to.bytes_per_pixel()];
    let input = ImageView::new(from, width, height, stride(from, width), source).expect("an input");
    let mut output = ImageViewMut::new(to, width, height, stride(to, width), &mut target).expect("an output");
    colorize(engine, &input, &mut output, params, &mut go_on).expect("it colorizes");
    target
}

fn lightness8(rgb: &[u8]) -> f32 {
    luminance_to_lightness(srgb_to_luminance([0, 1, 2].map(|at| f32::from(rgb[at]) / 255.0)))
}

#[test]
fn lightness_is_kept_whatever_the_chroma() {
    let source: Vec<u8> = (0_u32..64 * 64).map(|at| u8::try_from(at / 16).expect("a code")).collect();
    for (a, b) in [(0.0, 0.0), (20.0, 15.0), (-30.0, 60.0), (90.0, -110.0)] {
        let target = run(&tint(a, b), PixelFormat::Gray8, PixelFormat::Rgb8, (64, 64), &source, &params());
        let pixels = source.iter().zip(target.as_chunks::<3>().0);
        let sum: f32 = pixels.map(|(gray, rgb)| (lightness8(&[*gray; 3]) - lightness8(rgb)).abs()).sum();
        assert!(sum / 4096.0 < 0.15, "mean |dL| is {} for ({a}, {b})", sum / 4096.0);
    }
}

#[test]
fn sixteen_bits_keep_their_precision() {
    let codes: Vec<u16> = (0..4096_u16).map(|at| at * 16).collect();
    let source: Vec<u8> = codes.iter().flat_map(|code| code.to_ne_bytes()).collect();
    for (a, b) in [(20.0, -15.0), (0.0, 0.0), (-30.0, 60.0), (90.0, -110.0)] {
        let target = run(&tint(a, b), PixelFormat::Gray16, PixelFormat::Rgb16, (64, 64), &source, &params());
        let mut sum = 0.0;
        for (code, pixel) in codes.iter().zip(target.as_chunks::<6>().0) {
            let rgb = [0, 2, 4].map(|at| f32::from(u16::from_ne_bytes([pixel[at], pixel[at + 1]])) / 65535.0);
            let gray = luminance_to_lightness(srgb_to_linear(f32::from(*code) / 65535.0));
            sum += (gray - luminance_to_lightness(srgb_to_luminance(rgb))).abs();
        }
        assert!(sum / 4096.0 < 0.01, "mean |dL| is {} for ({a}, {b})", sum / 4096.0);
    }
}

#[test]
fn a_bright_picture_gets_the_predicted_chroma() {
    let target =
        run(&tint(10.0, 20.0), PixelFormat::Gray8, PixelFormat::Rgb8, (40, 30), &[128; 1200], &params());
    let lab = crate::color::srgb8_to_lab([target[0], target[1], target[2]]);
    assert!((lab[1] - 10.0).abs() < 0.5 && (lab[2] - 20.0).abs() < 0.5, "{lab:?}");
}

#[test]
fn strength_0_gives_the_very_gray() {
    let none = Params { strength: 0.0, ..params() };
    let source: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_ne_bytes).collect();
    let target = run(&tint(50.0, 50.0), PixelFormat::Gray16, PixelFormat::Rgb16, (256, 256), &source, &none);
    for (code, pixel) in source.as_chunks::<2>().0.iter().zip(target.as_chunks::<6>().0) {
        assert_eq!(pixel.as_chunks::<2>().0, [*code; 3]);
    }
}

#[test]
fn alpha_is_copied_bit_for_bit_or_opaque() {
    let source: Vec<u8> = (0_u8..=255).flat_map(|code| [code, 0, 255 - code, code]).collect();
    let target = run(&tint(9.0, 9.0), PixelFormat::Rgba8, PixelFormat::Rgba8, (16, 16), &source, &params());
    let wide = run(&tint(9.0, 9.0), PixelFormat::Rgba8, PixelFormat::Rgba16, (16, 16), &source, &params());
    for (at, from) in source.as_chunks::<4>().0.iter().enumerate() {
        assert_eq!(target[at * 4 + 3], from[3]);
        assert_eq!(wide[at * 8 + 6..at * 8 + 8], [from[3]; 2]);
    }
    let odd = [0.5_f32.to_bits(), 7, f32::NAN.to_bits() | 1, f32::INFINITY.to_bits()];
    let floats: Vec<u8> =
        odd.iter().flat_map(|bits| [0.5_f32.to_bits(), 0, 0, *bits]).flat_map(u32::to_ne_bytes).collect();
    let target = run(&tint(9.0, 9.0), PixelFormat::RgbaF32, PixelFormat::RgbaF32, (2, 2), &floats, &params());
    for (at, bits) in odd.iter().enumerate() {
        assert_eq!(target[at * 16 + 12..at * 16 + 16], bits.to_ne_bytes());
    }
    let opaque = run(&tint(9.0, 9.0), PixelFormat::Gray8, PixelFormat::RgbaF32, (1, 1), &[90], &params());
    assert_eq!(opaque[12..], 1.0_f32.to_ne_bytes());
}

#[test]
fn floats_beyond_the_range_are_clamped_and_nan_is_black() {
    let source: Vec<u8> = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3.0, -1.0, 0.25]
        .iter()
        .flat_map(|value| value.to_ne_bytes())
        .collect();
    let none = Params { strength: 0.0, ..params() };
    let target = run(&tint(5.0, 5.0), PixelFormat::GrayF32, PixelFormat::RgbaF32, (6, 1), &source, &none);
    for (pixel, expected) in target.as_chunks::<16>().0.iter().zip([0.0, 1.0, 0.0, 1.0, 0.0, 0.25]) {
        let red = f32::from_ne_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]);
        assert!((red - expected).abs() < 2e-6, "{red}, expected {expected}");
    }
}

#[test]
fn every_size_works_down_to_one_pixel() {
    for size in [(1, 1), (1, 3000), (3000, 1), (7, 5), (33, 700), (513, 2)] {
        let source = vec![120; usize::try_from(size.0 * size.1).expect("small")];
        let target = run(&tint(5.0, -20.0), PixelFormat::Gray8, PixelFormat::Rgb8, size, &source, &params());
        assert!(target.as_chunks::<3>().0.iter().all(|rgb| rgb == &target[..3]), "{size:?}");
        assert!(target[2] > target[1], "{size:?}: expected blue");
    }
}

#[test]
fn threads_do_not_change_the_result() {
    let source: Vec<u8> = (0_u32..300 * 200).map(|at| u8::try_from(at * 7 % 251).expect("a code")).collect();
    let engine = Fake { factor: 2, chroma: |x, y| [60.0 * x - 30.0, 80.0 * y - 40.0] };
    let with = |threads| {
        let params = Params { threads, ..params() };
        run(&engine, PixelFormat::Gray8, PixelFormat::Rgb8, (300, 200), &source, &params)
    };
    assert_eq!(with(1), with(3));
    assert_eq!(with(1), with(0));
}

/// Two flat regions, dark blue against bright orange, whose edge lies inside a predicted pixel.
#[test]
fn chroma_stops_at_edges_of_lightness_where_bilinear_bleeds() {
    const SIZE: u32 = 256;
    const EDGE: u32 = 131;
    let truth = |dark: bool| if dark { [5.0, -25.0] } else { [12.0, 30.0] };
    let source: Vec<u8> = (0..SIZE * SIZE).map(|at| if at % SIZE < EDGE { 70 } else { 190 }).collect();
    // 256 working pixels, chroma at an eighth: each value is the mean of its 8 columns.
    let share = |x: f32| ((EDGE as f32 - (x * 32.0 - 0.5) * 8.0) / 8.0).clamp(0.0, 1.0);
    let mixed =
        move |x: f32| [0, 1].map(|at| share(x) * truth(true)[at] + (1.0 - share(x)) * truth(false)[at]);
    let engine = Fake { factor: 8, chroma: move |x, _| mixed(x) };
    let params = Params { working_size: SIZE, ..params() };
    let target = run(&engine, PixelFormat::Gray8, PixelFormat::Rgb8, (SIZE, SIZE), &source, &params);
    let (mut guided, mut bilinear) = (0.0, 0.0);
    for x in EDGE - 16..EDGE + 16 {
        let at = usize::try_from((100 * SIZE + x) * 3).expect("small");
        let lab = crate::color::srgb8_to_lab([target[at], target[at + 1], target[at + 2]]);
        let expected = truth(x < EDGE);
        guided += (lab[1] - expected[0]).hypot(lab[2] - expected[1]);
        let position = (x as f32 + 0.5) / 8.0 - 0.5;
        let left = mixed((position.floor() + 0.5) / 32.0);
        let right = mixed((position.floor() + 1.5) / 32.0);
        let between = |at: usize| left[at] + (right[at] - left[at]) * position.fract();
        bilinear += (between(0) - expected[0]).hypot(between(1) - expected[1]);
    }
    assert!(guided < 0.25 * bilinear, "guided bleeds {guided}, bilinear {bilinear}");
}

/// Trained on upscaled images; records the L it sees.
struct Soft(f64, RefCell<Vec<f32>>);

impl Engine for Soft {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: self.0, auto_levels: false }
    }

    fn predict(&self, l: &Plane, _: Settings) -> Result<Ab, PredictError> {
        let ((width, height), l) = (l.size(), l.values());
        self.1.replace(l.to_vec());
        Ok(Ab { width, height, a: vec![0.0; l.len()], b: vec![0.0; l.len()] })
    }

    fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        Ok(None)
    }
}

/// The L that an engine sees of a square gray image.
fn shown(training_upscale: f64, side: u32, source: &[u8]) -> Vec<f32> {
    let engine = Soft(training_upscale, RefCell::default());
    run(&engine, PixelFormat::Gray8, PixelFormat::Rgb8, (side, side), source, &params());
    engine.1.into_inner()
}

#[test]
fn a_picture_is_shown_as_soft_as_those_of_the_training() {
    let range = |l: &[f32]| {
        let least = l.iter().copied().fold(f32::MAX, f32::min);
        l.iter().copied().fold(f32::MIN, f32::max) - least
    };
    // At the working size of 64 a checkerboard of single pixels is visible; upscaled from 32 it cannot be.
    let board: Vec<u8> = (0..64 * 64).map(|at| if (at % 64 + at / 64) % 2 == 0 { 20 } else { 220 }).collect();
    assert!(range(&shown(1.0, 64, &board)) > 60.0);
    assert!(range(&shown(2.0, 64, &board)) < 0.1);
    // What is that soft already is left alone.
    let slope: Vec<u8> = (0..64 * 64_u32).map(|at| u8::try_from(at % 64 * 3).expect("a code")).collect();
    let apart = shown(1.0, 64, &slope)
        .iter()
        .zip(shown(2.0, 64, &slope))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(apart < 1.0, "{apart}");
    let small: Vec<u8> = board[..32 * 32].to_vec();
    assert_eq!(shown(1.0, 32, &small), shown(2.0, 32, &small));
}

/// Wants auto levels, and predicts chroma where what it sees is dark.
struct Dark;

impl Engine for Dark {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: true }
    }

    fn predict(&self, l: &Plane, _: Settings) -> Result<Ab, PredictError> {
        let ((width, height), l) = (l.size(), l.values());
        let a = l.iter().map(|&l| if l < 15.0 { 30.0 } else { 0.0 }).collect();
        Ok(Ab { width, height, a, b: vec![0.0; l.len()] })
    }

    fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        Ok(None)
    }
}

#[test]
fn a_faded_picture_is_shown_with_its_blacks_and_written_with_its_own_lightness() {
    // The left half has L 31, a faded black; the right half 69.
    let source: Vec<u8> = (0..64 * 64).map(|at| if at % 64 < 32 { 73 } else { 168 }).collect();
    let faded = run(&Dark, PixelFormat::Gray8, PixelFormat::Rgb8, (64, 64), &source, &params());
    let pixel = |x: usize| [0, 1, 2].map(|channel| f32::from(faded[3 * (32 * 64 + x) + channel]) / 255.0);
    let (left, right) = (srgb_to_lab(pixel(16)), srgb_to_lab(pixel(48)));
    assert!((left[1] - 30.0).abs() < 2.0 && right[1].abs() < 1.0, "{left:?} {right:?}");
    let l = |code: u8| srgb_to_lab([f32::from(code) / 255.0; 3])[0];
    assert!((left[0] - l(73)).abs() < 1.0 && (right[0] - l(168)).abs() < 1.0, "{left:?} {right:?}");
}

/// Its confidence is the lightness it sees.
struct Confident;

impl Engine for Confident {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: false }
    }

    fn predict(&self, _: &Plane, _: Settings) -> Result<Ab, PredictError> {
        Err(PredictError::new("a map must not ask for colors"))
    }

    fn confidence(&self, l: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        let values = l.values().iter().map(|l| (l / 100.0).clamp(0.0, 1.0)).collect();
        let plane = Plane::new(l.size().0, l.size().1, values);
        plane.map(|plane| Some(Confidence(plane))).map_err(|error| PredictError::new(error.to_string()))
    }
}

#[test]
fn a_map_is_as_light_as_the_engine_is_sure_and_needs_one_that_can_say() {
    let source: Vec<u8> = (0..64 * 64).map(|at| if at % 64 < 20 { 40 } else { 200 }).collect();
    let input = ImageView::tight(PixelFormat::Gray8, 64, 64, &source).expect("an input");
    let mut map = [0; 64 * 64];
    let mut output = ImageViewMut::tight(PixelFormat::Gray8, 64, 64, &mut map).expect("an output");
    let none = confidence(&tint(1.0, 1.0), &input, &mut output, &params(), &mut go_on);
    assert_eq!(none, Err(PipelineError::NoConfidence));
    confidence(&Confident, &input, &mut output, &params(), &mut go_on).expect("it has confidence");
    for (map, gray) in map.iter().zip(&source) {
        let expected = srgb_to_lab([f32::from(*gray) / 255.0; 3])[0] / 100.0;
        assert!((f32::from(*map) / 255.0 - expected).abs() < 0.01, "{map}, expected {expected}");
    }
    let mut colors = [0; 3 * 64 * 64];
    let mut output = ImageViewMut::tight(PixelFormat::Rgb8, 64, 64, &mut colors).expect("an output");
    let refused = confidence(&Confident, &input, &mut output, &params(), &mut go_on);
    assert_eq!(refused, Err(ImageError::Color(PixelFormat::Rgb8).into()));
}

#[test]
fn progress_rises_to_1_on_the_calling_thread_and_can_cancel() {
    let source = [100; 35];
    let mut target = [0; 105];
    let input = ImageView::new(PixelFormat::Gray8, 35, 1, 35, &source).expect("an input");
    let caller = std::thread::current().id();
    let seen = RefCell::new(Vec::new());
    let mut call = |most: usize, params: &Params| {
        seen.borrow_mut().clear();
        let mut output = ImageViewMut::new(PixelFormat::Rgb8, 35, 1, 105, &mut target).expect("an output");
        colorize(&tint(1.0, 1.0), &input, &mut output, params, &mut |fraction| {
            assert_eq!(std::thread::current().id(), caller);
            seen.borrow_mut().push(fraction);
            if seen.borrow().len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    };
    call(usize::MAX, &Params { threads: 2, ..params() }).expect("it colorizes");
    let fractions = seen.borrow().clone();
    assert!(fractions.len() >= 10 && fractions.is_sorted(), "{fractions:?}");
    assert_eq!((fractions[0], fractions[fractions.len() - 1]), (0.0, 1.0));
    for most in 0..fractions.len() {
        assert_eq!(call(most, &params()), Err(PipelineError::Cancelled));
        assert_eq!(seen.borrow().len(), most + 1);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_a_sentence() {
    let mut errors = Vec::new();
    let source = [9; 12];
    for (width, height, stride) in
        [(0, 4, 4), (4, 0, 4), (4, 3, 3), (4, 3, -3), (4, 3, 0), (4, 4, 4), (4, 3, isize::MIN)]
    {
        errors.push(
            ImageView::new(PixelFormat::Gray8, width, height, stride, &source)
                .expect_err("refused")
                .to_string(),
        );
    }
    let mut refuse = |engine: &dyn Engine, format, width, params: &Params| {
        let mut target = vec![0; 64];
        let input = ImageView::new(PixelFormat::Gray8, 4, 3, 4, &source).expect("an input");
        let mut output =
            ImageViewMut::new(format, width, 3, stride(format, width), &mut target).expect("an output");
        errors.push(
            colorize(engine, &input, &mut output, params, &mut go_on).expect_err("refused").to_string(),
        );
    };
    let fake = tint(1.0, 1.0);
    refuse(&fake, PixelFormat::Gray8, 4, &params());
    refuse(&fake, PixelFormat::Rgb8, 5, &params());
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { working_size: 0, ..params() });
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { working_size: 2049, ..params() });
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { strength: f32::NAN, ..params() });
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { strength: 1.6, ..params() });
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { temperature: Some(-0.1), ..params() });
    refuse(&fake, PixelFormat::Rgb8, 4, &Params { threads: 1025, ..params() });
    refuse(&tint(f32::NAN, 1.0), PixelFormat::Rgb8, 4, &params());
    refuse(&Fake { factor: 3, chroma: |_, _| [0.0; 2] }, PixelFormat::Rgb8, 4, &params());
    insta::assert_snapshot!(errors.join("\n"));
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    use PixelFormat::*;
    prop::sample::select(vec![Rgba8, Rgb8, Gray8, Rgba16, Rgb16, Gray16, RgbaF32, GrayF32])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Strides of either sign, padding and odd addresses: the same pixels, and not a byte beside them.
    #[test]
    fn layout_in_memory_does_not_matter(
        from in any_format(), to in any_format(), width in 1_u32..40, height in 1_u32..40,
        gaps in (0_usize..9, 0_usize..9), flips in (any::<bool>(), any::<bool>()), seed in any::<u64>(),
    ) {
        prop_assume!(to.has_color());
        let (columns, rows) = (usize::try_from(width).expect("small"), usize::try_from(height).expect("small"));
        let mut state = seed | 1;
        let source: Vec<u8> = (0..columns * rows * from.bytes_per_pixel()).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        }).collect();
        let expected = run(&tint(12.0, -7.0), from, to, (width, height), &source, &params());
        let place = |y: usize, flip: bool| if flip { rows - 1 - y } else { y };
        let signed = |pitch: usize, flip: bool| {
            let stride = isize::try_from(pitch).expect("small");
            if flip { -stride } else { stride }
        };
        let (in_row, out_row) = (columns * from.bytes_per_pixel(), columns * to.bytes_per_pixel());
        let (in_pitch, out_pitch) = (in_row + gaps.0, out_row + gaps.1);
        // One leading byte puts the rows at odd addresses.
        let mut input = vec![0xAB; 1 + in_pitch * rows];
        let mut output = vec![0xCD; 1 + out_pitch * rows];
        for (y, row) in source.chunks(in_row).enumerate() {
            input[1 + place(y, flips.0) * in_pitch..][..in_row].copy_from_slice(row);
        }
        let view = ImageView::new(from, width, height, signed(in_pitch, flips.0), &input[1..]).expect("an input");
        let mut target = ImageViewMut::new(to, width, height, signed(out_pitch, flips.1), &mut output[1..])
            .expect("an output");
        colorize(&tint(12.0, -7.0), &view, &mut target, &params(), &mut go_on).expect("it colorizes");
        prop_assert_eq!(output[0], 0xCD);
        for (y, row) in expected.chunks(out_row).enumerate() {
            let got = &output[1 + place(y, flips.1) * out_pitch..][..out_pitch];
            prop_assert_eq!(&got[..out_row], row);
            prop_assert!(got[out_row..].iter().all(|byte| *byte == 0xCD));
        }
    }
}
