//! Whether the confidence map can be trusted: of the pixels with the same confidence, how many have the true color near
//! theirs.
//!
//! The idea: **colors and map as the program writes them**, pixel by pixel, so that no step of the pipeline is left
//! out.

use anyhow::{Result, bail};
use autochrome_models::color::srgb8_to_lab;
use image::{GrayImage, RgbImage};

use super::reliability::ReliabilityArgs;
use crate::data::gray_of;
use crate::draw::plot::reliability::{self, BINS, Reliability};
use crate::draw::save_png;
use crate::files::write_whole;
use crate::model::Model;

/// Units of ab within which a true color is near: what the map is the probability of (docs/abi.md).
const NEAR: f32 = 25.0;

pub(super) fn run(args: &ReliabilityArgs) -> Result<()> {
    let model = Model::load(&args.package, &args.machine.resolve()?, None, Some(args.machine.threads))?;
    let data = crate::data::open(std::slice::from_ref(&args.data), &args.selection)?;
    let mut counted = Counted::new();
    for index in 0..data.items.len().min(args.limit.unwrap_or(usize::MAX)) {
        let Some(truth) = data.decode(index) else { continue };
        let gray = gray_of(&truth);
        counted.add(&model.confidence(&gray)?, &model.colorize(&gray)?, &truth);
    }
    let corrupt = data.corrupt();
    if counted.photographs.is_empty() {
        bail!("expected at least one photograph that decodes, got {} that do not", corrupt.len());
    }
    for (name, reason) in corrupt {
        eprintln!("skipped {name}, which does not decode: {reason}");
    }
    counted.photographs.sort_by(|left, right| left.0.total_cmp(&right.0));
    print!("{}", counted.told());
    if let Some(path) = &args.csv {
        write_whole(path, counted.csv().as_bytes())?;
    }
    save_png(&reliability::draw(std::slice::from_ref(&counted.table))?, &args.out)
}

/// What was counted.
struct Counted {
    /// How many true colors are near.
    table: Reliability,
    /// Sums of the distances of ab, for each bin of confidence.
    errors: [f64; BINS],
    /// Mean confidence and mean error of each photograph.
    photographs: Vec<(f64, f64)>,
}

impl Counted {
    fn new() -> Self {
        let name = format!("true ab within {NEAR} of shown");
        Self { table: Reliability::new(name), errors: [0.0; BINS], photographs: Vec::new() }
    }

    fn add(&mut self, map: &GrayImage, made: &RgbImage, truth: &RgbImage) {
        let (mut confidences, mut errors) = (0.0, 0.0);
        for ((shown, made), truth) in map.pixels().zip(made.pixels()).zip(truth.pixels()) {
            let ([_, a, b], [_, true_a, true_b]) = (srgb8_to_lab(made.0), srgb8_to_lab(truth.0));
            let (confidence, error) = (f64::from(shown.0[0]) / 255.0, (a - true_a).hypot(b - true_b));
            self.table.add(confidence, error <= NEAR);
            self.errors[reliability::bin_of(confidence)] += f64::from(error);
            (confidences, errors) = (confidences + confidence, errors + f64::from(error));
        }
        let pixels = f64::from(map.width()) * f64::from(map.height());
        self.photographs.push((confidences / pixels, errors / pixels));
    }

    /// The whole in words, and the photographs in quarters by their mean confidence, the least confident first.
    fn told(&self) -> String {
        let ([confidence, share], ece) = (self.table.means(), self.table.ece());
        let mut text = format!("confidence {confidence:.3}, near {share:.3}, ECE {ece:.4}\n");
        for quarter in self.photographs.chunks(self.photographs.len().div_ceil(4)) {
            let mean = quarter.iter().map(|(_, error)| error).sum::<f64>() / quarter.len() as f64;
            let (first, last) = (quarter[0].0, quarter[quarter.len() - 1].0);
            text += &format!(
                "{} photographs of confidence {first:.3} to {last:.3}: mean error {mean:.2}\n",
                quarter.len()
            );
        }
        text
    }

    /// The table, with the mean error of each bin; empty where there are no pixels.
    fn csv(&self) -> String {
        let mut text = format!("{},error\n", reliability::HEADER.replace("cells", "pixels"));
        for ((line, sum), pixels) in self.table.csv().lines().zip(self.errors).zip(self.table.counts()) {
            let error = if pixels > 0.0 { format!("{:.3}", sum / pixels) } else { String::new() };
            text += &format!("{line},{error}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};

    use super::*;

    #[test]
    fn pixels_are_counted_by_what_the_map_says() {
        let mut counted = Counted::new();
        let (gray, red) = (Rgb([119; 3]), Rgb([255, 0, 0]));
        let truth = RgbImage::from_fn(2, 1, |x, _| if x == 0 { gray } else { red });
        let map = GrayImage::from_fn(2, 1, |x, _| Luma([if x == 0 { 255 } else { 51 }]));
        counted.add(&map, &RgbImage::from_pixel(2, 1, gray), &truth);
        let [confidence, near] = counted.table.means();
        assert!((confidence - 0.6).abs() < 1e-9 && (near - 0.5).abs() < 1e-9);
        let csv = counted.csv();
        let last: Vec<&str> = csv.lines().next_back().unwrap().split(',').collect();
        assert_eq!(last[3..], ["1", "1.00000", "1.00000", "0.000"]);
        // Red is 104.55 away from gray.
        assert!(csv.contains(",1,0.20000,0.00000,104.5"), "{csv}");
        assert_eq!(csv.lines().next().unwrap(), "distribution,above,up_to,pixels,confidence,accuracy,error");
        assert!(counted.told().ends_with("1 photographs of confidence 0.600 to 0.600: mean error 52.28\n"));
    }
}
