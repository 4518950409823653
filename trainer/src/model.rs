//! A model package as the product runs it: loaded once, 8-bit gray in, 8-bit RGB out.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::Resolved;
use autochrome_models::package::Package;
use autochrome_pixels::pipeline::{self, Hints, Params};
use autochrome_pixels::{Engine, ImageView, ImageViewMut, PixelFormat};
use image::{GrayImage, RgbImage, RgbaImage};

/// A loaded package and the settings it is measured with.
pub struct Model {
    colorizer: Colorizer,
    name: String,
    own_temperature: Option<f64>,
    params: Params,
}

impl Model {
    /// Loads the package in `folder`. `working_size` is in pixels, by default the package's; `threads` are CPU
    /// threads, by default one a core.
    ///
    /// # Errors
    /// The package cannot be used.
    pub fn load(
        folder: &Path,
        resolved: &Resolved,
        working_size: Option<u32>,
        threads: Option<usize>,
    ) -> Result<Self> {
        let package = Package::open(folder)?;
        let manifest = package.manifest();
        let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
        let params = Params {
            working_size: working_size.unwrap_or(manifest.input.working_size),
            strength: 1.0,
            temperature: None,
            threads: threads.unwrap_or(1),
        };
        Ok(Self {
            colorizer: Colorizer::load(&package, resolved)?,
            name: manifest.name.clone(),
            // A codec that cannot be built was an error of the line before.
            own_temperature: manifest.codec.build().ok().and_then(|codec| codec.temperature()),
            params,
        })
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The temperature set, if any.
    pub fn temperature(&self) -> Option<f32> {
        self.params.temperature
    }

    /// The temperature of the package's codec, where it has one: what counts as long as none is set.
    pub fn own_temperature(&self) -> Option<f64> {
        self.own_temperature
    }

    /// Sets the temperature of the annealed mean; `None` is the package's own.
    pub fn set_temperature(&mut self, temperature: Option<f32>) {
        self.params.temperature = temperature;
    }

    /// Sets how much of the color is laid on, 0 to 1.5; 1 until then.
    pub fn set_strength(&mut self, strength: f32) {
        self.params.strength = strength;
    }

    /// The colorized picture, as the program would write it.
    ///
    /// # Errors
    /// The pipeline refuses the picture or the settings.
    pub fn colorize(&self, gray: &GrayImage) -> Result<RgbImage> {
        paint(&self.colorizer, gray, &self.params, None)
    }

    /// As [`colorize`](Self::colorize), with hints.
    ///
    /// # Errors
    /// As [`colorize`](Self::colorize), and for hints of another size or on more than half of the picture.
    pub fn colorize_hinted(&self, gray: &GrayImage, hints: &RgbaImage) -> Result<RgbImage> {
        paint(&self.colorizer, gray, &self.params, Some(hints))
    }

    /// The map of confidence, 0 to 255, as the program would write it.
    ///
    /// # Errors
    /// As [`colorize`](Self::colorize), and for a model without distributions.
    pub fn confidence(&self, gray: &GrayImage) -> Result<GrayImage> {
        let (width, height) = gray.dimensions();
        let row = isize::try_from(width)?;
        let mut map = GrayImage::new(width, height);
        let input = ImageView::new(PixelFormat::Gray8, width, height, row, gray.as_raw())?;
        let mut view = ImageViewMut::new(PixelFormat::Gray8, width, height, row, &mut map)?;
        let mut go_on = |_| ControlFlow::Continue(());
        pipeline::confidence(&self.colorizer, &input, &mut view, &self.params, &mut go_on)?;
        Ok(map)
    }
}

/// 8-bit gray, and hints where there are any, through the product's pipeline with any engine, as the program would write
/// it.
///
/// # Errors
/// The pipeline refuses the picture or the settings, or the engine fails.
pub fn paint(
    engine: &dyn Engine,
    gray: &GrayImage,
    params: &Params,
    hints: Option<&RgbaImage>,
) -> Result<RgbImage> {
    let (width, height) = gray.dimensions();
    let row = isize::try_from(width)?;
    let mut output = RgbImage::new(width, height);
    let input = ImageView::new(PixelFormat::Gray8, width, height, row, gray.as_raw())?;
    let mut view = ImageViewMut::new(PixelFormat::Rgb8, width, height, 3 * row, &mut output)?;
    let hints = hints.map(|hints| {
        let (width, height) = hints.dimensions();
        Ok::<_, anyhow::Error>(Hints::new(ImageView::tight(
            PixelFormat::Rgba8,
            width,
            height,
            hints.as_raw(),
        )?)?)
    });
    let mut go_on = |_| ControlFlow::Continue(());
    pipeline::colorize_hinted(engine, &input, &mut view, params, hints.transpose()?, &mut go_on)?;
    Ok(output)
}
