//! Where an image lies in the plane that the network sees.
//!
//! The idea: **an image keeps its aspect ratio and starts at the plane's top left corner**, so a few pixels more or
//! less move nothing that the network sees. The longer side sets the scale, so a cropped photograph is seen at the
//! same scale as before (docs/research/pixels.md compares other rules). The sides are padded to multiples of 32 with the
//! image's own mirror image, and the network's output there is discarded.

use super::resample::Axis;
use crate::Plane;

/// The plane's sides are multiples of this, which every network accepts.
pub(super) const SIDE_STEP: usize = 32;
/// The shorter side is at least this fraction of the working size, or a panorama would shrink to a thread.
const SHORTEST: f64 = 0.5;
/// Unless that makes the longer side more than this many times the working size.
const LONGEST: f64 = 4.0;

/// An image within the network's plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Pixels of the plane per pixel of the image.
    scale: f64,
    full: (u32, u32),
    seen: (usize, usize),
    padded: (usize, usize),
}

impl Frame {
    /// The frame for an image of `width` x `height` pixels. It keeps the aspect ratio; the longer side is
    /// `working_size`. Beyond 2:1 the shorter side is half of that, and beyond 8:1 the longer side is four times
    /// that.
    #[must_use]
    pub fn new(width: u32, height: u32, working_size: u32) -> Self {
        let full = (width.max(1), height.max(1));
        let (w, h, side) = (f64::from(full.0), f64::from(full.1), f64::from(working_size.max(1)));
        let scale = (side / w.max(h)).max(SHORTEST * side / w.min(h)).min(LONGEST * side / w.max(h));
        Self::scaled(full, scale)
    }

    fn scaled(full: (u32, u32), scale: f64) -> Self {
        let seen = (to_pixels(f64::from(full.0) * scale), to_pixels(f64::from(full.1) * scale));
        let padded = (seen.0.next_multiple_of(SIDE_STEP), seen.1.next_multiple_of(SIDE_STEP));
        Self { scale, full, seen, padded }
    }

    /// The frame in which the image has no more detail than if it had been enlarged `times` times to this one:
    /// smaller by that factor, but no larger than the image.
    pub(super) fn before_enlarging(&self, times: f64) -> Self {
        Self::scaled(self.full, (self.scale / times).min(self.scale.min(1.0)))
    }

    /// Columns and rows of the plane that show the image, starting at the first. The image may end up to half a
    /// pixel before or after the edge of the last one.
    #[must_use]
    pub fn seen(&self) -> (usize, usize) {
        self.seen
    }

    /// Columns and rows of the plane: multiples of 32.
    #[must_use]
    pub fn padded(&self) -> (usize, usize) {
        self.padded
    }

    /// The whole plane, row by row, from the part that shows the image.
    ///
    /// # Panics
    /// If `seen` does not have exactly one value per pixel.
    #[must_use]
    pub fn pad(&self, seen: &[f32]) -> Vec<f32> {
        let (width, height) = self.seen;
        assert_eq!(seen.len(), width * height, "one value per pixel");
        let columns: Vec<usize> = (0..self.padded.0).map(|x| mirror(x, width)).collect();
        let mut plane = Vec::with_capacity(self.padded.0 * self.padded.1);
        for y in 0..self.padded.1 {
            let row = &seen[mirror(y, height) * width..][..width];
            plane.extend(columns.iter().map(|x| row[*x]));
        }
        plane
    }

    /// A plane of `values`, as [`Self::pad`] makes them.
    pub(super) fn plane(&self, values: Vec<f32>) -> Plane {
        Plane::new(self.padded.0, self.padded.1, values).expect("one value per pixel of the plane")
    }

    /// Which of `cells` columns and rows, which divide the plane evenly, shows pixel `at` of the image.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cell of the plane")]
    pub fn cell(&self, at: (u32, u32), cells: (usize, usize)) -> (usize, usize) {
        let (across, down) = self.lines(cells);
        let nearest = |line: Line, at: u32, cells: usize| {
            let place = (line.origin + line.step * f64::from(at)).round();
            (place.max(0.0) as usize).min(cells.saturating_sub(1))
        };
        (nearest(across, at.0, cells.0), nearest(down, at.1, cells.1))
    }

    /// How the image is resampled to its visible part: columns, then rows.
    pub(super) fn axes(&self) -> (Axis, Axis) {
        let axis = |full: u32, seen: usize| Axis::new(full as usize, seen, self.scale);
        (axis(self.full.0, self.seen.0), axis(self.full.1, self.seen.1))
    }

