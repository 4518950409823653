//! Curves of a run as a PNG: loss in training and on held-out photographs, and the learning rate, over steps.
//!
//! The idea: **the log is the source**; the picture can be drawn again at any time from the CSV alone. The font comes
//! with the program (`font/`), so no machine has to have one.

use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result, anyhow, bail};
use image::RgbImage;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

const SIZE: (u32, u32) = (1000, 720);
/// Height of the panel of losses; the learning rate has the rest.
const LOSS_HEIGHT: i32 = 510;
const FONT: &str = "dejavu-sans-ascii";
const TRAIN: RGBColor = RGBColor(31, 119, 180);
const HELD_OUT: RGBColor = RGBColor(214, 39, 40);
const RATE: RGBColor = RGBColor(90, 90, 90);

/// The curves of a run: (step, value) pairs in the order of the log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves {
    /// Training loss.
    pub train: Vec<(f64, f64)>,
    /// Loss on the photographs held out.
    pub held_out: Vec<(f64, f64)>,
    /// Learning rate over its peak.
    pub rate: Vec<(f64, f64)>,
}

impl Curves {
    /// Reads a log with the columns `step`, `loss`, `held_out_loss` and `lr_factor`, in any order among others.
    /// Empty cells and values that are not finite have no point.
    ///
    /// # Errors
    /// A missing column, or a cell that is no number.
    pub fn parse(csv: &str) -> Result<Self> {
        let mut lines = csv.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| {
            header
                .iter()
                .position(|known| *known == name)
                .with_context(|| format!("log: column `{name}` is missing"))
        };
        let step = column("step")?;
        let columns = [column("loss")?, column("held_out_loss")?, column("lr_factor")?];
        let mut curves = [const { Vec::new() }; 3];
        for (number, line) in (2..).zip(lines) {
            let cells: Vec<&str> = line.split(',').collect();
            let value = |column: usize| {
                cell(cells.get(column).copied()).with_context(|| format!("log: line {number}"))
            };
            let Some(step) = value(step)? else { continue };
            for (curve, column) in curves.iter_mut().zip(columns) {
                curve.extend(value(column)?.map(|value| (step, value)));
            }
        }
        let [train, held_out, rate] = curves;
        Ok(Curves { train, held_out, rate })
    }

    /// Draws the curves, 1000x720 pixels.
    ///
    /// # Errors
    /// There is no training loss to draw.
    pub fn draw(&self, title: &str) -> Result<RgbImage> {
        if self.train.is_empty() {
            bail!("curves: expected at least one training loss in the log, got none");
        }
        register();
        let mut picture = RgbImage::new(SIZE.0, SIZE.1);
        self.draw_on(&mut picture, title).map_err(|error| anyhow!("curves: {error}"))?;
        Ok(picture)
    }

    fn draw_on(&self, picture: &mut RgbImage, title: &str) -> Result<(), Box<dyn std::error::Error + '_>> {
        let root = BitMapBackend::with_buffer(picture, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (losses, rates) = root.split_vertically(LOSS_HEIGHT);
        let steps = range(self.train.iter().chain(&self.held_out).map(|point| point.0), 0.0);
        let values = range(self.train.iter().chain(&self.held_out).map(|point| point.1), 0.05);

        let mut chart = ChartBuilder::on(&losses)
            .margin(14)
            .caption(title, (FONT, 22))
            .x_label_area_size(30)
            .y_label_area_size(64)
            .build_cartesian_2d(steps.clone(), values)?;
        chart
            .configure_mesh()
            .y_desc("loss")
            .label_style((FONT, 15))
            .axis_desc_style((FONT, 17))
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|step| format!("{step:.0}"))
            .draw()?;
        let mut curve = |points: &[(f64, f64)], color: RGBColor, name: &'static str, dots: bool| {
            if points.is_empty() {
                return Ok(());
            }
            let key = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], color.stroke_width(2));
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(name)
                .legend(key);
            if dots {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
            }
            Ok::<(), Box<dyn std::error::Error + '_>>(())
        };
        curve(&self.train, TRAIN, "training", false)?;
        curve(&self.held_out, HELD_OUT, "held out", true)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .margin(12)
            .legend_area_size(32)
            .label_font((FONT, 16))
            .background_style(WHITE.mix(0.85))
            .border_style(RATE)
            .draw()?;

        let mut chart = ChartBuilder::on(&rates)
            .margin(14)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(steps, 0.0..1.05_f64)?;
        chart
            .configure_mesh()
            .x_desc("step")
            .y_desc("rate / peak")
            .y_labels(3)
            .label_style((FONT, 15))
            .axis_desc_style((FONT, 17))
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|step| format!("{step:.0}"))
            .draw()?;
        chart.draw_series(LineSeries::new(self.rate.iter().copied(), RATE.stroke_width(2)))?;
        root.present()?;
        Ok(())
    }
}

