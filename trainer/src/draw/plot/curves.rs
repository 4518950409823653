//! Curves of a run over its steps: loss in training and on held-out photographs, and the learning rate.

use std::path::Path;

use anyhow::{Context, Result, bail};
use image::RgbImage;
use plotters::prelude::*;

use super::{Area, DIM, Drawn, FONT, HELD_OUT, TRAIN, columns, paint, range};

const SIZE: (u32, u32) = (1000, 720);
/// Height of the panel of losses; the learning rate has the rest.
const LOSS_HEIGHT: i32 = 510;

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
    /// A missing column, or a cell that is not a number.
    pub fn parse(csv: &str) -> Result<Self> {
        let mut curves = Curves::default();
        for [step, loss, held_out, rate] in columns(csv, ["step", "loss", "held_out_loss", "lr_factor"])? {
            let Some(step) = step else { continue };
            curves.train.extend(loss.map(|value| (step, value)));
            curves.held_out.extend(held_out.map(|value| (step, value)));
            curves.rate.extend(rate.map(|value| (step, value)));
        }
        Ok(curves)
    }

    /// Draws the curves, 1000x720 pixels.
    ///
    /// # Errors
    /// There is no training loss to draw.
    pub fn draw(&self, title: &str) -> Result<RgbImage> {
        if self.train.is_empty() {
            bail!("curves: expected at least one training loss in the log, got none");
        }
        paint("curves", SIZE, |root| {
            let (losses, rates) = root.split_vertically(LOSS_HEIGHT);
            let steps = range(self.train.iter().chain(&self.held_out).map(|point| point.0), 0.0);
            self.draw_losses(&losses, title, steps.clone())?;
            self.draw_rate(&rates, steps)
        })
    }

    fn draw_losses(&self, area: &Area<'_>, title: &str, steps: std::ops::Range<f64>) -> Drawn {
        let values = range(self.train.iter().chain(&self.held_out).map(|point| point.1), 0.05);
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .caption(super::ascii(title), (FONT, 22))
            .x_label_area_size(30)
            .y_label_area_size(64)
            .build_cartesian_2d(steps, values)?;
        chart
            .configure_mesh()
            .y_desc("loss")
            .label_style((FONT, 15))
            .axis_desc_style((FONT, 17))
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|step| format!("{step:.0}"))
            .draw()?;
        let curves = [(&self.train, TRAIN, "training", false), (&self.held_out, HELD_OUT, "held out", true)];
        for (points, color, name, dots) in curves.into_iter().filter(|curve| !curve.0.is_empty()) {
            let key = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], color.stroke_width(2));
            let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(key);
            if dots {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
            }
        }
        super::legend(&mut chart, SeriesLabelPosition::UpperRight)
    }

    fn draw_rate(&self, area: &Area<'_>, steps: std::ops::Range<f64>) -> Drawn {
        let mut chart = ChartBuilder::on(area)
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
        chart.draw_series(LineSeries::new(self.rate.iter().copied(), DIM.stroke_width(2)))?;
        Ok(())
    }
}

/// Draws the log `csv` of a run into `png`, whole or not at all.
///
/// # Errors
/// The log cannot be read or has no loss, or the picture cannot be written.
pub fn draw_log(csv: &Path, png: &Path, title: &str) -> Result<()> {
    let text = std::fs::read_to_string(csv).with_context(|| format!("{}", csv.display()))?;
    crate::draw::save_png(&Curves::parse(&text)?.draw(title)?, png)
}

#[cfg(test)]
mod tests {
    use super::super::tests::count;
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
    fn curves_and_labels_are_drawn_in_their_colors() {
        let picture = Curves::parse(LOG).unwrap().draw("lite-unet").unwrap();
        assert!(count(&picture, TRAIN) > 100 && count(&picture, HELD_OUT) > 100, "both curves");
        // Text: dark pixels left of the axis (labels) and above it (caption), where nothing else is drawn.
        let dark = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            x.flat_map(|x| y.clone().map(move |y| (x, y))).any(|(x, y)| picture.get_pixel(x, y).0[0] < 100)
        };
        assert!(dark(14..70, 60..480) && dark(300..700, 10..40));
    }
}
