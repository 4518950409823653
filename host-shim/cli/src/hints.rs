//! `--hints` and `--hint`: colors that a person knows, as a picture of the photograph's size.
//!
//! The idea: **a hint is a picture, wherever it comes from**: painted in an editor over the photograph, or a disc that
//! is drawn here. What follows from it is the plugin's business.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use autochrome_loader::PixelFormat;
use walkdir::WalkDir;

use crate::args::Colorize;
use crate::decode;
use crate::picture::Picture;
use crate::plan::{Item, UsageError};
use crate::stop::Stop;

/// Ends the stem of a file with hints in a folder: NAME.hints.png.
const SUFFIX: &str = ".hints";
/// A disc's radius is the photograph's longer side divided by this.
const DISC: u32 = 160;

/// A color at a place, as `--hint` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    x: u32,
    y: u32,
    rgb: [u8; 3],
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = || {
            let (place, color) = text.split_once("=#")?;
            let (x, y) = place.split_once(',')?;
            let hex = color.len() == 6 && color.bytes().all(|digit| digit.is_ascii_hexdigit());
            let rgb = u32::from_str_radix(color, 16).ok().filter(|_| hex)?;
            let [_, r, g, b] = rgb.to_be_bytes();
            Some(Self { x: x.parse().ok()?, y: y.parse().ok()?, rgb: [r, g, b] })
        };
        parsed().ok_or_else(|| {
            "expected X,Y=#RRGGBB, such as 420,310=#1E3C78; pixels are counted from 0,0".into()
        })
    }
}

/// Checks that every hint belongs to a photograph, takes pictures of hints out of the photographs, and returns the
/// pictures that must not be overwritten.
///
/// # Errors
/// [`UsageError`].
pub fn plan(args: &Colorize, items: &mut Vec<Item>) -> Result<Vec<PathBuf>, UsageError> {
    let path = args.hints.as_deref();
    if let Some(path) = path.filter(|path| !path.exists()) {
        return Err(UsageError(format!("--hints {}: no such file or folder", path.display())));
    }
    let folder = path.filter(|path| path.is_dir());
    if let Some(folder) = folder {
        items.retain(|item| !is_hints(&item.input));
        return belonging(args, folder, items);
    }
    let option = if args.hint.is_empty() { "--hints" } else { "--hint" };
    if items.len() > 1 && (path.is_some() || !args.hint.is_empty()) {
        return Err(UsageError(format!(
            "{option} is for one photograph, and there are {}; put NAME.hints.png for each into a folder and name it with \
             --hints",
            items.len()
        )));
    }
    Ok(path.map(Path::to_path_buf).into_iter().collect())
}

/// Whether a file is called NAME.hints.EXT.
fn is_hints(path: &Path) -> bool {
    path.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.ends_with(SUFFIX))
}

/// The pictures of hints in `folder`, each of which belongs to one of the photographs.
fn belonging(args: &Colorize, folder: &Path, items: &[Item]) -> Result<Vec<PathBuf>, UsageError> {
    let expected: HashSet<PathBuf> =
        items.iter().filter_map(|item| place(args, folder, &item.input)).collect();
    let (mut found, mut strays) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            UsageError(format!("--hints {}: cannot be listed: {error}", folder.display()))
        })?;
        match entry.into_path() {
            path if expected.contains(&path) => found.push(path),
            path if is_hints(&path) && path.is_file() => strays.push(path),
            _ => {}
        }
    }
    let more =
        |rest: &[PathBuf]| if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    match (strays.as_slice(), found.is_empty()) {
        ([first, rest @ ..], _) => Err(UsageError(format!(
            "no photograph belongs to the hints {}{}; expected NAME{SUFFIX}.png at the place of NAME below {}",
            first.display(),
            more(rest),
            folder.display()
        ))),
        ([], true) => Err(UsageError(format!(
            "--hints {}: there is no NAME{SUFFIX}.png for any of the photographs",
            folder.display()
        ))),
        ([], false) => Ok(found),
    }
}

/// Where the hints for `input` lie in `folder`: below it as the photograph lies below the folder that was named.
fn place(args: &Colorize, folder: &Path, input: &Path) -> Option<PathBuf> {
    let mut name = input.file_stem()?.to_os_string();
    name.push(SUFFIX);
    name.push(".png");
    let below = args.inputs.iter().find_map(|root| input.strip_prefix(root).ok()?.parent());
    Some(folder.join(below.unwrap_or(Path::new(""))).join(name))
}

