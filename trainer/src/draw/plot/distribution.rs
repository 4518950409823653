//! A distribution over colors: squares in the ab plane, or bars over a or b, each in the color it stands for.
//!
//! The idea: **the area of a square and the height of a bar are the probability**, and nothing else is; the truth is a
//! cross, the color that is made of the distribution a dot.

use anyhow::Result;
use image::RgbImage;
use plotters::prelude::*;

use super::{Area, Chart, Drawn, FONT, color_of, paint};

/// Most squares and bars have this border.
const BORDER: RGBColor = RGBColor(120, 120, 120);
/// Bins that the list names.
const LISTED: i32 = 6;
/// Height of a line of the list, in pixels.
const LINE: i32 = 24;
/// Height of the list, in pixels.
const LIST_HEIGHT: i32 = LINE * LISTED + 34;

/// One distribution and what to mark in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Over the diagram.
    pub title: String,
    /// L that the colors are shown at, 0 to 100.
    pub l: f32,
    /// Probabilities of the bins.
    pub shares: Vec<f64>,
    /// True ab, where it is known.
    pub truth: Option<[f64; 2]>,
    /// The ab that is made of the distribution.
    pub made: Option<[f64; 2]>,
}

/// Which of the two a bar chart is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Green to red.
    A,
    /// Blue to yellow.
    B,
}

/// Probabilities at temperature `temperature` (0 to 1) of a distribution at temperature 1: `p^(1/T)`, with sum 1. Below
/// 0.01 it is taken as that, as the codecs do.
#[must_use]
pub fn annealed(shares: &[f64], temperature: f64) -> Vec<f64> {
    let most = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let raised: Vec<f64> = shares.iter().map(|p| (p / most).powf(1.0 / temperature.max(0.01))).collect();
    let sum: f64 = raised.iter().sum();
    raised.into_iter().map(|p| p / sum).collect()
}

/// The ab plane with a square for each of the bins `centers`, side at most 10, and a list of the likeliest under it.
///
/// # Errors
/// Nothing but a font that cannot be drawn.
pub fn plane(panel: &Panel, centers: &[[f32; 2]], size: (u32, u32)) -> Result<RgbImage> {
    paint("distribution", size, |root| {
        let below = i32::try_from(size.1)? - LIST_HEIGHT;
        let (diagram, list) = root.split_vertically(below);
        draw_plane(panel, centers, &diagram)?;
        draw_list(panel, centers, &list)
    })
}

fn draw_plane(panel: &Panel, centers: &[[f32; 2]], area: &Area<'_>) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .caption(super::ascii(&panel.title), (FONT, 17))
        .x_label_area_size(46)
        .y_label_area_size(62)
        .build_cartesian_2d(-115.0..115.0, -115.0..115.0)?;
    super::mesh(&mut chart, "a (green to red)", "b (blue to yellow)")?;
    let most = panel.shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    for (&[a, b], share) in centers.iter().zip(&panel.shares) {
        let square = |half: f64| {
            let (a, b) = (f64::from(a), f64::from(b));
            [(a - half, b - half), (a + half, b + half)]
        };
        let color = color_of([panel.l, a, b]);
        let half = 5.0 * (share / most).sqrt();
        chart.draw_series([Rectangle::new(square(5.0), pale(color).filled())])?;
        // Less than a pixel of the smallest figure.
        if half > 0.3 {
            chart.draw_series([
                Rectangle::new(square(half), color.filled()),
                Rectangle::new(square(half), BORDER.stroke_width(1)),
            ])?;
        }
    }
    mark(&mut chart, panel.truth, panel.made)
}

/// A color with much white in it; opaque, so that neighbors may overlap.
fn pale(color: RGBColor) -> RGBColor {
    let RGBColor(red, green, blue) = color;
    let [red, green, blue] = [red, green, blue].map(|value| 255 - (255 - value) / 8);
    RGBColor(red, green, blue)
}

/// A cross for the truth and a dot for what is made, on white so that they show on every color and on each other.
fn mark(chart: &mut Chart<'_, '_>, truth: Option<[f64; 2]>, made: Option<[f64; 2]>) -> Drawn {
    if let Some([a, b]) = truth {
        let cross = [(12, WHITE, 6), (11, BLACK, 3)];
        chart.draw_series(
            cross.map(|(size, color, width)| Cross::new((a, b), size, color.stroke_width(width))),
        )?;
    }
    if let Some([a, b]) = made {
        let dot = [(7, WHITE), (5, BLACK)];
        chart.draw_series(dot.map(|(size, color)| Circle::new((a, b), size, color.filled())))?;
    }
    Ok(())
}

