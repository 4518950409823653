//! The distribution that a network predicts for one pixel, and the color that is made of it.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use autochrome_models::codec::Bins;
use autochrome_models::color::srgb8_to_lab;
use image::{Rgb, RgbImage, imageops};

use super::Machine;
use super::look::{Looker, Seen};
use crate::draw::plot::distribution::{Axis, Panel, annealed, bars, plane};
use crate::draw::plot::{Align, shown, write_text};
use crate::draw::{fitted, save_png};

/// Draws the distribution that a model predicts for one pixel of a photograph.
#[derive(Debug, clap::Args)]
pub struct DistributionArgs {
    /// Folder of a model package with a distribution (bins1d or bins2d).
    package: PathBuf,
    /// The photograph; if it is in color, its true ab is marked.
    photo: PathBuf,
    /// The pixel, from the upper left corner.
    #[arg(long, value_name = "X,Y")]
    at: Place,
    /// The picture.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    machine: Machine,
}

/// A pixel of a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    x: u32,
    y: u32,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once(',').and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)));
        let (x, y) =
            parts.ok_or_else(|| format!("expected two whole numbers such as 120,80, got `{text}`"))?;
        Ok(Place { x, y })
    }
}

/// Size of a panel with a plane, and of one with bars.
const PLANE: (u32, u32) = (470, 656);
const BARS: (u32, u32) = (470, 328);
/// Height of the title.
const TITLE: u32 = 46;
/// Width of the column with the photograph.
const COLUMN: u32 = 300;
/// Side of the photograph.
const PHOTO: u32 = 272;
/// Chroma below this everywhere is that of a photograph without color.
const NO_COLOR: f32 = 1.0;

pub(super) fn run(args: &DistributionArgs) -> Result<()> {
    let photo = super::photograph(&args.photo)?;
    let (width, height) = photo.dimensions();
    if args.at.x >= width || args.at.y >= height {
        let (Place { x, y }, path) = (args.at, args.photo.display());
        bail!("at: expected a pixel of {path}, which is {width} x {height}, got {x},{y}; the first is 0,0");
    }
    let looker = Looker::load(&args.package, &args.machine)?;
    let said = Said::new(&looker, &looker.look(&photo)?, &photo, args.at)?;
    save_png(&figure(&looker, &said, &photo, args.at)?, &args.out)
}

/// What is known of one cell.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    bins: Bins,
    l: f32,
    truth: Option<[f32; 2]>,
    made: [f32; 2],
    /// For each distribution of a pixel: as the network gave it, and as the package takes the mean of it.
    shares: Vec<[Vec<f64>; 2]>,
}

impl Said {
    fn new(looker: &Looker, seen: &Seen, photo: &RgbImage, at: Place) -> Result<Self> {
        let (columns, rows) = (seen.raw.width, seen.raw.height);
        let (x, y) = seen.frame.cell((at.x, at.y), (columns, rows));
        let cell = y * columns + x;
        let [l, a, b] = seen.truth[cell];
        let wide = |shares: Vec<f32>| shares.into_iter().map(f64::from).collect::<Vec<f64>>();
        let shares = |group| {
            let tilted = wide(seen.tilted.at(group, x, y));
            [wide(seen.raw.at(group, x, y)), annealed(&tilted, looker.temperature())]
        };
        Ok(Said {
            bins: seen.raw.bins.clone(),
            l,
            truth: has_color(photo).then_some([a, b]),
            made: [seen.made.a[cell], seen.made.b[cell]],
            shares: (0..seen.raw.groups()).map(shares).collect(),
        })
    }

    /// The panels from left to right, then down.
    fn panels(&self, looker: &Looker) -> Result<Vec<RgbImage>> {
        let titles = ["as predicted: T = 1".to_owned(), package_title(looker)];
        let wide = |ab: [f32; 2]| ab.map(f64::from);
        let mut panels = Vec::new();
        for (group, shares) in self.shares.iter().enumerate() {
            for ((shares, title), made) in shares.iter().zip(&titles).zip([None, Some(wide(self.made))]) {
                let (title, shares) = (title.clone(), shares.clone());
                let panel = Panel { title, l: self.l, shares, truth: self.truth.map(wide), made };
                panels.push(match &self.bins {
                    Bins::Plane(centers) => plane(&panel, centers, PLANE)?,
                    Bins::Line(centers) => {
                        bars(&panel, if group == 0 { Axis::A } else { Axis::B }, centers, BARS)?
                    }
                });
            }
        }
        Ok(panels)
    }
}

