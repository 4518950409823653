//! `autochrome-trainer data slice`: photographs as tar archives that are small enough to send, each photograph no
//! larger than training needs it.
//!
//! The idea: **a slice is a data set**. It is a plain tar that training, `eval` and `data check` open like any other,
//! so nothing has to be put together or unpacked where it arrives; and the same photographs give the same bytes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use indicatif::{ProgressBar, ProgressStyle};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rayon::prelude::*;

use super::archive::Slices;
use super::report::Finding;
use crate::data::{self, DataSet, Item, Remark, Screen, Selection};
use crate::files::{self, csv_quoted, grouped};

/// Writes photographs into tar archives of at most a given size, each reduced to the side that training needs.
#[derive(Debug, clap::Args)]
pub struct SliceArgs {
    /// Data sets, of any kind that a configuration may name.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Folder for the slices, photos-000.tar and so on.
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Short side in pixels that larger photographs are reduced to; nothing is enlarged. With MIN..MAX, photographs
    /// whose short side is below MIN are left out.
    #[arg(long, value_name = "SIDE")]
    pub side: Sides,
    /// JPEG quality; colors are stored at full resolution (4:4:4).
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,
    /// Maximum size of a slice in megabytes.
    #[arg(long, default_value_t = 40.0, value_name = "MB", value_parser = megabytes)]
    pub slice_mb: f64,
    /// Writes at most N photographs, taken evenly from the data sets.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Writes one line per skipped photograph.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// What of the data sets is taken.
    #[command(flatten)]
    pub selection: Selection,
}

/// Short sides of photographs, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// Photographs below this are left out.
    pub least: u32,
    /// Photographs above this are reduced to it.
    pub most: u32,
}

impl FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.parse().ok().filter(|side| (16..=4096).contains(side));
        let sides = match text.split_once("..") {
            Some((least, most)) => side(least).zip(side(most)),
            None => side(text).map(|most| (1, most)),
        };
        match sides {
            Some((least, most)) if least <= most => Ok(Sides { least, most }),
            _ => Err("expected a side of 16 to 4096 pixels, or a range such as 176..256".to_owned()),
        }
    }
}

fn megabytes(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.01..=1e5).contains(number));
    number.ok_or_else(|| "expected 0.01 to 100000".to_owned())
}

/// Photographs in memory at once: bounds memory, keeps every core busy between two writes.
const CHUNK: usize = 256;

/// What became of a photograph.
enum Made {
    /// The bytes of a JPEG file.
    File { jpeg: Vec<u8>, reduced: bool },
    /// Why it is left out.
    Skipped(Finding),
}

pub(super) fn run(args: &SliceArgs) -> Result<()> {
    let opened = data::open_each(&args.paths, &args.selection)?;
    let mut set = data::join(opened);
    thin_out(&mut set.items, args.limit);
    let mut slices = Slices::begin(&args.out, args.slice_mb)?;
    let bar = ProgressBar::new(u64::try_from(set.items.len())?);
    let style = "{bar:32} photograph {pos}/{len}  {elapsed} gone, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut told = Told { skipped: known_faults(&set), ..Told::default() };
    for items in set.items.chunks(CHUNK) {
        let made: Vec<Made> = items.par_iter().map(|item| make(item, args)).collect::<Result<_>>()?;
        for (item, made) in items.iter().zip(made) {
            match made {
                Made::File { jpeg, reduced } => {
                    slices.add(&item.name, &jpeg)?;
                    told.photographs += 1;
                    told.reduced += usize::from(reduced);
                }
                Made::Skipped(finding) => told.skipped.push(finding),
            }
        }
        bar.inc(u64::try_from(items.len())?);
    }
    bar.finish_and_clear();
    if told.photographs == 0 {
        bail!("expected at least one usable photograph, found none; `data check` says why");
    }
    (told.slices, told.bytes) = slices.end()?;
    println!("{}: {told}", args.out.display());
    match &args.csv {
        Some(path) => files::write_whole(path, csv(&told.skipped).as_bytes()),
        None => Ok(()),
    }
}

/// Keeps `limit` of the photographs, taken evenly.
fn thin_out(items: &mut Vec<Item>, limit: Option<usize>) {
    let (total, mut index) = (items.len(), 0);
    let Some(limit) = limit.filter(|limit| *limit < total) else { return };
    items.retain(|_| {
        index += 1;
        index * limit / total > (index - 1) * limit / total
    });
}

/// What listing alone found broken.
fn known_faults(set: &DataSet) -> Vec<Finding> {
    let corrupt = set.corrupt().into_iter();
    corrupt.map(|(name, reason)| Finding { name, remark: Remark::Corrupt, reason }).collect()
}