/// The likeliest bins: color, ab, a bar and the probability.
fn draw_list(panel: &Panel, centers: &[[f32; 2]], area: &Area<'_>) -> Drawn {
    let mut ranked: Vec<(&[f32; 2], f64)> = centers.iter().zip(panel.shares.iter().copied()).collect();
    ranked.sort_by(|x, y| y.1.total_cmp(&x.1));
    let most = ranked.first().map_or(1.0, |first| first.1);
    area.draw(&Text::new("likeliest bins (a, b)", (70, 6), (FONT, 15)))?;
    for (line, (&[a, b], share)) in (0..LISTED).zip(ranked) {
        let (top, color) = (28 + LINE * line, color_of([panel.l, a, b]));
        let swatch = [(70, top), (88, top + LINE - 6)];
        area.draw(&Rectangle::new(swatch, color.filled()))?;
        area.draw(&Rectangle::new(swatch, BORDER.stroke_width(1)))?;
        area.draw(&Text::new(format!("({a:.0}, {b:.0})"), (98, top + 3), (FONT, 15)))?;
        let full = 170.0 * share / most;
        let bar = [(180, top), (180 + whole(full), top + LINE - 6)];
        area.draw(&Rectangle::new(bar, color.filled()))?;
        area.draw(&Rectangle::new(bar, BORDER.stroke_width(1)))?;
        area.draw(&Text::new(format!("{:.1}%", 100.0 * share), (188 + whole(full), top + 3), (FONT, 15)))?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a figure")]
fn whole(value: f64) -> i32 {
    value as i32
}

/// Bars over the bins `centers` (rising, evenly apart) of a or b.
///
/// # Errors
/// Nothing but a font that cannot be drawn.
pub fn bars(panel: &Panel, axis: Axis, centers: &[f32], size: (u32, u32)) -> Result<RgbImage> {
    let half = match centers {
        [first, second, ..] => f64::from(second - first) / 2.0,
        _ => 1.0,
    };
    let ends = super::range(centers.iter().map(|&center| f64::from(center)), 0.0);
    let most = panel.shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    paint("distribution", size, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .caption(super::ascii(&panel.title), (FONT, 17))
            .x_label_area_size(46)
            .y_label_area_size(66)
            .build_cartesian_2d(ends.start - half..ends.end + half, 0.0..most * 1.12)?;
        let (name, place) = if axis == Axis::A { ("a (green to red)", 0) } else { ("b (blue to yellow)", 1) };
        super::mesh(&mut chart, name, "probability")?;
        for (&center, &share) in centers.iter().zip(&panel.shares) {
            let lab = if axis == Axis::A { [panel.l, center, 0.0] } else { [panel.l, 0.0, center] };
            let middle = f64::from(center);
            let bar = [(middle - half, 0.0), (middle + half, share)];
            chart.draw_series([
                Rectangle::new(bar, color_of(lab).filled()),
                Rectangle::new(bar, BORDER.stroke_width(1)),
            ])?;
        }
        // Near the top of the diagram and not on the bars.
        let at = |ab: [f64; 2], height: f64| [ab[place], most * height];
        mark(&mut chart, panel.truth.map(|ab| at(ab, 1.06)), panel.made.map(|ab| at(ab, 1.06)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::count;
    use super::*;

    fn panel(shares: &[f64]) -> Panel {
        let (truth, made) = (Some([30.0, 0.0]), Some([-30.0, 0.0]));
        Panel { title: "a test".to_owned(), l: 60.0, shares: shares.to_vec(), truth, made }
    }

    #[test]
    fn annealing_sharpens_and_keeps_the_sum() {
        // At a temperature of a half, shares are squared: 0.36 and 0.16 over 0.52.
        let shares = annealed(&[0.6, 0.4], 0.5);
        assert!((shares[0] - 9.0 / 13.0).abs() < 1e-12 && (shares[1] - 4.0 / 13.0).abs() < 1e-12);
        assert_eq!(annealed(&[0.6, 0.4, 0.0], 1.0), [0.6, 0.4, 0.0]);
        assert!(annealed(&[0.6, 0.4], 0.0)[0] > 0.999_999);
    }

    #[test]
    fn the_likelier_bin_has_the_larger_square_in_its_own_color() {
        let centers = [[-40.0, 40.0], [40.0, 40.0]];
        let picture = plane(&panel(&[0.8, 0.2]), &centers, (500, 620)).unwrap();
        let [green, red] = centers.map(|[a, b]| count(&picture, color_of([60.0, a, b])));
        assert!(green > 2 * red && red > 20, "{green} {red}");
    }

    #[test]
    fn bars_are_as_high_as_their_shares() {
        let picture = bars(&panel(&[0.5, 0.25, 0.25]), Axis::A, &[-60.0, 0.0, 60.0], (500, 300)).unwrap();
        let [left, middle] = [-60.0, 0.0].map(|a| count(&picture, color_of([60.0, a, 0.0])));
        let ratio = f64::from(u32::try_from(left).unwrap()) / f64::from(u32::try_from(middle).unwrap());
        assert!((1.8..2.2).contains(&ratio), "{ratio}");
    }
}