    /// How the visible part of `smaller` is enlarged to this one: columns, then rows.
    pub(super) fn axes_from(&self, smaller: &Self) -> (Axis, Axis) {
        let scale = self.scale / smaller.scale;
        (Axis::new(smaller.seen.0, self.seen.0, scale), Axis::new(smaller.seen.1, self.seen.1, scale))
    }

    /// Where the centers of the image's pixels lie among `cells` that divide the plane evenly, in cells from the
    /// center of the first one: across, then down.
    pub(super) fn lines(&self, cells: (usize, usize)) -> (Line, Line) {
        let line = |padded: usize, cells: usize| {
            let step = self.scale * cells as f64 / padded as f64;
            Line { origin: 0.5 * step - 0.5, step }
        };
        (line(self.padded.0, cells.0), line(self.padded.1, cells.1))
    }
}

/// Positions along an axis: pixel `x` lies at `origin + step * x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) origin: f64,
    pub(super) step: f64,
}

impl Line {
    pub(super) fn at(&self, pixel: usize) -> f64 {
        self.origin + self.step * pixel as f64
    }
}

/// The pixel that position `at` of the plane shows: mirrored at the outer edges of the first and last pixel.
fn mirror(at: usize, len: usize) -> usize {
    let at = at % (2 * len);
    if at < len { at } else { 2 * len - 1 - at }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is within 1..=8192")]
fn to_pixels(side: f64) -> usize {
    side.round().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_keep_the_long_side_and_the_aspect() {
        let frame = |width, height, size| {
            let frame = Frame::new(width, height, size);
            (frame.seen(), frame.padded())
        };
        assert_eq!(frame(4000, 3000, 256), ((256, 192), (256, 192)));
        assert_eq!(frame(3000, 4000, 256), ((192, 256), (192, 256)));
        assert_eq!(frame(3840, 2160, 256), ((256, 144), (256, 160)));
        assert_eq!(frame(4000, 1000, 256), ((512, 128), (512, 128)));
        assert_eq!(frame(100, 100, 256), ((256, 256), (256, 256)));
        assert_eq!(frame(1, 1, 512), ((512, 512), (512, 512)));
        assert_eq!(frame(1, 40_000, 256), ((1, 1024), (32, 1024)));
        assert_eq!(frame(40_000, 1, 32), ((128, 1), (128, 32)));
    }

    #[test]
    fn what_is_missing_is_the_mirror_image() {
        let frame = Frame { scale: 1.0, full: (3, 2), seen: (3, 2), padded: (8, 5) };
        let plane = frame.pad(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let row = |values: [f32; 3]| [0, 1, 2, 2, 1, 0, 0, 1].map(|at| values[at]);
        let (first, second) = (row([1.0, 2.0, 3.0]), row([4.0, 5.0, 6.0]));
        assert_eq!(plane, [first, second, second, first, first].concat());
    }

    #[test]
    fn lines_meet_the_centers_of_pixels() {
        // 8 pixels across 64 of 96 working pixels, in 24 cells of 4: pixel 0 is centered on 4, between cells 0 and
        // 1.
        let frame = Frame { scale: 8.0, full: (8, 4), seen: (64, 32), padded: (96, 32) };
        let (across, down) = frame.lines((24, 32));
        assert_eq!((across.at(0), across.at(1), down.at(0)), (0.5, 2.5, 3.5));
        assert_eq!(frame.cell((1, 3), (24, 8)), (3, 7));
    }

    proptest! {
        #[test]
        fn every_shape_is_kept(width in 1_u32..20_000, height in 1_u32..20_000, size in 32_u32..600) {
            let frame = Frame::new(width, height, size);
            let ((w, h), (pw, ph)) = (frame.seen(), frame.padded());
            // The same scale in both directions, and half a pixel for rounding.
            for (seen, full) in [(w, width), (h, height)] {
                prop_assert!((seen as f64 - frame.scale * f64::from(full)).abs() <= 0.5 || seen == 1);
            }
            prop_assert!(pw.is_multiple_of(32) && ph.is_multiple_of(32) && pw - w < 32 && ph - h < 32);
            prop_assert!(w <= 4 * size as usize && h <= 4 * size as usize);
            prop_assert_eq!(frame.pad(&vec![7.0; w * h]), vec![7.0; pw * ph]);
        }
    }
}
