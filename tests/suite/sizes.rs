//! The shipped model gives a photograph the same colors whatever its size and shape.
//!
//! The photographs are read small and enlarged, so that every size has the same content.

use std::ops::ControlFlow;

use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_models::package::Package;
use autochrome_pixels::color::srgb8_to_lab;
use autochrome_pixels::pipeline::{Params, colorize};
use autochrome_pixels::{ImageView, ImageViewMut, PixelFormat};
use autochrome_tests::checkout;
use image::imageops::{self, FilterType, resize};
use image::{GrayImage, RgbImage, open};

fn model() -> (Colorizer, u32) {
    let package = Package::open(&checkout().join("models/packages/autochrome")).expect("the shipped package");
    let cpu = resolve(&DeviceRequest::Cpu).expect("a cpu");
    (Colorizer::load(&package, &cpu).expect("loads"), package.manifest().input.working_size)
}

fn color((colorizer, working_size): &(Colorizer, u32), gray: &GrayImage) -> RgbImage {
    let (width, height) = gray.dimensions();
    let row = isize::try_from(width).expect("small");
    let mut colored = RgbImage::new(width, height);
    let input = ImageView::new(PixelFormat::Gray8, width, height, row, gray.as_raw()).expect("an input");
    let mut output =
        ImageViewMut::new(PixelFormat::Rgb8, width, height, 3 * row, &mut colored).expect("an output");
    let params = Params { working_size: *working_size, strength: 1.0, temperature: None, threads: 2 };
    colorize(colorizer, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))
        .expect("it colorizes");
    colored
}

fn example(name: &str) -> GrayImage {
    open(checkout().join("examples/photos").join(name)).expect("an example").into_luma8()
}

/// ab of `CELLS` x `CELLS` cells of part of an image, each the mean over the cell.
fn cells(image: &RgbImage, part: [u32; 4]) -> Vec<[f32; 2]> {
    const CELLS: u32 = 16;
    let [left, top, width, height] = part;
    let part = imageops::crop_imm(image, left, top, width, height).to_image();
    let mut sums = vec![[0.0_f32; 3]; (CELLS * CELLS) as usize];
    for (x, y, pixel) in part.enumerate_pixels() {
        let [_, a, b] = srgb8_to_lab(pixel.0);
        let sum = &mut sums[(y * CELLS / height * CELLS + x * CELLS / width) as usize];
        *sum = [sum[0] + a, sum[1] + b, sum[2] + 1.0];
    }
    sums.into_iter().map(|[a, b, count]| [a / count, b / count]).collect()
}

/// Mean over the cells of the distance between their colors.
fn apart(left: &[[f32; 2]], right: &[[f32; 2]]) -> f32 {
    let sum: f32 = left.iter().zip(right).map(|(l, r)| (l[0] - r[0]).hypot(l[1] - r[1])).sum();
    sum / left.len() as f32
}

/// The mean color of the cells.
fn mean(cells: &[[f32; 2]]) -> [f32; 2] {
    [0, 1].map(|channel| cells.iter().map(|cell| cell[channel]).sum::<f32>() / cells.len() as f32)
}

const EXAMPLES: [&str; 5] = ["astronaut.jpg", "chelsea.jpg", "china.jpg", "coffee.jpg", "rocket.jpg"];

#[test]
fn a_photograph_has_the_same_colors_at_512_1024_and_4096_pixels() {
    let model = model();
    for name in EXAMPLES {
        let photo = example(name);
        let (width, height) = photo.dimensions();
        let mut sizes = [512, 1024, 4096].into_iter().map(|side| {
            let (width, height) = match width > height {
                true => (side, side * height / width),
                false => (side * width / height, side),
            };
            let sized = resize(&photo, width, height, FilterType::CatmullRom);
            cells(&color(&model, &sized), [0, 0, width, height])
        });
        let smallest = sizes.next().expect("three");
        for larger in sizes {
            let apart = apart(&smallest, &larger);
            assert!(apart <= 2.0, "{name}: {apart} apart at a larger size");
        }
    }
}

/// The network no longer sees what is cropped, so a single photograph may change its colors; hardly any does.
#[test]
fn what_four_shapes_of_a_photograph_share_has_the_same_mean_colors() {
    let model = model();
    let mut differences = Vec::new();
    for name in EXAMPLES {
        let photo = example(name);
        let (width, height) = photo.dimensions();
        let whole = color(&model, &photo);
        for (across, down) in [(1, 1), (4, 3), (3, 4), (16, 9)] {
            let shape = match width * down > height * across {
                true => (height * across / down, height),
                false => (width, width * down / across),
            };
            let corner = ((width - shape.0) / 2, (height - shape.1) / 2);
            let cut = imageops::crop_imm(&photo, corner.0, corner.1, shape.0, shape.1).to_image();
            let alone = mean(&cells(&color(&model, &cut), [0, 0, shape.0, shape.1]));
            let within = mean(&cells(&whole, [corner.0, corner.1, shape.0, shape.1]));
            differences.push((alone[0] - within[0]).hypot(alone[1] - within[1]));
        }
    }
    let mean = differences.iter().sum::<f32>() / differences.len() as f32;
    assert!(mean <= 1.5, "mean colors are {mean} apart: {differences:.1?}");
    let steady = differences.iter().filter(|apart| **apart <= 2.0).count();
    assert!(steady >= 16, "of {} mean colors {steady} are within 2: {differences:.1?}", differences.len());
}
