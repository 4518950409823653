//! A canvas without jagged edges: everything is drawn at twice its size and reduced.
//!
//! The idea: **charts count in their own pixels, and only the canvas knows that each is four**, so lines and
//! letters, which plotters sets to whole pixels, come out smooth and evenly apart.

use std::error::Error;

use image::{RgbImage, imageops};
use plotters::prelude::*;
use plotters::style::{FontDesc, TextStyle};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};

/// Pixels of the canvas to one of the picture, each way.
const SCALE: u32 = 2;

type Inner<'a> = BitMapBackend<'a>;
type Failure<'a> = DrawingErrorKind<<Inner<'a> as DrawingBackend>::ErrorType>;
type Done<'a> = Result<(), Failure<'a>>;

/// A picture of `size` and what `draw` puts on it.
pub(super) fn smooth(
    size: (u32, u32),
    draw: impl FnOnce(Fine<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<RgbImage, Box<dyn Error>> {
    let large = (size.0 * SCALE, size.1 * SCALE);
    let mut canvas = RgbImage::new(large.0, large.1);
    draw(Fine { inner: BitMapBackend::with_buffer(&mut canvas, large), size })?;
    Ok(imageops::thumbnail(&canvas, size.0, size.1))
}

/// The canvas; its pixels are those of the picture.
pub(super) struct Fine<'a> {
    inner: Inner<'a>,
    size: (u32, u32),
}

/// A style with lines as many times wider.
struct Wide<'s, S>(&'s S);

impl<S: BackendStyle> BackendStyle for Wide<'_, S> {
    fn color(&self) -> BackendColor {
        self.0.color()
    }

    fn stroke_width(&self) -> u32 {
        self.0.stroke_width() * SCALE
    }
}

/// The first pixel of the canvas that belongs to one of the picture.
fn first((x, y): BackendCoord) -> BackendCoord {
    (x * SCALE.cast_signed(), y * SCALE.cast_signed())
}

/// The first one after it, where a filled rectangle ends that covers it.
fn beyond((x, y): BackendCoord) -> BackendCoord {
    first((x + 1, y + 1))
}

/// The middle, where lines run.
fn middle(point: BackendCoord) -> BackendCoord {
    let (x, y) = first(point);
    (x + SCALE.cast_signed() / 2, y + SCALE.cast_signed() / 2)
}

fn large<'s, T: BackendTextStyle>(style: &'s T) -> TextStyle<'s> {
    let scale = f64::from(SCALE);
    let font = FontDesc::new(style.family(), style.size() * scale, style.style());
    TextStyle { font: font.transform(style.transform()), color: style.color(), pos: style.anchor() }
}

impl<'a> Fine<'a> {
    /// A line along an axis, which covers whole pixels of the picture: as a path its edges would lie between them.
    fn draw_upright<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done<'a> {
        let more = style.stroke_width().saturating_sub(1).cast_signed();
        let (before, after) = (more / 2, more - more / 2);
        let low = (from.0.min(to.0) - before, from.1.min(to.1) - before);
        let high = (from.0.max(to.0) + after, from.1.max(to.1) + after);
        self.inner.draw_rect(first(low), beyond(high), &style.color(), true)
    }
}

impl<'a> DrawingBackend for Fine<'a> {
    type ErrorType = <Inner<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done<'a> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Done<'a> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Done<'a> {
        self.inner.draw_rect(first(point), beyond(point), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done<'a> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done<'a> {
        if fill {
            return self.inner.draw_rect(first(upper_left), first(bottom_right), style, true);
        }
        let ((left, top), (right, bottom)) = (upper_left, bottom_right);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.draw_path(corners, style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done<'a> {
        let path: Vec<BackendCoord> = path.into_iter().collect();
        let upright = |pair: &[BackendCoord]| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1;
        if !path.windows(2).all(upright) {
            return self.inner.draw_path(path.into_iter().map(middle), &Wide(style));
        }
        path.windows(2).try_for_each(|pair| self.draw_upright(pair[0], pair[1], style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done<'a> {
        self.inner.draw_circle(middle(center), radius * SCALE, &Wide(style), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done<'a> {
        self.inner.fill_polygon(corners.into_iter().map(middle), style)
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, place: BackendCoord) -> Done<'a> {
        self.inner.draw_text(text, &large(style), first(place))
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), Failure<'a>> {
        let (width, height) = self.inner.estimate_text_size(text, &large(style))?;
        Ok((width.div_ceil(SCALE), height.div_ceil(SCALE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of this many pixels.
    fn black(width: u32) -> ShapeStyle {
        Color::stroke_width(&BLACK, width)
    }

    fn drawn(draw: impl FnOnce(&DrawingArea<Fine<'_>, plotters::coord::Shift>)) -> RgbImage {
        let canvas = |canvas: Fine<'_>| {
            let root = canvas.into_drawing_area();
            root.fill(&WHITE)?;
            draw(&root);
            Ok(())
        };
        smooth((20, 20), canvas).unwrap()
    }

    #[test]
    fn upright_lines_and_filled_rectangles_have_sharp_edges() {
        let picture = drawn(|root| {
            root.draw(&PathElement::new([(5, 2), (5, 17)], black(1))).unwrap();
            root.draw(&Rectangle::new([(10, 10), (14, 14)], BLACK.filled())).unwrap();
        });
        let row: Vec<u8> = (0..20).map(|x| picture.get_pixel(x, 12).0[0]).collect();
        let dark: Vec<usize> = (0..20).filter(|&x| row[x] == 0).collect();
        assert_eq!(dark, [5, 10, 11, 12, 13], "{row:?}");
        assert!(row.iter().all(|&value| value == 0 || value == 255), "no gray beside them: {row:?}");
    }

    #[test]
    fn lines_across_are_as_wide_as_asked() {
        for width in [1, 2, 3] {
            let line = PathElement::new([(2, 9), (17, 9)], black(width));
            let picture = drawn(|root| root.draw(&line).unwrap());
            let dark = (0..20).filter(|&y| picture.get_pixel(10, y).0[0] == 0).count();
            let gray = (0..20).filter(|&y| (1..255).contains(&picture.get_pixel(10, y).0[0])).count();
            assert_eq!((dark, gray), (usize::try_from(width).unwrap(), 0));
        }
    }

    #[test]
    fn slanted_lines_have_no_stairs() {
        let picture = drawn(|root| {
            root.draw(&PathElement::new([(1, 3), (18, 12)], black(2))).unwrap();
        });
        assert!(picture.pixels().filter(|pixel| (1..255).contains(&pixel.0[0])).count() > 10);
    }
}
