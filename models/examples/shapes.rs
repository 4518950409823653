//! How far a photograph's colors move when it is cut to another shape, by rules for the working size.
//!
//! `cargo run --release -p autochrome-models --example shapes -- PACKAGE PHOTOS.tar`: a line for each change.
//! docs/research/pixels.md defines the numbers. The photographs must be squares, so that every rule sees them whole.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of small photographs")]

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_models::package::Package;
use autochrome_pixels::color::{lightness_to_luminance, linear_to_srgb, srgb8_to_lab, unit_to_u8};
use autochrome_pixels::pipeline::{Params, colorize};
use autochrome_pixels::{ImageView, ImageViewMut, PixelFormat};
use image::{GrayImage, Luma, RgbImage, imageops};

/// Cells across and down what two results share.
const CELLS: u32 = 16;
/// Cells beside a cut that count as near it.
const NEAR: u32 = 2;

type Error = Box<dyn std::error::Error>;
type Cells = Vec<[f32; 2]>;

/// What is done to a square photograph: the shape it is cut to, and the size of a pixel on the network's plane against the
/// whole photograph's.
struct Change {
    name: &'static str,
    shape: (u32, u32),
    scale: fn(f64, f64) -> f64,
}

/// Rules of scale for what is left of a square of side 1: width and height.
const SAME: fn(f64, f64) -> f64 = |_, _| 1.0;
const AREA: fn(f64, f64) -> f64 = |w, h| 1.0 / (w * h).sqrt();
const HALF: fn(f64, f64) -> f64 = |w, h| (w * h).powf(-0.25);
const SHORT: fn(f64, f64) -> f64 = |w, h| 1.0 / w.min(h);

const CHANGES: [Change; 14] = [
    Change { name: "1:1, 1.15 times as large", shape: (1, 1), scale: |_, _| (4.0_f64 / 3.0).sqrt() },
    Change { name: "1:1, 1.33 times as large", shape: (1, 1), scale: |_, _| 4.0 / 3.0 },
    Change { name: "15:15 of 16, as large", shape: (15, 15), scale: SAME },
    Change { name: "4:3, as large (long side)", shape: (4, 3), scale: SAME },
    Change { name: "4:3, between", shape: (4, 3), scale: HALF },
    Change { name: "4:3, same area", shape: (4, 3), scale: AREA },
    Change { name: "4:3, same short side", shape: (4, 3), scale: SHORT },
    Change { name: "3:4, as large (long side)", shape: (3, 4), scale: SAME },
    Change { name: "3:4, same area", shape: (3, 4), scale: AREA },
    Change { name: "3:4, same short side", shape: (3, 4), scale: SHORT },
    Change { name: "3:2, as large (long side)", shape: (3, 2), scale: SAME },
    Change { name: "16:9, as large (long side)", shape: (16, 9), scale: SAME },
    Change { name: "16:9, same area", shape: (16, 9), scale: AREA },
    Change { name: "16:9, same short side", shape: (16, 9), scale: SHORT },
];

/// What came of a change over all photographs.
#[derive(Default)]
struct Moved {
    /// How far the mean color moved, of each photograph.
    means: Vec<f32>,
    /// Mean distance of cells, of each photograph.
    cells: Vec<f32>,
    /// The same beside the cut and away from it.
    near: Vec<f32>,
    far: Vec<f32>,
    /// Mean distance of cells to the truth.
    errors: Vec<f32>,
}

struct Model {
    colorizer: Colorizer,
    working_size: u32,
}

impl Model {
    fn color(&self, gray: &GrayImage, scale: f64) -> Result<RgbImage, Error> {
        let (width, height) = gray.dimensions();
        let mut colored = RgbImage::new(width, height);
        let input = ImageView::tight(PixelFormat::Gray8, width, height, gray.as_raw())?;
        let mut output = ImageViewMut::tight(PixelFormat::Rgb8, width, height, &mut colored)?;
        let working_size = (f64::from(self.working_size) * scale).round() as u32;
        let params = Params { working_size, strength: 1.0, temperature: None, threads: 1 };
        colorize(&self.colorizer, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))?;
        Ok(colored)
    }
}

/// Left, top, width and height of the largest part of a square in the shape, in its middle; 15:15 leaves out a sixteenth.
fn cut(side: u32, (across, down): (u32, u32)) -> [u32; 4] {
    let most = if (across, down) == (15, 15) { 16 } else { across.max(down) };
    let (width, height) = (side * across / most, side * down / most);
    [(side - width) / 2, (side - height) / 2, width, height]
}

fn cells(image: &RgbImage, [left, top, width, height]: [u32; 4]) -> Cells {
    let mut sums = vec![[0.0_f32; 3]; (CELLS * CELLS) as usize];
    for (x, y, pixel) in imageops::crop_imm(image, left, top, width, height).to_image().enumerate_pixels() {
        let [_, a, b] = srgb8_to_lab(pixel.0);
        let sum = &mut sums[(y * CELLS / height * CELLS + x * CELLS / width) as usize];
        *sum = [sum[0] + a, sum[1] + b, sum[2] + 1.0];
    }
    sums.into_iter().map(|[a, b, count]| [a / count, b / count]).collect()
}

