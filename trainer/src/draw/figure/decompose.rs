//! A photograph taken apart into L, a and b: figure 3 of the seed report.
//!
//! The idea: **each channel is shown by itself, as the colors it stands for**: L as gray, a from green to red and b
//! from blue to yellow at one lightness, with no influence from the other channels.

use std::path::PathBuf;

use anyhow::Result;
use autochrome_models::color::srgb8_to_lab;
use image::{Rgb, RgbImage, imageops};

use crate::draw::plot::{Align, shown, write_text};
use crate::draw::{fitted, save_png};

/// Decomposes a photograph into L, a and b.
#[derive(Debug, clap::Args)]
pub struct DecomposeArgs {
    /// The photograph.
    photo: PathBuf,
    /// The picture.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

/// L that a and b are shown at: where sRGB shows most of both.
const L: f32 = 60.0;
/// Side of a cell in pixels.
const CELL: u32 = 360;
/// Pixels around cells.
const GAP: u32 = 12;
/// Height of headings and of what is under the pictures.
const HEADING: u32 = 34;
/// Height of a scale, and of the numbers under it.
const SCALE: u32 = 16;
const NUMBERS: u32 = 24;

/// A channel of CIELAB as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    L,
    A,
    B,
}

impl Channel {
    const ALL: [Self; 3] = [Self::L, Self::A, Self::B];

    fn heading(self) -> &'static str {
        match self {
            Self::L => "L: lightness",
            Self::A => "a: green to red",
            Self::B => "b: blue to yellow",
        }
    }

    /// Values at the ends of the scale; beyond about 45 of green and 60 of blue sRGB shows no more at this L.
    fn ends(self) -> (f32, f32) {
        if self == Self::L { (0.0, 100.0) } else { (-80.0, 80.0) }
    }

    /// The color that a value of this channel has by itself.
    fn tint(self, value: f32) -> Rgb<u8> {
        Rgb(shown(match self {
            Self::L => [value, 0.0, 0.0],
            Self::A => [L, value, 0.0],
            Self::B => [L, 0.0, value],
        }))
    }

    /// The channel of a photograph.
    fn picture(self, photo: &RgbImage) -> RgbImage {
        RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
            let [l, a, b] = srgb8_to_lab(photo.get_pixel(x, y).0);
            self.tint(match self {
                Self::L => l,
                Self::A => a,
                Self::B => b,
            })
        })
    }
}

pub(super) fn run(args: &DecomposeArgs) -> Result<()> {
    save_png(&figure(&super::photograph(&args.photo)?)?, &args.out)
}

/// Photograph, L, a and b in a row, with headings and scales.
fn figure(photo: &RgbImage) -> Result<RgbImage> {
    let whole = fitted(photo, CELL);
    let (width, height) = whole.dimensions();
    let step = width + GAP;
    let mut figure =
        RgbImage::from_pixel(4 * step + GAP, HEADING + height + GAP + SCALE + NUMBERS, Rgb([255; 3]));
    let channels = Channel::ALL.map(|channel| (channel.heading(), channel.picture(&whole), Some(channel)));
    let cells = std::iter::once(("photograph", whole.clone(), None)).chain(channels);
    for (left, (heading, picture, channel)) in (GAP..).step_by(usize::try_from(step)?).zip(cells) {
        let middle = i32::try_from(left + width / 2)?;
        write_text(&mut figure, heading, (middle, i32::try_from(HEADING / 2)?), 18, Align::Center)?;
        imageops::replace(&mut figure, &picture, i64::from(left), i64::from(HEADING));
        if let Some(channel) = channel {
            scale(&mut figure, channel, (left, HEADING + height + GAP), width)?;
        }
    }
    Ok(figure)
}

/// The colors of a channel from end to end, with numbers under them.
fn scale(figure: &mut RgbImage, channel: Channel, (left, top): (u32, u32), width: u32) -> Result<()> {
    let (low, high) = channel.ends();
    let part = |x: u32| {
        f32::from(u16::try_from(x).unwrap_or(u16::MAX)) / f32::from(u16::try_from(width).unwrap_or(1))
    };
    for x in 0..width {
        let tint = channel.tint(low + (high - low) * part(x));
        (top..top + SCALE).for_each(|y| figure.put_pixel(left + x, y, tint));
    }
    let below = i32::try_from(top + SCALE + NUMBERS / 2)?;
    let (left, width) = (i32::try_from(left)?, i32::try_from(width)?);
    for (value, x) in [(low, 14), ((low + high) / 2.0, width / 2), (high, width - 14)] {
        write_text(figure, &format!("{value:.0}"), (left + x, below), 14, Align::Center)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_color_has_its_gray_and_its_tints() {
        // sRGB red: L 53.24, a 80.09, b 67.20; the gray of L 53.24 is 127.
        let red = RgbImage::from_pixel(2, 2, Rgb([255, 0, 0]));
        let [l, a, b] = Channel::ALL.map(|channel| channel.picture(&red).get_pixel(1, 1).0);
        assert_eq!(l, [127; 3]);
        assert!(a[0] > 200 && a[1] < 80, "red and not green: {a:?}");
        assert!(b[0] > 140 && b[1] > 130 && b[2] < 40, "yellow: {b:?}");
        let gray = RgbImage::from_pixel(2, 2, Rgb([90; 3]));
        let [l, a, b] = Channel::ALL.map(|channel| channel.picture(&gray).get_pixel(0, 0).0);
        assert_eq!(l, [90; 3]);
        // Gray has no tint: both are the gray of L 60.
        assert!(a.iter().chain(&b).all(|value| value.abs_diff(a[0]) <= 1), "{a:?} {b:?}");
    }

    #[test]
    fn the_four_pictures_stand_in_a_row() {
        let photo = RgbImage::from_pixel(720, 360, Rgb([255, 0, 0]));
        let figure = figure(&photo).unwrap();
        assert_eq!(figure.width(), 4 * (360 + 12) + 12);
        assert_eq!(figure.get_pixel(12 + 180, 34 + 90).0, [255, 0, 0]);
        assert_eq!(figure.get_pixel(12 + 372 + 180, 34 + 90).0, [127; 3]);
    }
}
