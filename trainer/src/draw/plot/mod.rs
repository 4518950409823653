//! Diagrams as pictures: curves of runs, distributions, reliability.
//!
//! The idea: **the numbers are the source**; every picture can be drawn again at any time from a CSV or from a package,
//! and a file here only knows how its numbers look. The font comes with the program (`font/`), so no machine has to
//! have one; it has the ASCII characters.

pub mod curves;
pub mod distribution;
pub mod epochs;
mod fine;
pub mod reliability;
pub mod runs;

use std::error::Error;
use std::sync::Once;

use anyhow::{Context, Result, anyhow};
use autochrome_models::color::{gamut, lab_to_srgb, unit_to_u8};
use image::{Pixel, RgbImage};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

pub use curves::draw_log;
pub use epochs::draw_epochs;
use fine::Fine;

const FONT: &str = "dejavu-sans-ascii";
const TRAIN: RGBColor = RGBColor(31, 119, 180);
const HELD_OUT: RGBColor = RGBColor(214, 39, 40);
const DIM: RGBColor = RGBColor(90, 90, 90);
/// Lines that the eye should not follow.
const GRID: RGBColor = RGBColor(215, 215, 215);

/// A picture that is being drawn on.
type Area<'a> = DrawingArea<Fine<'a>, Shift>;
/// Whether drawing went well.
type Drawn = Result<(), Box<dyn Error>>;

/// A white picture of `size` pixels and what `draw` puts on it; `what` begins the text of an error.
fn paint(what: &str, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<RgbImage> {
    register();
    let drawn = fine::smooth(size, |canvas| {
        let root = canvas.into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root)?;
        Ok::<(), Box<dyn Error>>(root.present()?)
    });
    drawn.map_err(|error| anyhow!("{what}: {error}"))
}

/// Where text stands from the place it is put at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// To the right of it.
    Left,
    /// Around it.
    Center,
}

/// Writes a line of text on a picture, `size` pixels high, its vertical middle at `place`; ASCII only.
///
/// # Errors
/// The font cannot be drawn.
pub fn write_text(
    picture: &mut RgbImage,
    text: &str,
    place: (i32, i32),
    size: u32,
    align: Align,
) -> Result<()> {
    let across = if align == Align::Left { HPos::Left } else { HPos::Center };
    let style = (FONT, size).into_font().color(&BLACK).pos(Pos::new(across, VPos::Center));
    let middle = i32::try_from(size)?;
    let strip = paint("text", (picture.width(), 2 * size), |root| {
        Ok(root.draw(&Text::new(ascii(text), (place.0, middle), style))?)
    })?;
    for (x, y, ink) in strip.enumerate_pixels() {
        let Ok(y) = u32::try_from(place.1 - middle + i32::try_from(y)?) else { continue };
        if let Some(under) = picture.get_pixel_mut_checked(x, y) {
            *under = under.map2(ink, |under, ink| under.min(ink));
        }
    }
    Ok(())
}

/// The text with a `?` for each character that the font lacks.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// What sRGB shows of `[L, a, b]`: chroma as much as fits, at the same L and hue.
#[must_use]
pub fn shown(lab: [f32; 3]) -> [u8; 3] {
    lab_to_srgb(gamut::fit_chroma(lab)).map(|value| unit_to_u8(value.clamp(0.0, 1.0)))
}

fn color_of(lab: [f32; 3]) -> RGBColor {
    let [red, green, blue] = shown(lab);
    RGBColor(red, green, blue)
}

/// The rows of the columns `names` of a log, whatever order they have among others. An empty cell has no value, and
/// one that is not finite has none either.
///
/// # Errors
/// A missing column, or a cell that is not a number.
fn columns<const N: usize>(csv: &str, names: [&str; N]) -> Result<Vec<[Option<f64>; N]>> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = header.iter().position(|known| *known == name);
        *place = found.with_context(|| format!("log: column `{name}` is missing"))?;
    }
    let row = |(number, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let mut row = [None; N];
        for (value, place) in row.iter_mut().zip(places) {
            *value = cell(cells.get(place).copied()).with_context(|| format!("log: line {number}"))?;
        }
        Ok(row)
    };
    (2..).zip(lines).map(row).collect()
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

/// A number as an axis has it: no more decimals than it needs, four at most.
fn plain(value: &f64) -> String {
    let text = format!("{value:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// A chart of plain numbers.
type Chart<'a, 'b> = ChartContext<'a, Fine<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Axes, their names and a light grid.
fn mesh(chart: &mut Chart<'_, '_>, x: &str, y: &str) -> Drawn {
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .label_style((FONT, 15))
        .axis_desc_style((FONT, 17))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&plain)
        .y_label_formatter(&plain)
        .draw()?;
    Ok(())
}

/// The names of the curves.
fn legend<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, place: SeriesLabelPosition) -> Drawn {
    chart
        .configure_series_labels()
        .position(place)
        .margin(12)
        .legend_area_size(32)
        .label_font((FONT, 16))
        .background_style(WHITE.mix(0.85))
        .border_style(DIM)
        .draw()?;
    Ok(())
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
pub(crate) mod tests {
    use super::*;

    /// Pixels of exactly this color.
    pub(crate) fn count(picture: &RgbImage, color: RGBColor) -> usize {
        picture.pixels().filter(|pixel| pixel.0 == [color.0, color.1, color.2]).count()
    }

    #[test]
    fn a_single_point_has_a_range() {
        assert_eq!(range([3.0].into_iter(), 0.05), 2.5..3.5);
    }

    #[test]
    fn numbers_on_axes_are_short() {
        let texts = [0.0, -0.0, 0.25, 12.0, 1.0 / 3.0, 900.0].map(|value| plain(&value));
        assert_eq!(texts, ["0", "0", "0.25", "12", "0.3333", "900"]);
    }

    #[test]
    fn text_beyond_the_font_is_marked_and_not_left_out() {
        assert_eq!(ascii("caf\u{e9} a\tb"), "caf? a?b");
        let mut picture = RgbImage::from_pixel(120, 30, image::Rgb([255; 3]));
        write_text(&mut picture, "gray", (60, 15), 18, Align::Center).unwrap();
        let dark =
            |x: std::ops::Range<u32>| x.clone().any(|x| (0..30).any(|y| picture.get_pixel(x, y).0[0] < 100));
        assert!(dark(30..60) && dark(60..90) && !dark(0..20) && !dark(100..120), "in the middle");
    }

    #[test]
    fn colors_beyond_srgb_are_shown_with_less_chroma() {
        assert_eq!(shown([100.0, 0.0, 0.0]), [255; 3]);
        let [red, green, blue] = shown([50.0, 200.0, 0.0]);
        assert!(red > 200 && green < 30 && blue < 160, "{red} {green} {blue}");
    }
}