fn distance(left: [f32; 2], right: [f32; 2]) -> f32 {
    (left[0] - right[0]).hypot(left[1] - right[1])
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn mean_color(cells: &Cells) -> [f32; 2] {
    [0, 1].map(|channel| mean(&cells.iter().map(|cell| cell[channel]).collect::<Vec<f32>>()))
}

/// Whether the cell lies beside a side that was cut off.
fn beside_cut(cell: u32, (across, down): (u32, u32)) -> bool {
    let edge = |at: u32| !(NEAR..CELLS - NEAR).contains(&at);
    (across <= down && edge(cell % CELLS)) || (down <= across && edge(cell / CELLS))
}

impl Moved {
    fn add(&mut self, alone: &Cells, within: &Cells, truth: &Cells, shape: (u32, u32)) {
        let apart: Vec<f32> = alone.iter().zip(within).map(|(l, r)| distance(*l, *r)).collect();
        let part = |near: bool| {
            let cells = (0_u32..).zip(&apart).filter(|(cell, _)| beside_cut(*cell, shape) == near);
            cells.map(|(_, apart)| *apart).collect::<Vec<f32>>()
        };
        self.means.push(distance(mean_color(alone), mean_color(within)));
        self.near.push(mean(&part(true)));
        self.far.push(mean(&part(false)));
        self.cells.push(mean(&apart));
        let errors: Vec<f32> = alone.iter().zip(truth).map(|(l, r)| distance(*l, *r)).collect();
        self.errors.push(mean(&errors));
    }

    fn line(&self) -> String {
        let mut sorted = self.means.clone();
        sorted.sort_by(f32::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        let within = sorted.iter().filter(|moved| **moved <= 2.0).count() as f32 / sorted.len() as f32;
        format!(
            "{:>5.2} {:>6.2} {:>6.2} {:>6.2} {:>5.0}% {:>8.2} {:>6.2} {:>6.2} {:>8.2}",
            mean(&sorted),
            at(0.5),
            at(0.95),
            at(1.0),
            100.0 * within,
            mean(&self.cells),
            mean(&self.near),
            mean(&self.far),
            mean(&self.errors)
        )
    }
}

fn gray(photo: &RgbImage) -> GrayImage {
    GrayImage::from_fn(photo.width(), photo.height(), |x, y| {
        let [l, ..] = srgb8_to_lab(photo.get_pixel(x, y).0);
        Luma([unit_to_u8(linear_to_srgb(lightness_to_luminance(l)))])
    })
}

fn photographs(tar: &str) -> Result<Vec<RgbImage>, Error> {
    let mut archive = tar::Archive::new(std::fs::File::open(tar)?);
    let mut photos = Vec::new();
    for entry in archive.entries()? {
        let mut bytes = Vec::new();
        entry?.read_to_end(&mut bytes)?;
        if let Ok(photo) = image::load_from_memory(&bytes) {
            photos.push(photo.into_rgb8());
        }
    }
    photos.retain(|photo| photo.width() == photo.height());
    if photos.is_empty() {
        Err(format!("{tar}: expected square photographs, got none").into())
    } else {
        Ok(photos)
    }
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [package, tar] = &arguments[..] else {
        return Err(format!("expected PACKAGE PHOTOS.tar, got {} arguments", arguments.len()).into());
    };
    let package = Package::open(Path::new(package))?;
    let colorizer = Colorizer::load(&package, &resolve(&DeviceRequest::Cpu)?)?;
    let model = Model { colorizer, working_size: package.manifest().input.working_size };
    let mut moved: Vec<Moved> = CHANGES.iter().map(|_| Moved::default()).collect();
    for photo in photographs(tar)? {
        let gray = gray(&photo);
        let whole = model.color(&gray, 1.0)?;
        for (change, moved) in CHANGES.iter().zip(&mut moved) {
            let part = cut(photo.width(), change.shape);
            let [left, top, width, height] = part;
            let side = f64::from(photo.width());
            // The working size is that of the longer side: the scale times what is left of it.
            let (w, h) = (f64::from(width) / side, f64::from(height) / side);
            let scale = (change.scale)(w, h) * w.max(h);
            let alone =
                model.color(&imageops::crop_imm(&gray, left, top, width, height).to_image(), scale)?;
            moved.add(
                &cells(&alone, [0, 0, width, height]),
                &cells(&whole, part),
                &cells(&photo, part),
                change.shape,
            );
        }
    }
    println!(
        "change                          mean median    95%   most  <= 2    cells   near    far    error"
    );
    for (change, moved) in CHANGES.iter().zip(&moved) {
        println!("{:<28} {}", change.name, moved.line());
    }
    Ok(())
}
