//! How much chroma bleeds across edges of lightness when upsampled to full size, by several methods.
//!
//! `cargo run --release -p autochrome-pixels --example edges -- PHOTOS.tar [SHEET.png]` prints a table and writes
//! images to look at. docs/research/pixels.md defines the numbers. Each method gets the true ab, shrunk by area
//! averaging, and its full-size L, so no network is involved.
#![allow(missing_docs, reason = "a program")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "sides of small photographs"
)]

use std::io::Read;
use std::ops::ControlFlow;

use autochrome_pixels::color::{gamut, lab_to_srgb, srgb_to_lab, srgb8_to_lab, unit_to_u8};
use autochrome_pixels::pipeline::{Params, colorize};
use autochrome_pixels::{
    Ab, Confidence, Engine, ImageView, ImageViewMut, InputSpec, PixelFormat, Plane, PredictError, Settings,
};
use image::{Rgb, RgbImage, imageops};

/// Minimum difference of L, and of true ab, between pixels two apart that makes a color edge.
const EDGE: (f32, f32) = (15.0, 15.0);

/// Planes of one size.
#[derive(Clone)]
struct Planes {
    width: usize,
    height: usize,
    l: Vec<f32>,
    ab: Vec<[f32; 2]>,
}

impl Planes {
    fn of(photo: &RgbImage) -> Self {
        let lab: Vec<[f32; 3]> = photo.pixels().map(|pixel| srgb8_to_lab(pixel.0)).collect();
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        Self {
            width,
            height,
            l: lab.iter().map(|lab| lab[0]).collect(),
            ab: lab.iter().map(|lab| [lab[1], lab[2]]).collect(),
        }
    }

    /// Means over squares of `factor` pixels.
    fn shrunk(&self, factor: usize) -> Self {
        let (width, height) = (self.width / factor, self.height / factor);
        let mut low =
            Self { width, height, l: vec![0.0; width * height], ab: vec![[0.0; 2]; width * height] };
        let share = 1.0 / (factor * factor) as f32;
        for y in 0..height * factor {
            for x in 0..width * factor {
                let (from, to) = (y * self.width + x, y / factor * width + x / factor);
                low.l[to] += share * self.l[from];
                (0..2).for_each(|c| low.ab[to][c] += share * self.ab[from][c]);
            }
        }
        low
    }

    fn near(&self, x: isize, y: isize) -> usize {
        let inside = |at: isize, len: usize| at.clamp(0, len as isize - 1) as usize;
        inside(y, self.height) * self.width + inside(x, self.width)
    }
}

/// Position of pixel `at` among cells of `factor` pixels: the cell before it and the weight of the next.
fn between(at: usize, factor: usize) -> (isize, f32) {
    let place = (at as f32 + 0.5) / factor as f32 - 0.5;
    (place.floor() as isize, place - place.floor())
}

fn bilinear<const N: usize>(
    low: &Planes,
    values: &[[f32; N]],
    x: usize,
    y: usize,
    factor: usize,
) -> [f32; N] {
    let ((left, across), (top, down)) = (between(x, factor), between(y, factor));
    let mut sum = [0.0; N];
    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let weight = (if dx == 1 { across } else { 1.0 - across }) * if dy == 1 { down } else { 1.0 - down };
        let value = &values[low.near(left + dx, top + dy)];
        (0..N).for_each(|c| sum[c] += weight * value[c]);
    }
    sum
}

/// Kopf et al. 2007: neighbors weighted by distance in position and in L.
fn joint_bilateral(full: &Planes, low: &Planes, factor: usize, sigma: f32) -> Vec<[f32; 2]> {
    each(full, |x, y, l| {
        let ((left, across), (top, down)) = (between(x, factor), between(y, factor));
        let (mut sum, mut total) = ([0.0; 2], 1e-20_f32);
        for dy in -1..=2 {
            for dx in -1..=2 {
                let at = low.near(left + dx, top + dy);
                let (u, v) = (dx as f32 - across, dy as f32 - down);
                let range = (low.l[at] - l) / sigma;
                let weight = (-0.5 * (u * u + v * v) / 0.64 - 0.5 * range * range).exp() + 1e-12;
                (0..2).for_each(|c| sum[c] += weight * low.ab[at][c]);
                total += weight;
            }
        }
        sum.map(|sum| sum / total)
    })
}