fn package_title(looker: &Looker) -> String {
    let tilt = if looker.tilt() == 0.0 { String::new() } else { format!(", tilt {}", looker.tilt()) };
    format!("as the package takes it: T = {}{tilt}", looker.temperature())
}

fn has_color(photo: &RgbImage) -> bool {
    photo.pixels().any(|pixel| {
        let [_, a, b] = srgb8_to_lab(pixel.0);
        a.hypot(b) > NO_COLOR
    })
}

fn figure(looker: &Looker, said: &Said, photo: &RgbImage, at: Place) -> Result<RgbImage> {
    let mut figure = RgbImage::from_pixel(COLUMN + 2 * PLANE.0, TITLE + PLANE.1, Rgb([255; 3]));
    let title = format!("{}: pixel ({}, {}), L = {:.0}", looker.manifest.name, at.x, at.y, said.l);
    let middle = i32::try_from(figure.width() / 2)?;
    write_text(&mut figure, &title, (middle, i32::try_from(TITLE / 2)?), 22, Align::Center)?;
    for (index, panel) in (0_u32..).zip(said.panels(looker)?) {
        let (left, top) = (COLUMN + index % 2 * panel.width(), TITLE + index / 2 * panel.height());
        imageops::replace(&mut figure, &panel, i64::from(left), i64::from(top));
    }
    let small = marked(photo, at);
    let left = (COLUMN - small.width()) / 2;
    imageops::replace(&mut figure, &small, i64::from(left), i64::from(TITLE));
    legend(&mut figure, said, TITLE + small.height() + 30)?;
    Ok(figure)
}

/// The photograph with a ring around the pixel.
fn marked(photo: &RgbImage, at: Place) -> RgbImage {
    let mut small = fitted(photo, PHOTO);
    let place = |place: u32, from: u32, to: u32| {
        i64::from(place) * i64::from(to) / i64::from(from.max(1)) + i64::from(to / from.max(1) / 2)
    };
    let (width, height) = small.dimensions();
    let (x, y) = (place(at.x, photo.width(), width), place(at.y, photo.height(), height));
    for (column, row, pixel) in small.enumerate_pixels_mut() {
        let (dx, dy) = (i64::from(column) - x, i64::from(row) - y);
        let squared = dx * dx + dy * dy;
        if (36..=64).contains(&squared) {
            *pixel = Rgb([255; 3]);
        } else if (25..36).contains(&squared) || (65..=81).contains(&squared) {
            *pixel = Rgb([0; 3]);
        }
    }
    small
}

/// What cross and dot are, each with its color and numbers.
fn legend(figure: &mut RgbImage, said: &Said, top: u32) -> Result<()> {
    let truth =
        said.truth.map_or_else(|| "truth: not known".to_owned(), |ab| format!("cross: truth, {}", pair(ab)));
    let lines = [(truth, said.truth), (format!("dot: output, {}", pair(said.made)), Some(said.made))];
    for (line, (text, ab)) in (0_u32..).zip(lines) {
        let y = top + 34 * line;
        if let Some([a, b]) = ab {
            let swatch = RgbImage::from_pixel(22, 22, Rgb(shown([said.l, a, b])));
            imageops::replace(figure, &swatch, 14, i64::from(y) - 11);
        }
        write_text(figure, &text, (46, i32::try_from(y)?), 15, Align::Left)?;
    }
    Ok(())
}

fn pair([a, b]: [f32; 2]) -> String {
    format!("ab = ({a:.0}, {b:.0})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers() {
        assert_eq!("12,7".parse(), Ok(Place { x: 12, y: 7 }));
        for wrong in ["12", "12;7", "-1,2", "a,b", ""] {
            let expected = format!("expected two whole numbers such as 120,80, got `{wrong}`");
            assert_eq!(wrong.parse::<Place>(), Err(expected));
        }
    }

    #[test]
    fn a_gray_photograph_has_no_truth() {
        assert!(!has_color(&RgbImage::from_fn(16, 16, |x, _| Rgb([u8::try_from(x * 16).unwrap(); 3]))));
        assert!(has_color(&RgbImage::from_pixel(2, 2, Rgb([120, 110, 110]))));
    }

    #[test]
    fn the_ring_is_around_the_pixel() {
        let photo = RgbImage::from_pixel(544, 272, Rgb([9, 9, 9]));
        let small = marked(&photo, Place { x: 200, y: 100 });
        assert_eq!(small.dimensions(), (272, 136));
        assert_eq!(small.get_pixel(100, 50).0, [9, 9, 9]);
        assert_eq!(small.get_pixel(107, 50).0, [255; 3]);
        assert_eq!(small.get_pixel(100, 57).0, [255; 3]);
    }
}