/// Decodes, screens, reduces and encodes a photograph.
///
/// # Errors
/// The encoder refuses a size, which [`Sides`] and the screen rule out.
fn make(item: &Item, args: &SliceArgs) -> Result<Made> {
    let skipped = |remark, reason| Made::Skipped(Finding { name: item.name.clone(), remark, reason });
    let image = match item.decode() {
        Ok(image) => image,
        Err(error) => return Ok(skipped(Remark::Corrupt, format!("{error:#}"))),
    };
    let screen = Screen { min_side: args.side.least.max(Screen::TRAINING.min_side), ..Screen::TRAINING };
    if let Some((remark, reason)) = screen.fault(&image) {
        return Ok(skipped(remark, reason));
    }
    let small = reduce(&image, args.side.most);
    let jpeg = encode(small.as_ref().unwrap_or(&image), args.quality)?;
    let reduced = small.is_some();
    if !reduced && let Some(jpeg) = already_small(item, jpeg.len()) {
        return Ok(Made::File { jpeg, reduced });
    }
    Ok(Made::File { jpeg, reduced })
}

/// The photograph with a short side of `most` pixels, where its own is longer.
fn reduce(image: &RgbImage, most: u32) -> Option<RgbImage> {
    let (width, height) = image.dimensions();
    let short = width.min(height);
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(most) + u64::from(short) / 2) / u64::from(short);
        u32::try_from(side).unwrap_or(u32::MAX).max(most)
    };
    (short > most).then(|| imageops::resize(image, scaled(width), scaled(height), FilterType::Lanczos3))
}

fn encode(image: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    encoder.encode(
        image.as_raw(),
        u16::try_from(image.width())?,
        u16::try_from(image.height())?,
        ColorType::Rgb,
    )?;
    Ok(jpeg)
}

/// The file as it is, where it is a JPEG that another encoding would make no smaller, only worse.
fn already_small(item: &Item, encoded: usize) -> Option<Vec<u8>> {
    let bytes = item.bytes().ok().filter(|bytes| bytes.len() <= encoded)?;
    (image::guess_format(&bytes).ok()? == ImageFormat::Jpeg).then_some(bytes)
}

/// What was made, for people.
#[derive(Default)]
struct Told {
    slices: usize,
    bytes: u64,
    photographs: usize,
    reduced: usize,
    skipped: Vec<Finding>,
}

/// At most this many are named on the terminal.
const MOST_NAMED: usize = 20;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [photographs, reduced, skipped] =
            [self.photographs, self.reduced, self.skipped.len()].map(grouped);
        write!(
            f,
            "{photographs} photographs in {} slice{}, {} bytes",
            self.slices,
            if self.slices == 1 { "" } else { "s" },
            grouped(self.bytes)
        )?;
        write!(f, "; {reduced} reduced, {skipped} skipped")?;
        for Finding { name, remark, reason } in self.skipped.iter().take(MOST_NAMED) {
            write!(f, "\n  {name}: {}: {reason}", remark.name())?;
        }
        match self.skipped.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            more => write!(f, "\n  and {} more; --csv names all", grouped(more)),
        }
    }
}

fn csv(skipped: &[Finding]) -> String {
    let line = |Finding { name, remark, reason }: &Finding| {
        format!("{},{},{}\n", csv_quoted(name), remark.name(), csv_quoted(reason))
    };
    "name,remark,reason\n".to_owned() + &skipped.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_a_number_or_a_range() {
        assert_eq!("256".parse(), Ok(Sides { least: 1, most: 256 }));
        assert_eq!("176..256".parse(), Ok(Sides { least: 176, most: 256 }));
        for wrong in ["", "8", "256..176", "a..b", "5000", "176.."] {
            assert!(wrong.parse::<Sides>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_photograph_keeps_its_shape_and_is_never_enlarged() {
        let reduced =
            |width, height| reduce(&RgbImage::new(width, height), 100).map(|image| image.dimensions());
        assert_eq!(reduced(400, 300), Some((133, 100)));
        assert_eq!(reduced(101, 2000), Some((100, 1980)));
        assert_eq!(reduced(100, 800), None);
        assert_eq!(reduced(30, 20), None);
    }

    #[test]
    fn a_limit_is_spread_over_all_photographs() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..10 {
            std::fs::write(folder.path().join(format!("{index}.png")), "").unwrap();
        }
        let left = |limit| {
            let mut items = data::open(&[folder.path().to_owned()], &Selection::default()).unwrap().items;
            thin_out(&mut items, limit);
            items.into_iter().map(|item| item.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(Some(3)), "3.png 6.png 9.png");
        assert_eq!(left(Some(10)).len(), left(None).len());
    }
}