/// Chen et al. 2007: a grid over position (one cell per low-resolution pixel) and L, blurred, then sliced at each
/// pixel's L.
fn bilateral_grid(full: &Planes, low: &Planes, factor: usize, bin: f32) -> Vec<[f32; 2]> {
    let bins = (100.0 / bin) as usize + 3;
    let area = low.width * low.height;
    let mut grid = vec![[0.0_f32; 3]; area * bins];
    for at in 0..area {
        let place = low.l[at] / bin + 1.0;
        let share = place.fract();
        for (z, weight) in [(place as usize, 1.0 - share), (place as usize + 1, share)] {
            let cell = &mut grid[at * bins + z.min(bins - 1)];
            *cell = [cell[0] + weight * low.ab[at][0], cell[1] + weight * low.ab[at][1], cell[2] + weight];
        }
    }
    // Blurred by 1 2 1 along each axis.
    for axis in 0..3 {
        let source = grid.clone();
        for y in 0..low.height as isize {
            for x in 0..low.width as isize {
                for z in 0..bins {
                    let step = |by: isize| match axis {
                        0 => low.near(x + by, y) * bins + z,
                        1 => low.near(x, y + by) * bins + z,
                        _ => low.near(x, y) * bins + (z as isize + by).clamp(0, bins as isize - 1) as usize,
                    };
                    let (before, at, after) = (source[step(-1)], step(0), source[step(1)]);
                    let here = source[at];
                    grid[at] = [0, 1, 2].map(|c| 0.25 * before[c] + 0.5 * here[c] + 0.25 * after[c]);
                }
            }
        }
    }
    each(full, |x, y, l| {
        let place = l / bin + 1.0;
        let (z, share) = (place as usize, place.fract());
        let ((left, across), (top, down)) = (between(x, factor), between(y, factor));
        let mut sum = [0.0, 0.0, 1e-9];
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let flat =
                (if dx == 1 { across } else { 1.0 - across }) * if dy == 1 { down } else { 1.0 - down };
            let cell = low.near(left + dx, top + dy) * bins;
            for (z, weight) in [(z, 1.0 - share), (z + 1, share)] {
                let value = grid[cell + z.min(bins - 1)];
                (0..3).for_each(|c| sum[c] += flat * weight * value[c]);
            }
        }
        if sum[2] < 1e-4 { bilinear(low, &low.ab, x, y, factor) } else { [sum[0] / sum[2], sum[1] / sum[2]] }
    })
}

/// Means of 1, L, a, b, L^2, L a, L b, a^2 + b^2 over the 3 x 3 window around a pixel.
fn moments(low: &Planes, at: usize, neighbor: f32) -> [f32; 8] {
    let (x, y) = ((at % low.width) as isize, (at / low.width) as isize);
    let mut sums = [0.0_f32; 8];
    for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
        let from = low.near(x + dx, y + dy);
        let weight = [neighbor, 1.0][usize::from(dx == 0)] * [neighbor, 1.0][usize::from(dy == 0)];
        let (l, [a, b]) = (low.l[from], low.ab[from]);
        for (sum, value) in sums.iter_mut().zip([1.0, l, a, b, l * l, l * a, l * b, a * a + b * b]) {
            *sum += weight * value;
        }
    }
    sums.map(|sum| sum / sums[0])
}

/// He and Sun 2015: lines fitted to windows, averaged; `weighted` by the variance of L in the window, or all alike.
fn guided(full: &Planes, low: &Planes, factor: usize, flatness: f32, weighted: bool) -> Vec<[f32; 2]> {
    let fit = |at| {
        let [_, l, a, b, ll, la, lb, _] = moments(low, at, 1.0);
        let variance = ll - l * l + flatness;
        let slopes = [(la - l * a) / variance, (lb - l * b) / variance];
        (if weighted { variance } else { 1.0 }, [slopes[0], a - slopes[0] * l, slopes[1], b - slopes[1] * l])
    };
    let fits: Vec<(f32, [f32; 4])> = (0..low.l.len()).map(fit).collect();
    let mean = |at: usize| {
        let (x, y) = ((at % low.width) as isize, (at / low.width) as isize);
        let (mut sum, mut total) = ([0.0; 4], 0.0);
        for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
            let (weight, line) = fits[low.near(x + dx, y + dy)];
            (0..4).for_each(|k| sum[k] += weight * line[k]);
            total += weight;
        }
        sum.map(|sum| sum / total)
    };
    let lines: Vec<[f32; 4]> = (0..low.l.len()).map(mean).collect();
    each(full, |x, y, l| {
        let line = bilinear(low, &lines, x, y, factor);
        [line[0] * l + line[1], line[2] * l + line[3]]
    })
}

