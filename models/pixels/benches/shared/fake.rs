//! Shared by the benchmarks: images, and an engine that costs nothing.

use std::ops::ControlFlow;

use autochrome_pixels::pipeline::{Params, colorize};
use autochrome_pixels::{
    Ab, Confidence, Engine, ImageView, ImageViewMut, InputSpec, PixelFormat, Plane, PredictError, Settings,
};

/// Predicts smooth chroma at a quarter of the working size; `reach` is the largest value.
struct Fake {
    reach: f32,
}

impl Engine for Fake {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: false }
    }

    fn predict(&self, l: &Plane, _: Settings) -> Result<Ab, PredictError> {
        let (width, height) = (l.size().0 / 4, l.size().1 / 4);
        let plane = |phase: f32| -> Vec<f32> {
            (0..width * height).map(|at| self.reach * (at as f32 * 0.01 + phase).sin()).collect()
        };
        Ok(Ab { width, height, a: plane(0.0), b: plane(1.0) })
    }

    fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        Ok(None)
    }
}

/// Formats and the largest chroma.
pub struct Case {
    pub name: &'static str,
    pub from: PixelFormat,
    pub to: PixelFormat,
    reach: f32,
}

pub const CASES: [Case; 6] = [
    Case { name: "gray8", from: PixelFormat::Gray8, to: PixelFormat::Rgb8, reach: 15.0 },
    Case { name: "rgb8", from: PixelFormat::Rgb8, to: PixelFormat::Rgb8, reach: 15.0 },
    Case { name: "rgba8", from: PixelFormat::Rgba8, to: PixelFormat::Rgba8, reach: 15.0 },
    Case { name: "gray16", from: PixelFormat::Gray16, to: PixelFormat::Rgb16, reach: 15.0 },
    Case { name: "rgb16", from: PixelFormat::Rgb16, to: PixelFormat::Rgb16, reach: 15.0 },
    Case { name: "rgb8-out-of-gamut", from: PixelFormat::Rgb8, to: PixelFormat::Rgb8, reach: 150.0 },
];

/// An input image of a case, and a buffer for the output.
pub struct Job<'a> {
    pub case: &'a Case,
    size: (u32, u32),
    source: Vec<u8>,
    target: Vec<u8>,
}

impl<'a> Job<'a> {
    pub fn new(case: &'a Case, size: (u32, u32)) -> Self {
        let (width, height) = (size.0 as usize, size.1 as usize);
        let source = picture(width, height, case.from.bytes_per_pixel());
        let target = vec![0_u8; width * height * case.to.bytes_per_pixel()];
        Job { case, size, source, target }
    }

    /// Half of the bytes read and written: what a copy would read.
    pub fn bytes(&self) -> usize {
        (self.source.len() + self.target.len()) / 2
    }

    pub fn run(&mut self, threads: usize) {
        let (width, height) = self.size;
        let Case { from, to, reach, .. } = *self.case;
        let params = Params { working_size: 256, strength: 1.0, temperature: None, threads };
        let input = ImageView::tight(from, width, height, &self.source).expect("a whole picture");
        let mut output = ImageViewMut::tight(to, width, height, &mut self.target).expect("a whole picture");
        colorize(&Fake { reach }, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))
            .expect("it colorizes");
    }
}

/// A gradient with texture, so that every code occurs and neighbors differ.
fn picture(width: usize, height: usize, bytes_per_pixel: usize) -> Vec<u8> {
    (0..width * height)
        .flat_map(|at| {
            let (x, y) = (at % width, at / width);
            let code = u8::try_from((x / 20 + (x * 7 + y * 13) % 40 + y / 300) % 256).unwrap_or(u8::MAX);
            std::iter::repeat_n(code, bytes_per_pixel)
        })
        .collect()
}
