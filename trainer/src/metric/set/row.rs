//! One photograph: truth against output, by every metric.

use autochrome_models::codec::bins2d;
use image::RgbImage;

use super::Verdict;
use crate::metric::auc::{self, Share};
use crate::metric::{LabPlanes, blot, chroma, ciede2000, colorfulness, lightness, psnr, spread, ssim};

/// What was measured on one photograph; a pair is [output, truth].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its path inside the data set.
    pub name: String,
    /// AuC, as sums over its pixels.
    pub auc: Share,
    /// Rebalanced AuC, as sums over its pixels.
    pub rebalanced: Share,
    /// PSNR in dB; infinite where the output equals the truth.
    pub psnr: f64,
    /// SSIM; `None` for pictures smaller than its window.
    pub ssim: Option<f64>,
    /// Colorfulness.
    pub cf: [f64; 2],
    /// Mean chroma.
    pub chroma: [f64; 2],
    /// Spread of ab within the picture.
    pub spread: [f64; 2],
    /// Sums of the steps of ab in the truth's calm places.
    pub steps: [f64; 2],
    /// Mean |dL|.
    pub dl: f64,
    /// Mean CIEDE2000.
    pub ciede2000: f64,
    /// The verdict of the networks.
    pub verdict: Verdict,
}

/// Measures photographs; keeps the weight of each ab bin.
#[derive(Debug)]
pub struct Ruler {
    weights: Vec<f64>,
}

impl Ruler {
    /// A ruler with the prior over photographs that comes with the codec.
    #[expect(clippy::new_without_default, reason = "reads a prior; not a neutral value")]
    pub fn new() -> Self {
        Self { weights: auc::bin_weights(&bins2d::photos_prior()) }
    }

    /// Every metric that needs no network, of two pictures of one size.
    pub fn measure(&self, name: String, truth: &RgbImage, output: &RgbImage) -> Row {
        let (truth_rgb, output_rgb) = (truth.as_raw(), output.as_raw());
        let (truth_lab, output_lab) = (LabPlanes::from_rgb8(truth_rgb), LabPlanes::from_rgb8(output_rgb));
        let width = usize::try_from(truth.width()).unwrap_or(0);
        Row {
            name,
            auc: auc::share(&truth_lab, &output_lab, |_, _| 1.0),
            rebalanced: auc::share(&truth_lab, &output_lab, |a, b| self.weights[bins2d::nearest_bin(a, b)]),
            psnr: psnr::psnr(truth_rgb, output_rgb),
            ssim: ssim::ssim(truth_rgb, output_rgb, width),
            cf: [output_rgb, truth_rgb].map(|rgb| colorfulness::colorfulness(rgb)),
            chroma: [&output_lab, &truth_lab].map(chroma::mean_chroma),
            spread: [&output_lab, &truth_lab].map(spread::spread),
            steps: blot::steps(&output_lab, &truth_lab, width),
            dl: lightness::lightness_difference(&truth_lab, &output_lab),
            ciede2000: ciede2000::mean_ciede2000(&truth_lab, &output_lab),
            verdict: Verdict::default(),
        }
    }
}