/// Our method: chroma interpolated, plus the slope times the difference of L from its own interpolation.
struct Slopes {
    neighbor: f32,
    flatness: f32,
    /// Exponent of the squared correlation that weights a slope.
    power: f32,
    held: bool,
}

impl Slopes {
    fn run(&self, full: &Planes, low: &Planes, factor: usize) -> Vec<[f32; 2]> {
        let slope = |at| {
            let [_, l, a, b, ll, la, lb, cc] = moments(low, at, self.neighbor);
            let (with_a, with_b) = (la - l * a, lb - l * b);
            let variance = (ll - l * l).max(0.0) + self.flatness;
            let chroma = (cc - a * a - b * b).max(0.0) + 0.5;
            let counts =
                ((with_a * with_a + with_b * with_b) / (variance * chroma)).min(1.0).powf(self.power);
            [counts * with_a / variance, counts * with_b / variance]
        };
        let slopes: Vec<[f32; 2]> = (0..low.l.len()).map(slope).collect();
        let values: Vec<[f32; 3]> = low.l.iter().zip(&low.ab).map(|(l, ab)| [*l, ab[0], ab[1]]).collect();
        let bounds: Vec<[f32; 4]> = (0..low.l.len()).map(|at| bounds(low, at)).collect();
        each(full, |x, y, l| {
            let slopes = bilinear(low, &slopes, x, y, factor);
            let mean = bilinear(low, &values, x, y, factor);
            let bound = bilinear(low, &bounds, x, y, factor);
            let value = |c: usize| mean[c + 1] + slopes[c] * (l - mean[0]);
            let held = |c: usize| value(c).max(bound[2 * c]).min(bound[2 * c + 1]);
            [0, 1].map(|c| if self.held { held(c) } else { value(c) })
        })
    }
}

/// Minimum and maximum of a, then of b, around a pixel, with the pipeline's margin.
fn bounds(low: &Planes, at: usize) -> [f32; 4] {
    let (x, y) = ((at % low.width) as isize, (at / low.width) as isize);
    let mut bounds = [f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY, f32::NEG_INFINITY];
    for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
        let ab = low.ab[low.near(x + dx, y + dy)];
        for c in 0..2 {
            bounds[2 * c] = bounds[2 * c].min(ab[c]);
            bounds[2 * c + 1] = bounds[2 * c + 1].max(ab[c]);
        }
    }
    for c in 0..2 {
        let (least, most) = (bounds[2 * c], bounds[2 * c + 1]);
        let by = 0.1 * (most - least) + (0.1 * least.abs().max(most.abs())).min(1.0);
        (bounds[2 * c], bounds[2 * c + 1]) = (least - by, most + by);
    }
    bounds
}

fn each(full: &Planes, value: impl Fn(usize, usize, f32) -> [f32; 2]) -> Vec<[f32; 2]> {
    (0..full.l.len()).map(|at| value(at % full.width, at / full.width, full.l[at])).collect()
}

/// Predicts the true ab in place of a network.
struct Truth<'a>(&'a Planes);

impl Engine for Truth<'_> {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: false }
    }

    fn predict(&self, _: &Plane, _: Settings) -> Result<Ab, PredictError> {
        let plane = |c: usize| self.0.ab.iter().map(|ab| ab[c]).collect();
        Ok(Ab { width: self.0.width, height: self.0.height, a: plane(0), b: plane(1) })
    }

    fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        Ok(None)
    }
}

