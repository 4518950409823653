//! What a picture seems to be that is no ordinary photograph: a negative, a faded color print, a page of text. The
//! picture is not changed; its report gets a sentence, and the person decides.
//!
//! The measures are few and cheap, on grids of at most 64 and 256 points a side. Their thresholds were chosen on
//! photographs so that at most one ordinary photograph in a hundred gets a sentence; docs/research/pixels.md has the rates.

use autochrome_pixels::color::srgb_to_lab;

use super::colors::{Colors, level};
use super::spread::{THRESHOLD, spread};
use crate::picture::Picture;

/// Parts per side whose means are measured.
const PARTS: usize = 64;
/// Samples per side that a part is averaged from.
const SAMPLES: usize = 4;
/// Points per side where strokes are looked for.
const POINTS: usize = 256;
/// Points per side of a block of them.
const BLOCK: usize = 32;

const TEXT: &str = "it looks like a page of text";
const NEGATIVE: &str = "it looks like a negative; if it is one, invert it first";
const FADED: &str =
    "it looks like a color print that has faded; its colors are replaced by predicted ones, not restored";

/// Negativity from which a picture gets a note.
const CERTAIN: f32 = 2.75;

/// A sentence about `picture`, if there is one to say; there is none about one smaller than the grid.
pub fn of(picture: &Picture) -> Option<&'static str> {
    let (Ok(width), Ok(height)) = (usize::try_from(picture.width), usize::try_from(picture.height)) else {
        return None;
    };
    if width.min(height) < PARTS {
        return None;
    }
    let levels = Levels { picture, colors: Colors::of(picture), width, height };
    if levels.is_text() {
        return Some(TEXT);
    }
    let negative = negativity(&levels.grid(|x, y| levels.at(x, y)));
    let faded = || levels.is_faded() && spread(picture) > THRESHOLD;
    if negative > CERTAIN { Some(NEGATIVE) } else { faded().then_some(FADED) }
}

/// A picture's gray levels, 0..1, wherever they lie.
struct Levels<'a> {
    picture: &'a Picture,
    colors: Option<Colors<'a>>,
    width: usize,
    height: usize,
}

impl Levels<'_> {
    fn at(&self, x: usize, y: usize) -> f32 {
        if let Some(colors) = &self.colors {
            let [red, green, blue] = colors.at(x, y);
            return 0.299 * red + 0.587 * green + 0.114 * blue;
        }
        let format = self.picture.format;
        let start = (y * self.width + x) * format.bytes_per_pixel();
        level(&self.picture.pixels[start..][..format.bytes_per_sample()])
    }

    /// Where sample `index` of a part's row or column lies.
    fn place(&self, column: usize, row: usize) -> (usize, usize) {
        let steps = PARTS * SAMPLES;
        (column * self.width / steps, row * self.height / steps)
    }

    /// The means of the parts, row by row, of what `at` says of a place.
    fn grid(&self, at: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut grid = vec![0.0; PARTS * PARTS];
        for row in 0..PARTS * SAMPLES {
            for column in 0..PARTS * SAMPLES {
                let (x, y) = self.place(column, row);
                grid[row / SAMPLES * PARTS + column / SAMPLES] += at(x, y);
            }
        }
        grid.iter_mut().for_each(|sum| *sum /= count(SAMPLES * SAMPLES));
        grid
    }

    /// The cyan dye of prints fades first, and the paper yellows: no part is dark in red, none is bluish, and yet some are
    /// light.
    fn is_faded(&self) -> bool {
        let Some(colors) = &self.colors else { return false };
        let [red, green, blue] = [0, 1, 2].map(|channel| self.grid(|x, y| colors.at(x, y)[channel]));
        if quantile(&red, 2) <= 0.28 {
            return false;
        }
        let channels = red.iter().zip(green.iter().zip(&blue));
        let parts: Vec<[f32; 3]> =
            channels.map(|(red, (green, blue))| srgb_to_lab([*red, *green, *blue])).collect();
        let axis = |axis: usize| parts.iter().map(|part| part[axis]).collect::<Vec<f32>>();
        quantile(&axis(0), 98) > 75.0 && quantile(&axis(2), 2) > 5.0
    }

    /// Text: much paper of one level, and small dark strokes, across and down, in many places.
    fn is_text(&self) -> bool {
        let points: Vec<f32> = (0..POINTS * POINTS)
            .map(|point| self.at(point % POINTS * self.width / POINTS, point / POINTS * self.height / POINTS))
            .collect();
        let (darkest, paper) = (quantile(&points, 1), quantile(&points, 75));
        let near = points.iter().filter(|point| (**point - paper).abs() < 0.1).count();
        if paper - darkest < 0.25 || near * 100 < 55 * points.len() {
            return false;
        }
        let ink: Vec<bool> = points.iter().map(|point| *point < f32::midpoint(paper, darkest)).collect();
        let blocks = POINTS / BLOCK;
        let written = (0..blocks * blocks).filter(|block| is_written(&ink, block % blocks, block / blocks));
        written.count() * 10 > 4 * blocks * blocks
    }
}

/// Whether ink and paper alternate in a block, across and down, and most of it is paper.
fn is_written(ink: &[bool], column: usize, row: usize) -> bool {
    let (mut dark, mut across, mut down) = (0, 0, 0);
    for y in row * BLOCK..(row + 1) * BLOCK {
        for x in column * BLOCK..(column + 1) * BLOCK {
            let here = ink[y * POINTS + x];
            dark += usize::from(here);
            across += usize::from(x + 1 < POINTS && here != ink[y * POINTS + x + 1]);
            down += usize::from(y + 1 < POINTS && here != ink[(y + 1) * POINTS + x]);
        }
    }
    let all = BLOCK * BLOCK;
    across * 25 > all && down * 25 > all && dark * 2 < all
}

