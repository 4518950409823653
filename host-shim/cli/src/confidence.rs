//! How sure the model is: a map beside each output, and its mean as one number.
//!
//! The idea: **asked for before the colors**, while the photograph is still as it was read; the plugin remembers what its
//! network said and does not run it again for them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use autochrome_loader::{Image, ImageMut, PixelFormat, Session};

use crate::codec::{self, Options};
use crate::encode::Sink;
use crate::job::Task;
use crate::picture::Picture;

/// Mean over pixels, of every page that is colored.
#[derive(Default)]
pub struct Mean {
    sum: f64,
    pixels: f64,
}

impl Mean {
    /// Takes a map; gives the mean so far, 0 to 1, to four digits.
    pub fn add(&mut self, map: &Picture) -> f64 {
        self.sum += map.pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / 255.0;
        self.pixels += f64::from(map.width) * f64::from(map.height);
        (self.sum / self.pixels * 1e4).round() / 1e4
    }
}

/// `NAME` and the suffix, as PNG, beside the output.
fn beside(output: &Path, suffix: &str) -> PathBuf {
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    name.push(".png");
    output.with_file_name(name)
}

/// Where the map for `output` goes, if one is asked for and may be written.
pub fn path(task: &Task<'_>, output: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(suffix) = &task.args.confidence else { return Ok(None) };
    let path = beside(output, suffix);
    task.plan.may_write(&path, task.args.overwrite).map_err(|problem| anyhow!("{problem}"))?;
    Ok(Some(path))
}

/// The map of a picture, in gray.
pub fn map(task: &Task<'_>, picture: &Picture, session: &mut Session) -> anyhow::Result<Picture> {
    let Picture { format, width, height, ref pixels, .. } = *picture;
    let mut gray = vec![0; pixels.len() / format.bytes_per_pixel()];
    let input = Image::tight(format, width, height, pixels)?;
    let mut output = ImageMut::tight(PixelFormat::Gray8, width, height, &mut gray)?;
    let mut tell = |_| if task.stop.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let result = session.confidence(&task.params, &input, &mut output, &mut tell);
    task.stop.check()?;
    result.context("how sure the model is could not be told")?;
    Ok(Picture::new(PixelFormat::Gray8, width, height, gray))
}

/// The file of the map at `path`.
pub fn sink<'a>(task: &Task<'a>, path: &'a Path) -> anyhow::Result<Sink<'a>> {
    let options = Options { quality: task.args.quality };
    Sink::new(codec::fallback(), path, options, task.args.overwrite, task.stop)
}

/// A suffix that makes another name and not another folder.
pub fn suffix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('/') {
        return Err("expected what is added to the output's name, such as -sure".into());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_counts_every_pixel_alike() {
        let map = |width: u32, value: u8| {
            Picture::new(PixelFormat::Gray8, width, 1, vec![value; usize::try_from(width).unwrap()])
        };
        let mut mean = Mean::default();
        assert_eq!(mean.add(&map(1, 255)), 1.0);
        assert_eq!(mean.add(&map(3, 0)), 0.25);
        assert_eq!(mean.add(&map(2, 51)), 0.2333);
    }

    #[test]
    fn maps_lie_beside_outputs() {
        assert_eq!(beside(Path::new("out/a.b.jpg"), "-sure"), Path::new("out/a.b-sure.png"));
        assert!(suffix("").is_err() && suffix("../x").is_err() && suffix("-sure").is_ok());
    }
}