/// Our own pipeline.
fn product(full: &Planes, low: &Planes) -> Vec<[f32; 2]> {
    let (width, height) = (full.width as u32, full.height as u32);
    let rgba = |at: usize| {
        let [r, g, b] = lab_to_srgb([full.l[at], 0.0, 0.0]);
        [r, g, b, 1.0].map(f32::to_ne_bytes).concat()
    };
    let source: Vec<u8> = (0..full.l.len()).flat_map(rgba).collect();
    let mut target = vec![0_u8; source.len()];
    let input = ImageView::tight(PixelFormat::RgbaF32, width, height, &source).expect("an input");
    let mut output =
        ImageViewMut::tight(PixelFormat::RgbaF32, width, height, &mut target).expect("an output");
    let params = Params { working_size: width, strength: 1.0, temperature: None, threads: 2 };
    colorize(&Truth(low), &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))
        .expect("it colorizes");
    let pixel = |bytes: &[u8; 16]| {
        let sample = |c: usize| {
            f32::from_ne_bytes([bytes[4 * c], bytes[4 * c + 1], bytes[4 * c + 2], bytes[4 * c + 3]])
        };
        let [_, a, b] = srgb_to_lab([sample(0), sample(1), sample(2)]);
        [a, b]
    };
    target.as_chunks::<16>().0.iter().map(pixel).collect()
}

/// Sums of one method over all photographs.
#[derive(Default, Clone, Copy)]
struct Score {
    lost: f64,
    pairs: f64,
    edge: f64,
    edges: f64,
    flat: f64,
    flats: f64,
}

impl Score {
    fn add(&mut self, full: &Planes, got: &[[f32; 2]], factor: usize) {
        let apart = |l: [f32; 2], r: [f32; 2]| [l[0] - r[0], l[1] - r[1]];
        let mut near = vec![false; got.len()];
        for (y, x) in (1..full.height - 1).flat_map(|y| (1..full.width - 1).map(move |x| (y, x))) {
            let at = y * full.width + x;
            for (p, q) in [(at - 1, at + 1), (at - full.width, at + full.width)] {
                let truth = apart(full.ab[p], full.ab[q]);
                let squared = truth[0] * truth[0] + truth[1] * truth[1];
                if (full.l[p] - full.l[q]).abs() < EDGE.0 || squared < EDGE.1 * EDGE.1 {
                    continue;
                }
                let made = apart(got[p], got[q]);
                self.lost += f64::from(1.0 - (truth[0] * made[0] + truth[1] * made[1]) / squared).abs();
                self.pairs += 1.0;
                let reach = factor as isize / 2;
                for (dy, dx) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx))) {
                    near[full.near(x as isize + dx, y as isize + dy)] = true;
                }
            }
        }
        for ((got, truth), near) in got.iter().zip(&full.ab).zip(near) {
            let [a, b] = apart(*got, *truth);
            let (sum, count) =
                if near { (&mut self.edge, &mut self.edges) } else { (&mut self.flat, &mut self.flats) };
            *sum += f64::from(a.hypot(b));
            *count += 1.0;
        }
    }
}

/// ab at full size, from the full-size planes (only L may be used), the small ones and the factor between them.
type Fill = dyn Fn(&Planes, &Planes, usize) -> Vec<[f32; 2]>;
type Method = (&'static str, Box<Fill>);

fn methods() -> Vec<Method> {
    let slopes = |neighbor, flatness, power, held| -> Box<Fill> {
        Box::new(move |full, low, n| Slopes { neighbor, flatness, power, held }.run(full, low, n))
    };
    vec![
        ("nearest", Box::new(|full, low, n| each(full, |x, y, _| low.ab[y / n * low.width + x / n]))),
        ("bilinear", Box::new(|full, low, n| each(full, |x, y, _| bilinear(low, &low.ab, x, y, n)))),
        ("joint bilateral, sigma 5", Box::new(|full, low, n| joint_bilateral(full, low, n, 5.0))),
        ("joint bilateral, sigma 10", Box::new(|full, low, n| joint_bilateral(full, low, n, 10.0))),
        ("bilateral grid, bins of 5", Box::new(|full, low, n| bilateral_grid(full, low, n, 5.0))),
        ("bilateral grid, bins of 10", Box::new(|full, low, n| bilateral_grid(full, low, n, 10.0))),
        ("guided, as published", Box::new(|full, low, n| guided(full, low, n, 4.0, false))),
        ("guided, windows by variance", Box::new(|full, low, n| guided(full, low, n, 4.0, true))),
        ("slopes: every line counts alike", slopes(0.5, 4.0, 0.0, true)),
        ("slopes: by squared correlation", slopes(0.5, 4.0, 1.0, true)),
        ("slopes: flatness 1", slopes(0.5, 1.0, 0.5, true)),
        ("slopes: flatness 16", slopes(0.5, 16.0, 0.5, true)),
        ("slopes: even windows", slopes(1.0, 4.0, 0.5, true)),
        ("slopes: not held to the range", slopes(0.5, 4.0, 0.5, false)),
        ("slopes: the product's choice", slopes(0.5, 4.0, 0.5, true)),
        ("the product itself", Box::new(|full, low, _| product(full, low))),
    ]
}

fn photographs(path: &str) -> Vec<RgbImage> {
    let mut archive = tar::Archive::new(std::fs::File::open(path).expect("a tar of photographs"));
    let mut all = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut bytes = Vec::new();
        entry.expect("an entry").read_to_end(&mut bytes).expect("it can be read");
        all.extend(image::load_from_memory(&bytes).ok().map(image::DynamicImage::into_rgb8));
    }
    all
}

