//! Loss per epoch, in training and on held-out photographs: figure 5 of the seed report, with the curve it lacks.
//!
//! The idea: **an epoch is a sum of lines of the log**. The loop writes a line where an epoch ends, so what an epoch
//! cost follows from the log alone, also for a run that was stopped and resumed.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use image::RgbImage;
use plotters::prelude::*;

use super::{FONT, HELD_OUT, TRAIN, columns, paint, plain, range};

const SIZE: (u32, u32) = (1000, 560);
/// More epochs than this have a line and no dots.
const MOST_DOTS: usize = 60;

/// First line of `epochs.csv`.
pub const HEADER: &str = "epoch,steps,loss,held_out_loss";

/// One pass over the training photographs, or the part of one that a run ended in.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// Passes done at its end: a whole number, or for the part at a run's end what the log says, such as 2.4.
    pub epoch: f64,
    /// Steps in it, a whole number.
    pub steps: f64,
    /// Mean training loss over its steps.
    pub loss: f64,
    /// Loss of the averaged weights on the photographs held out at its end, where it was measured there.
    pub held_out_loss: Option<f64>,
}

/// The epochs of a log with the columns `step`, `epoch`, `loss` (mean since the line before) and `held_out_loss`. The
/// loss of a line weighs as many steps as lie between it and the line before; a line after several passes ends one
/// row.
///
/// # Errors
/// A missing column, or a cell that is not a number.
pub fn from_log(csv: &str) -> Result<Vec<Epoch>> {
    let (mut rows, mut before, mut ended) = (Vec::new(), 0.0, 0.0);
    let mut part: Option<Epoch> = None;
    for [step, epoch, loss, held_out_loss] in columns(csv, ["step", "epoch", "loss", "held_out_loss"])? {
        let (Some(step), Some(epoch), Some(loss)) = (step, epoch, loss) else { continue };
        let (old_steps, old_loss) = part.as_ref().map_or((0.0, 0.0), |part| (part.steps, part.loss));
        let steps = old_steps + step - before;
        let mean = if steps > 0.0 { (old_loss * old_steps + loss * (step - before)) / steps } else { loss };
        let row = Epoch { epoch, steps, loss: mean, held_out_loss };
        before = step;
        if epoch.floor() > ended {
            ended = epoch.floor();
            rows.push(Epoch { epoch: ended, ..row });
            part = None;
        } else {
            part = Some(row);
        }
    }
    rows.extend(part);
    Ok(rows)
}

/// The rows as CSV.
#[must_use]
pub fn to_csv(rows: &[Epoch]) -> String {
    rows.iter().fold(HEADER.to_owned() + "\n", |mut text, row| {
        let held_out = row.held_out_loss.map(|loss| format!("{loss:.5}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},{:.0},{:.5},{held_out}", plain(&row.epoch), row.steps, row.loss);
        text
    })
}

/// Draws the rows, 1000x560 pixels.
///
/// # Errors
/// There are none.
pub fn draw(rows: &[Epoch], title: &str) -> Result<RgbImage> {
    if rows.is_empty() {
        bail!("epochs: expected at least one training loss in the log, got none");
    }
    let train: Vec<_> = rows.iter().map(|row| (row.epoch, row.loss)).collect();
    let held_out: Vec<_> = rows.iter().filter_map(|row| Some((row.epoch, row.held_out_loss?))).collect();
    let values = range(train.iter().chain(&held_out).map(|point| point.1), 0.05);
    let last = rows.last().map_or(1.0, |row| row.epoch).max(f64::MIN_POSITIVE);
    paint("epochs", SIZE, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(14)
            .caption(super::ascii(title), (FONT, 22))
            .x_label_area_size(50)
            .y_label_area_size(68)
            .build_cartesian_2d(0.0..last * 1.02, values)?;
        super::mesh(&mut chart, "epoch (passes over the training photographs)", "loss")?;
        let curves =
            [(&train, TRAIN, "training, mean over the epoch"), (&held_out, HELD_OUT, "held out, at its end")];
        for (points, color, name) in curves.into_iter().filter(|curve| !curve.0.is_empty()) {
            let key = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], color.stroke_width(2));
            let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(key);
            if points.len() <= MOST_DOTS {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, color.filled())))?;
            }
        }
        super::legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}

/// Writes `epochs.csv` and `epochs.png` of the run in `folder` from its `log.csv`, each whole or not at all.
///
/// # Errors
/// The log cannot be read or has no loss, or a file cannot be written.
pub fn draw_epochs(folder: &Path, title: &str) -> Result<()> {
    let log = folder.join("log.csv");
    let text = std::fs::read_to_string(&log).with_context(|| format!("{}", log.display()))?;
    let rows = from_log(&text)?;
    crate::files::write_whole(&folder.join("epochs.csv"), to_csv(&rows).as_bytes())?;
    crate::draw::save_png(&draw(&rows, title)?, &folder.join("epochs.png"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::count;
    use super::*;

    const HEADER: &str = "step,epoch,loss,held_out_loss\n";

    #[test]
    fn an_epoch_is_the_mean_of_its_lines_by_their_steps() {
        // 10 photographs, 4 a step: epochs end at step 3 (1.2), 5 (2.0) and the run in the middle of the third.
        // First: 2 steps of 6 and 1 of 3, mean (2 x 6 + 3) / 3 = 5. Second: 2 steps of 4. Then 1 step of 2.
        let log = format!("{HEADER}2,0.8,6,\n3,1.2,3,4.5\n5,2.0,4,3.5\n6,2.4,2,\n");
        let csv = to_csv(&from_log(&log).unwrap());
        assert_eq!(
            csv,
            "epoch,steps,loss,held_out_loss\n1,3,5.00000,4.50000\n2,2,4.00000,3.50000\n2.4,1,2.00000,\n"
        );
    }

    #[test]
    fn a_run_shorter_than_an_epoch_has_its_part_as_the_only_row() {
        let log = format!("{HEADER}10,0.25,2,\n20,0.5,1,1.5\n");
        let csv = to_csv(&from_log(&log).unwrap());
        assert_eq!(csv, "epoch,steps,loss,held_out_loss\n0.5,20,1.50000,1.50000\n");
        assert!(from_log(HEADER).unwrap().is_empty() && draw(&[], "x").is_err());
    }

    #[test]
    fn a_step_of_several_passes_is_one_row() {
        let log = format!("{HEADER}1,2.5,8,\n2,5.0,6,\n");
        let epochs: Vec<f64> = from_log(&log).unwrap().iter().map(|row| row.epoch).collect();
        assert_eq!(epochs, [2.0, 5.0]);
    }

    #[test]
    fn both_losses_are_drawn() {
        let log = format!("{HEADER}2,0.8,6,\n3,1.2,3,4.5\n5,2.0,4,3.5\n6,2.4,2,\n");
        let picture = draw(&from_log(&log).unwrap(), "a run").unwrap();
        assert!(count(&picture, TRAIN) > 100 && count(&picture, HELD_OUT) > 100);
        assert!(draw(&from_log(&format!("{HEADER}2,0.8,6,\n")).unwrap(), "one point").is_ok());
    }
}
