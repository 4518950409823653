//! The training loss of several runs on one plot, each over its own first value.
//!
//! The idea: **losses of different codecs have different units, but a run that learns falls below its beginning**; over
//! their first values a flat run and a falling one can be seen together.

use anyhow::{Result, bail};
use image::RgbImage;
use plotters::prelude::*;

use super::{DIM, columns, paint, range};
use crate::metric::mean;

const SIZE: (u32, u32) = (1000, 600);

/// Colors of the runs, told apart also by most people who see red and green alike.
const PALETTE: [RGBColor; 10] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(255, 127, 14),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(60, 60, 60),
    RGBColor(188, 189, 34),
    RGBColor(23, 190, 207),
];

/// Most runs that one plot tells apart.
pub const MOST_RUNS: usize = PALETTE.len();

/// The training loss of a run over its first value.
#[derive(Debug, Clone, PartialEq)]
pub struct RunCurve {
    /// Name in the legend.
    pub name: String,
    /// (step, loss over the first loss), in the order of the log.
    pub points: Vec<(f64, f64)>,
}

impl RunCurve {
    /// Reads a log with the columns `step` and `loss`.
    ///
    /// # Errors
    /// A missing column, a cell that is not a number, no loss at all, or a first loss that is not above 0.
    pub fn parse(name: String, csv: &str) -> Result<Self> {
        let rows = columns(csv, ["step", "loss"])?;
        let points: Vec<(f64, f64)> = rows.into_iter().filter_map(|[step, loss]| step.zip(loss)).collect();
        let first = match points.first() {
            Some(&(_, first)) if first > 0.0 => first,
            Some(&(_, first)) => bail!("log: expected a first loss above 0 to divide by, got {first}"),
            None => bail!("log: expected at least one training loss, got none"),
        };
        Ok(RunCurve { name, points: points.into_iter().map(|(step, loss)| (step, loss / first)).collect() })
    }

    /// The curve without its noise: each point the mean of those within a fiftieth of the run on both sides.
    fn smooth(&self) -> Vec<(f64, f64)> {
        let reach = self.points.len() / 50;
        let mean = |index: usize| {
            // As many on both sides, so that neither end leans inwards.
            let reach = reach.min(index).min(self.points.len() - 1 - index);
            let near = &self.points[index - reach..=index + reach];
            mean(near.iter().map(|point| point.1))
        };
        (0..self.points.len()).map(|index| (self.points[index].0, mean(index))).collect()
    }
}

/// Draws the runs, 1000x600 pixels: every value faintly, and over it the mean of its neighbors.
///
/// # Errors
/// There is no run, or more than [`MOST_RUNS`].
pub fn draw(runs: &[RunCurve]) -> Result<RgbImage> {
    if runs.is_empty() || runs.len() > MOST_RUNS {
        bail!("curves: expected 1 to {MOST_RUNS} runs, got {}; draw fewer at once", runs.len());
    }
    let points = || runs.iter().flat_map(|run| &run.points);
    let steps = range(points().map(|point| point.0).chain([0.0]), 0.0);
    let values = range(points().map(|point| point.1).chain([1.0]), 0.05);
    paint("curves", SIZE, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(18)
            .x_label_area_size(50)
            .y_label_area_size(72)
            .build_cartesian_2d(steps.clone(), values)?;
        super::mesh(&mut chart, "step", "training loss / its first value")?;
        chart.draw_series(LineSeries::new([(steps.start, 1.0), (steps.end, 1.0)], DIM.stroke_width(1)))?;
        for (run, color) in runs.iter().zip(PALETTE) {
            chart
                .draw_series(LineSeries::new(run.points.iter().copied(), color.mix(0.25).stroke_width(1)))?;
        }
        for (run, color) in runs.iter().zip(PALETTE) {
            let key = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], color.stroke_width(3));
            let line = LineSeries::new(run.smooth(), color.stroke_width(3));
            chart.draw_series(line)?.label(super::ascii(&run.name)).legend(key);
        }
        super::legend(&mut chart, SeriesLabelPosition::LowerLeft)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::count;
    use super::*;

    fn run(name: &str, losses: &[f64]) -> RunCurve {
        let lines = (1..).zip(losses).map(|(step, loss)| format!("{step},{loss}\n"));
        RunCurve::parse(name.to_owned(), &format!("step,loss\n{}", lines.collect::<String>())).unwrap()
    }

    #[test]
    fn a_run_is_over_its_first_value() {
        assert_eq!(run("a", &[8.0, 4.0, 2.0]).points, [(1.0, 1.0), (2.0, 0.5), (3.0, 0.25)]);
        let refused = |csv| RunCurve::parse(String::new(), csv).unwrap_err().to_string();
        assert_eq!(refused("step,loss\n"), "log: expected at least one training loss, got none");
        assert_eq!(refused("step,loss\n1,0\n"), "log: expected a first loss above 0 to divide by, got 0");
    }

    #[test]
    fn smoothing_keeps_a_straight_line_and_its_ends() {
        let losses: Vec<f64> = (0..200).map(|index| 1.0 + f64::from(index)).collect();
        let line = run("a", &losses);
        for (smooth, plain) in line.smooth().iter().zip(&line.points) {
            assert!((smooth.1 - plain.1).abs() < 1e-9);
        }
    }

    #[test]
    fn each_run_has_its_color() {
        let picture = draw(&[run("falls", &[8.0, 4.0, 2.0]), run("flat", &[0.2, 0.2, 0.199])]).unwrap();
        assert!(count(&picture, PALETTE[0]) > 100 && count(&picture, PALETTE[1]) > 100);
        assert_eq!(count(&picture, PALETTE[2]), 0);
        assert!(draw(&[]).is_err() && draw(&vec![run("a", &[1.0]); 11]).is_err());
    }
}
