//! Resolution in dots per inch, which TIFF, EXIF, JFIF and PNG each store differently.

/// Dots per inch, along rows and columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    x: f64,
    y: f64,
}

impl Density {
    /// The density after a rotation that turns rows into columns.
    pub fn turned(self) -> Self {
        Self { x: self.y, y: self.x }
    }

    /// From `x` and `y` dots per inch; `None` when they make no sense.
    pub fn per_inch(x: f64, y: f64) -> Option<Self> {
        // Dots per meter are rounded, and no scanner has 299.9994 dots per inch.
        let [x, y] = [x, y].map(|dots| if (dots - dots.round()).abs() < 0.02 { dots.round() } else { dots });
        let right = |dots: f64| (0.01..1e6).contains(&dots);
        (right(x) && right(y)).then_some(Self { x, y })
    }

    /// Dots per unit of so many inches, rounded.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range first"
    )]
    pub fn per(self, inches: f64) -> Option<(u32, u32)> {
        let whole = [self.x, self.y].map(|dots| (dots * inches).round());
        let right = whole.iter().all(|dots| (1.0..f64::from(i32::MAX)).contains(dots));
        right.then_some((whole[0] as u32, whole[1] as u32))
    }

    /// Dots per inch as 16-bit integers.
    pub fn whole(self) -> Option<(u16, u16)> {
        let (x, y) = self.per(1.0)?;
        Some((u16::try_from(x).ok()?, u16::try_from(y).ok()?))
    }

    /// Dots per inch as fractions, as TIFF and EXIF store them: numerator, denominator, in native byte order.
    pub fn fractions(self) -> [Vec<u8>; 2] {
        let (scale, (x, y)) = match (self.whole(), self.per(1000.0)) {
            (Some((x, y)), _) if f64::from(x) == self.x && f64::from(y) == self.y => {
                (1, (x.into(), y.into()))
            }
            (_, Some(thousands)) => (1000, thousands),
            _ => (1, self.per(1.0).unwrap_or((1, 1))),
        };
        [x, y].map(|dots: u32| [dots.to_ne_bytes(), u32::to_ne_bytes(scale)].concat())
    }
}
