//! A model package as the product runs it: loaded once, 8-bit gray in, 8-bit RGB out.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::Resolved;
use autochrome_models::package::Package;
use autochrome_models::pipeline::{self, AbPredictor, ImageView, ImageViewMut, Params, PixelFormat};
use image::{GrayImage, RgbImage};

use super::EvalArgs;

/// A loaded package and the settings it is measured with.
pub struct Model {
    colorizer: Colorizer,
    name: String,
    params: Params,
}

impl Model {
    /// Loads the package in `folder`; settings the arguments leave out are the package's.
    ///
    /// # Errors
    /// The package cannot be used.
    pub fn load(folder: &Path, resolved: &Resolved, args: &EvalArgs) -> Result<Self> {
        let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
        Self::open(folder, resolved, args.working_size, threads.unwrap_or(1))
    }

    /// Loads the package in `folder`, to work at `working_size` or the package's own on `threads` threads (0: all).
    ///
    /// # Errors
    /// The package cannot be used.
    pub fn open(
        folder: &Path,
        resolved: &Resolved,
        working_size: Option<u32>,
        threads: usize,
    ) -> Result<Self> {
        let package = Package::open(folder)?;
        let manifest = package.manifest();
        let working_size = working_size.unwrap_or(manifest.input.working_size);
        let params = Params { working_size, strength: 1.0, temperature: None, threads };
        Ok(Self { name: manifest.name.clone(), colorizer: Colorizer::load(&package, resolved)?, params })
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The temperature set, if any.
    pub fn temperature(&self) -> Option<f32> {
        self.params.temperature
    }

    /// Sets the temperature of the annealed mean; `None` is the package's own.
    pub fn set_temperature(&mut self, temperature: Option<f32>) {
        self.params.temperature = temperature;
    }

    /// The colorized picture, as the program would write it.
    ///
    /// # Errors
    /// The pipeline refuses the picture or the settings.
    pub fn colorize(&self, gray: &GrayImage) -> Result<RgbImage> {
        paint(&self.colorizer, gray, &self.params)
    }
}

/// 8-bit gray through the product's pipeline with any predictor, as the program would write it.
///
/// # Errors
/// The pipeline refuses the picture or the settings, or the predictor fails.
pub fn paint(predictor: &dyn AbPredictor, gray: &GrayImage, params: &Params) -> Result<RgbImage> {
    let (width, height) = gray.dimensions();
    let row = isize::try_from(width)?;
    let mut output = RgbImage::new(width, height);
    let input = ImageView::new(PixelFormat::Gray8, width, height, row, gray.as_raw())?;
    let mut view = ImageViewMut::new(PixelFormat::Rgb8, width, height, 3 * row, &mut output)?;
    let mut go_on = |_| ControlFlow::Continue(());
    pipeline::colorize(predictor, &input, &mut view, params, &mut go_on)?;
    Ok(output)
}