/// Draws the log `csv` of a run into `png`, whole or not at all.
///
/// # Errors
/// The log cannot be read or has no loss, or the picture cannot be written.
pub fn draw_log(csv: &Path, png: &Path, title: &str) -> Result<()> {
    let text = std::fs::read_to_string(csv).with_context(|| format!("{}", csv.display()))?;
    crate::figure::save_png(&Curves::parse(&text)?.draw(title)?, png)
}

fn cell(text: Option<&str>) -> Result<Option<f64>> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 = text.parse().with_context(|| format!("expected a number, got `{text}`"))?;
    Ok(value.is_finite().then_some(value))
}

/// The range of some values, wider by a share of itself on each side, and never empty.
fn range(values: impl Iterator<Item = f64>, wider: f64) -> std::ops::Range<f64> {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let margin = wider * (high - low);
    if high > low { low - margin..high + margin } else { low - 0.5..low + 0.5 }
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = include_bytes!("font/dejavu-sans-ascii.ttf");
        // A font that does not parse shows as an error of the first text drawn; a test draws some.
        let _ = register_font(FONT, FontStyle::Normal, font);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "step,epoch,loss,held_out_loss,lr_factor,gradient_norm,images_per_s,batch\n\
        10,0.1,6.5,,0.5,1.0,12.0,aa\n20,0.2,5.0,5.5,1.0,1.0,12.0,bb\n30,0.3,NaN,4.5,0.2,1.0,12.0,cc\n";

    #[test]
    fn a_log_is_read_by_its_column_names() {
        let curves = Curves::parse(LOG).unwrap();
        assert_eq!(curves.train, [(10.0, 6.5), (20.0, 5.0)]);
        assert_eq!(curves.held_out, [(20.0, 5.5), (30.0, 4.5)]);
        assert_eq!(curves.rate, [(10.0, 0.5), (20.0, 1.0), (30.0, 0.2)]);
    }

    #[test]
    fn what_is_no_log_is_refused_with_its_place() {
        let missing = Curves::parse("step,loss\n1,2\n").unwrap_err();
        assert_eq!(missing.to_string(), "log: column `held_out_loss` is missing");
        let text = LOG.replace("5.0", "five");
        assert_eq!(
            format!("{:#}", Curves::parse(&text).unwrap_err()).split(": invalid").next().unwrap(),
            "log: line 3: expected a number, got `five`"
        );
        assert!(Curves::default().draw("x").is_err());
    }

    #[test]
    fn curves_and_labels_are_drawn_in_their_colours() {
        let picture = Curves::parse(LOG).unwrap().draw("lite-unet").unwrap();
        let count = |color: RGBColor| picture.pixels().filter(|p| p.0 == [color.0, color.1, color.2]).count();
        assert!(count(TRAIN) > 100 && count(HELD_OUT) > 100, "both curves");
        // Text: dark pixels left of the axis (labels) and above it (caption), where nothing else is drawn.
        let dark = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            x.flat_map(|x| y.clone().map(move |y| (x, y))).any(|(x, y)| picture.get_pixel(x, y).0[0] < 100)
        };
        assert!(dark(14..70, 60..480) && dark(300..700, 10..40));
    }

    #[test]
    fn a_single_point_has_a_range() {
        assert_eq!(range([3.0].into_iter(), 0.05), 2.5..3.5);
    }
}