fn painted(full: &Planes, ab: &[[f32; 2]]) -> RgbImage {
    let color =
        |at: usize| lab_to_srgb(gamut::fit_chroma([full.l[at], ab[at][0], ab[at][1]])).map(unit_to_u8);
    RgbImage::from_fn(full.width as u32, full.height as u32, |x, y| {
        Rgb(color(y as usize * full.width + x as usize))
    })
}

fn main() {
    let mut args = std::env::args().skip(1);
    let photos = photographs(&args.next().expect("PHOTOS.tar [SHEET.png]"));
    let sheet = args.next();
    let methods = methods();
    println!("{} photographs", photos.len());
    let mut pictures: Vec<(f64, RgbImage)> = Vec::new();
    for factor in [4, 8] {
        let mut scores = vec![Score::default(); methods.len()];
        for photo in &photos {
            let full = Planes::of(
                &imageops::crop_imm(photo, 0, 0, photo.width() / 32 * 32, photo.height() / 32 * 32)
                    .to_image(),
            );
            let low = full.shrunk(factor);
            let mut row = vec![painted(&full, &full.ab)];
            let before = scores[1].lost;
            for ((name, method), score) in methods.iter().zip(&mut scores) {
                let mut got = method(&full, &low, factor);
                for (ab, l) in got.iter_mut().zip(&full.l) {
                    let [_, a, b] = gamut::fit_chroma([*l, ab[0], ab[1]]);
                    *ab = [a, b];
                }
                score.add(&full, &got, factor);
                if ["bilinear", "joint bilateral, sigma 5", "guided, as published", "the product itself"]
                    .contains(name)
                {
                    row.push(painted(&full, &got));
                }
            }
            if factor == 8 && sheet.is_some() {
                let mut strip = RgbImage::new(row.iter().map(RgbImage::width).sum(), row[0].height());
                let mut left = 0;
                for picture in &row {
                    imageops::replace(&mut strip, picture, left, 0);
                    left += i64::from(picture.width());
                }
                pictures.push((scores[1].lost - before, strip));
            }
        }
        println!("\n{factor}x | contrast lost, % | error near edges | elsewhere");
        for ((name, _), score) in methods.iter().zip(scores) {
            println!(
                "{name:<32} | {:5.1} | {:5.2} | {:5.2}",
                100.0 * score.lost / score.pairs,
                score.edge / score.edges,
                score.flat / score.flats
            );
        }
    }
    let Some(path) = sheet else { return };
    pictures.sort_by(|left, right| right.0.total_cmp(&left.0));
    pictures.truncate(6);
    let height = pictures.iter().map(|(_, picture)| picture.height()).sum();
    let mut whole = RgbImage::new(pictures.iter().map(|(_, p)| p.width()).max().unwrap_or(1), height);
    let mut top = 0;
    for (_, picture) in &pictures {
        imageops::replace(&mut whole, picture, 0, top);
        top += i64::from(picture.height());
    }
    whole.save(path).expect("the sheet can be written");
}