/// The hints for a photograph of this size, in a file of `pages` pictures, if it has any.
///
/// # Errors
/// The picture of hints cannot be read, or a point lies outside.
pub fn of(
    args: &Colorize,
    input: &Path,
    size: (u32, u32),
    pages: usize,
    stop: &Stop,
) -> anyhow::Result<Option<Picture>> {
    let file = args.hints.as_deref().and_then(|path| match path.is_dir() {
        true => place(args, path, input).filter(|path| path.exists()),
        false => Some(path.to_path_buf()),
    });
    if pages > 1 && (file.is_some() || !args.hint.is_empty()) {
        bail!("hints are for one picture, and the file has {pages} pages; split it");
    }
    let painted =
        file.map(|file| read(args, &file, size, stop).with_context(|| format!("hints {}", file.display())));
    let painted = painted.transpose()?;
    if args.hint.is_empty() {
        return Ok(painted);
    }
    let empty =
        || Picture::new(PixelFormat::Rgba8, size.0, size.1, vec![0; 4 * size.0 as usize * size.1 as usize]);
    let mut hints = painted.unwrap_or_else(empty);
    args.hint.iter().try_for_each(|point| draw(point, &mut hints))?;
    Ok(Some(hints))
}

fn read(args: &Colorize, file: &Path, size: (u32, u32), stop: &Stop) -> anyhow::Result<Picture> {
    let mut pages = decode::open(file, &args.limits(), stop)?;
    if pages.count != 1 {
        bail!("it has {} pages, expected one picture", pages.count);
    }
    let page = pages.pages.next().unwrap_or_else(|| Err(anyhow!("it has no picture")))?;
    let (picture, _) = decode::settle(page);
    if !picture.alpha {
        bail!("it has no transparency, expected strokes on a transparent picture");
    }
    if (picture.width, picture.height) != size {
        bail!(
            "it is {} x {} pixels, expected the photograph's {} x {}",
            picture.width,
            picture.height,
            size.0,
            size.1
        );
    }
    Ok(picture)
}

/// Draws a point as a disc.
fn draw(point: &Point, hints: &mut Picture) -> anyhow::Result<()> {
    let Picture { format, width, height, .. } = *hints;
    let &Point { x, y, rgb: [r, g, b] } = point;
    if x >= width || y >= height {
        bail!(
            "--hint {x},{y}: the photograph is {width} x {height}, so its last pixel is {},{}",
            width - 1,
            height - 1
        );
    }
    let rgba = [r, g, b, u8::MAX];
    let pixel: Vec<u8> = match format {
        PixelFormat::Rgba16 => {
            rgba.iter().flat_map(|value| (u16::from(*value) * 257).to_ne_bytes()).collect()
        }
        PixelFormat::RgbaF32 => {
            rgba.iter().flat_map(|value| (f32::from(*value) / 255.0).to_ne_bytes()).collect()
        }
        _ => rgba.to_vec(),
    };
    let radius = width.max(height) / DISC;
    for v in y.saturating_sub(radius)..=(y + radius).min(height - 1) {
        for u in x.saturating_sub(radius)..=(x + radius).min(width - 1) {
            let (dx, dy) = (u64::from(u.abs_diff(x)), u64::from(v.abs_diff(y)));
            if dx * dx + dy * dy <= u64::from(radius) * u64::from(radius) {
                let at = (v as usize * width as usize + u as usize) * pixel.len();
                hints.pixels[at..at + pixel.len()].copy_from_slice(&pixel);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_drawn_as_discs() {
        let point: Point = "10,20=#1e3C78".parse().unwrap();
        assert_eq!(point, Point { x: 10, y: 20, rgb: [0x1E, 0x3C, 0x78] });
        for wrong in [
            "",
            "1,2",
            "1,2=#12345",
            "1,2=#1234567",
            "1,2=123456",
            "1,2=#+12345",
            "-1,2=#123456",
            "1=#123456",
        ] {
            assert!(wrong.parse::<Point>().is_err(), "{wrong}");
        }
        let mut hints = Picture::new(PixelFormat::Rgba8, 320, 200, vec![0; 4 * 320 * 200]);
        draw(&point, &mut hints).unwrap();
        let drawn: Vec<usize> = (0..320 * 200).filter(|at| hints.pixels[4 * at + 3] == 255).collect();
        assert_eq!(drawn.len(), 13, "a disc of radius 2");
        assert!(drawn.contains(&(20 * 320 + 10)));
        let outside = Point { x: 320, ..point };
        let said = draw(&outside, &mut hints).unwrap_err().to_string();
        assert_eq!(said, "--hint 320,20: the photograph is 320 x 200, so its last pixel is 319,199");
    }

    #[test]
    fn hints_are_known_by_name() {
        assert!(is_hints(Path::new("a/b.hints.png")) && is_hints(Path::new("b.hints.tif")));
        assert!(!is_hints(Path::new("a/b.png")) && !is_hints(Path::new("a.hints/b.png")));
    }
}
