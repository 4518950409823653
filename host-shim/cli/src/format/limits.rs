//! How large a picture may be: checked before memory is allocated for it.

use anyhow::bail;

/// How large a picture may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pixels of one picture.
    pub max_pixels: u64,
}

impl Limits {
    /// Refuses an empty picture, and one larger than allowed.
    pub fn size(&self, width: u32, height: u32) -> anyhow::Result<()> {
        if width == 0 || height == 0 {
            bail!("the picture is {width} x {height} pixels, expected at least 1 x 1");
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            bail!(
                "the picture claims {width} x {height} pixels, {}, more than the limit of {}; if it really is \
                 that large, raise the limit with --max-pixels",
                millions(pixels),
                millions(self.max_pixels)
            );
        }
        Ok(())
    }

    /// Refuses a size that `length` bytes cannot hold, at `most` pixels per byte.
    pub fn holds(name: &str, width: u32, height: u32, length: u64, most: u64) -> anyhow::Result<()> {
        if u64::from(width) * u64::from(height) > length.saturating_mul(most) {
            bail!(
                "the {name} claims {width} x {height} pixels, which its {length} bytes cannot hold: it is \
                 truncated or damaged"
            );
        }
        Ok(())
    }

    /// Memory a decoder may take: 16 bytes (RGBA of floats) for each pixel allowed, and some for its tables.
    pub fn memory(&self) -> usize {
        usize::try_from(self.max_pixels).unwrap_or(usize::MAX).saturating_mul(16).saturating_add(64 << 20)
    }
}

fn millions(pixels: u64) -> String {
    if pixels < 1_000_000 {
        return pixels.to_string();
    }
    let tenths = pixels.div_ceil(100_000);
    if tenths.is_multiple_of(10) {
        format!("{} million", tenths / 10)
    } else {
        format!("{}.{} million", tenths / 10, tenths % 10)
    }
}