/// Photographs are dark rather than light, rougher where they are light, and lighter above: a negative is the opposite.
/// Weights by logistic regression.
fn negativity(grid: &[f32]) -> f32 {
    let third = PARTS / 3 * PARTS;
    let above = mean(&grid[..third]) - mean(&grid[grid.len() - third..]);
    14.0 * (mean(grid) - 0.5) + 3.5 * roughness_follows_level(grid) - 2.3 * above
}

/// Correlation of the logarithm of the parts' standard deviation among their neighbors with the level there.
fn roughness_follows_level(grid: &[f32]) -> f32 {
    let (mut levels, mut roughness) = (Vec::new(), Vec::new());
    for row in 1..PARTS - 1 {
        for column in 1..PARTS - 1 {
            let near: Vec<f32> =
                (0..9).map(|place| grid[(row + place / 3 - 1) * PARTS + column + place % 3 - 1]).collect();
            let mean = mean(&near);
            let variance = near.iter().map(|level| (level - mean) * (level - mean)).sum::<f32>() / 9.0;
            levels.push(mean);
            roughness.push((variance.sqrt() + 0.004).ln());
        }
    }
    correlation(&levels, &roughness)
}

fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        let (one, other) = (one - mean_one, other - mean_other);
        both += one * other;
        ones += one * one;
        others += other * other;
    }
    let scale = (ones * others).sqrt();
    if scale > 1e-6 { both / scale } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "at most 256 x 256 points")]
fn count(points: usize) -> f32 {
    points as f32
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / count(values.len().max(1))
}

/// The value below which `percent` of the values are.
fn quantile(values: &[f32], percent: usize) -> f32 {
    let mut values = values.to_vec();
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    *values.select_nth_unstable_by(place, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use autochrome_loader::PixelFormat;

    use super::*;

    const SIDE: usize = 256;

    fn gray(at: impl Fn(usize, usize) -> u8) -> Picture {
        let pixels = (0..SIDE * SIDE).map(|place| at(place % SIDE, place / SIDE)).collect();
        Picture::new(PixelFormat::Gray8, 256, 256, pixels)
    }

    fn color(at: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
        let pixels = (0..SIDE * SIDE).flat_map(|place| at(place % SIDE, place / SIDE)).collect();
        Picture::new(PixelFormat::Rgb8, 256, 256, pixels)
    }

    fn byte(value: usize) -> u8 {
        u8::try_from(value).unwrap()
    }

    /// A landscape: a smooth light sky over dark, rough ground with light stones.
    fn landscape(x: usize, y: usize) -> u8 {
        match y {
            0..90 => byte(190 + y / 6),
            _ if (x / 8 * 7 + y / 8 * 5).is_multiple_of(4) => byte(60 + (x * 37 + y * 91) % 50),
            _ => byte(20 + (x + y) % 9),
        }
    }

    #[test]
    fn a_landscape_is_a_photograph_and_its_negative_a_negative() {
        assert_eq!(of(&gray(landscape)), None);
        assert_eq!(of(&gray(|x, y| 255 - landscape(x, y))), Some(NEGATIVE));
        let colored =
            of(&color(|x, y| [255 - landscape(x, y), 255 - landscape(x, y), 250 - landscape(x, y).min(250)]));
        assert_eq!(colored, Some(NEGATIVE));
    }

    #[test]
    fn a_page_has_strokes_in_many_places() {
        let stroke = |x: usize, y: usize| y % 12 < 6 && (x * 7 + y / 12 * 3) % 5 < 2 && x % 29 > 3;
        let page = of(&gray(|x, y| if stroke(x, y) { 40 } else { 225 }));
        assert_eq!(page, Some(TEXT));
        // A thing before a white wall is none, nor is a wall with a caption.
        let thing = of(&gray(|x, y| if (80..170).contains(&x) && y > 100 { 60 } else { 225 }));
        assert_ne!(thing, Some(TEXT));
        let caption = of(&gray(|x, y| if y > 230 && stroke(x, y) { 40 } else { 225 }));
        assert_ne!(caption, Some(TEXT));
    }

    #[test]
    fn a_faded_print_is_one_with_color_and_without_black() {
        let print = |black: usize, blue: usize| {
            color(|x, y| {
                let shade = (x * 3 + y * 2) % 150;
                let warm = if y / 32 % 2 == 0 { 25 } else { 0 };
                [byte(black + shade), byte(black + shade - warm), byte(blue + shade / 3 * 2)]
            })
        };
        assert_eq!(of(&print(90, 60)), Some(FADED));
        assert_eq!(of(&print(26, 10)), None, "it has black");
        assert_eq!(of(&print(90, 110)), None, "it has blue");
        let toned =
            of(&color(|x, y| [byte(90 + (x + y) % 150), byte(80 + (x + y) % 150), byte(50 + (x + y) % 150)]));
        assert_eq!(toned, None, "sepia has one color only");
    }

    #[test]
    fn a_small_picture_says_nothing() {
        let small = Picture::new(PixelFormat::Gray8, 63, 64, vec![200; 63 * 64]);
        assert_eq!(of(&small), None);
    }
}
