//! The command line, as clap reads it and as its help, completions and man page describe it.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use autochrome_loader::limits::{MAX_THREADS, STRENGTHS, TEMPERATURES, WORKING_SIZES, words};
use autochrome_loader::{Config, Params};
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};

use crate::format::{self, Format, Limits};
use crate::hints::Point;
use crate::plan::Naming;

/// Colorizes black-and-white photographs
#[derive(Debug, Parser)]
#[command(
    name = "autochrome",
    version,
    about = ABOUT,
    long_about = long_about(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = "To colorize a file that is named like a command, write ./models.\n\
        Exit status: 0 all done, 1 something failed, 2 invalid command line, 130 interrupted.\n\
        This software is based in part on the work of the Independent JPEG Group."
)]
pub struct Cli {
    /// What to do instead of colorizing.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to colorize, and how.
    #[command(flatten)]
    pub colorize: Colorize,
}

const ABOUT: &str = "Colorizes black-and-white photographs";

/// What `--help` says first; the formats are those of the table.
fn long_about() -> String {
    format!(
        "{ABOUT}\n\n\
         Reads {}; the output's extension, or --format, selects the format to write. Lightness, size, transparency, \
         bit depth, pages and metadata are preserved as far as that format allows, and the photograph is rotated \
         upright.",
        format::names("and")
    )
}

/// What to do instead of colorizing.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the models, the default first, and why others cannot be used
    Models(Look),
    /// Check the installation (plugin, models, device) by colorizing a small test picture
    Doctor(Look),
    /// Print the formats: which kinds are read, and what is written
    Formats,
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Options of the commands that only report.
#[derive(Debug, Args)]
pub struct Look {
    #[command(flatten)]
    pub folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Where models are.
#[derive(Debug, Args)]
pub struct Folders {
    /// Folder to search for models before the usual ones; repeatable
    #[arg(long = "models-dir", value_name = "DIR")]
    pub models_dirs: Vec<PathBuf>,
}

impl Folders {
    /// As the plugin takes it.
    pub fn config(&self) -> Config {
        Config { models_dirs: self.models_dirs.clone() }
    }
}

/// What to colorize, and how.
#[derive(Debug, Args)]
pub struct Colorize {
    /// Photographs, or folders of them (searched recursively; hidden files are skipped)
    #[arg(value_name = "IN", required = true)]
    pub inputs: Vec<PathBuf>,

    /// Output file or folder; the structure of folders is kept. Default for a single file: NAME-color.EXT beside it
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,

    /// Model to use, as listed by `autochrome models`
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,

    #[command(flatten)]
    pub folders: Folders,

    /// Color strength, 0 (gray) to 1.5
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = strength)]
    pub strength: f32,

    /// Prediction temperature, 0 (vivid) to 1 (muted) [default: the model's own]
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub temperature: Option<f32>,

    /// Size the network works at, in pixels, 32 to 2048 [default: the model's own]
    #[arg(long, value_name = "PIXELS", value_parser = whole(WORKING_SIZES))]
    pub working_size: Option<u32>,

    /// Device to run on: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: String,

    /// Threads per file; 0 divides all cores among the jobs
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=MAX_THREADS))]
    pub threads: u32,

    /// Files to process in parallel; each needs its own memory for the model
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,

    /// Format to write, regardless of file names, by its extension
    #[arg(
        long, value_name = "EXT", value_parser = written_format,
        help = format!("Format to write, regardless of file names: {}", format::written_extensions(""))
    )]
    pub format: Option<&'static Format>,

    /// Overwrite existing outputs; inputs are never overwritten
    #[arg(long)]
    pub overwrite: bool,

    /// Go on where an earlier run stopped: what is done and unchanged is left alone. Reads and writes the manifest
    /// .autochrome-manifest.jsonl in the output folder, or that of --manifest
    #[arg(long)]
    pub resume: bool,

    /// Add a line for each file to FILE: hashes of photograph, result and weights, options, versions, device
    #[arg(long, value_name = "FILE.jsonl")]
    pub manifest: Option<PathBuf>,

    /// Skip photographs that already have color; toned ones, such as sepia, are colorized
    #[arg(long)]
    pub skip_color: bool,

    /// Report the model's mean confidence in each result, 0 to 1; with SUFFIX, also write a map of it, black to white,
    /// as NAMESUFFIX.png beside each output
    #[arg(long, value_name = "SUFFIX", require_equals = true, value_parser = suffix)]
    pub confidence: Option<Option<String>>,

    /// Former name of --confidence
    #[arg(long, hide = true)]
    pub sure: bool,

    /// Colors that you know: a picture of the photograph's size with strokes on transparency, or a folder with
    /// NAME.hints.png for each photograph that has hints
    #[arg(long, value_name = "PATH", conflicts_with_all = ["resume", "manifest"])]
    pub hints: Option<PathBuf>,

    /// A color that you know, as X,Y=#RRGGBB: a disc around that pixel of the photograph; repeatable
    #[arg(long, value_name = "HINT", conflicts_with_all = ["resume", "manifest"])]
    pub hint: Vec<Point>,

    /// JPEG quality, 1 to 100; other formats are lossless
    #[arg(long, value_name = "Q", default_value_t = 92, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,

    /// Write only the colors, as a layer to place over the photograph in the mode "LCh Color"; PNG by default
    #[arg(long)]
    pub color_only: bool,

    /// Report the N dominant colors of each result, 6 by default
    #[arg(
        long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "6",
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    pub palette: Option<u16>,

    /// Do not note in the metadata that the colors are predicted
    #[arg(long)]
    pub no_provenance: bool,

    /// Refuse larger pictures, since a damaged header can claim any size; k, M and G stand for thousands, millions and
    /// billions
    #[arg(long, value_name = "N", default_value = "500M", value_parser = pixels)]
    pub max_pixels: u64,

    /// --max-pixels in millions, its former name
    #[arg(long, value_name = "N", hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_megapixels: Option<u32>,

    /// Print JSON to stdout: one object per file, then a summary
    #[arg(long)]
    pub json: bool,

    /// Print more: each file, the model and the device
    #[arg(short, long)]
    pub verbose: bool,
}

impl Colorize {
    /// As the plugin takes it, with the cores divided among the jobs.
    pub fn params(&self) -> Params {
        Params {
            working_size: self.working_size.unwrap_or(0),
            strength: self.strength,
            temperature: self.temperature,
            threads: self.threads_per_job(),
            model: self.model.clone(),
            device: Some(self.device.clone()),
        }
    }

    /// How large a picture may be.
    pub fn limits(&self) -> Limits {
        let millions = self.max_megapixels.map(|millions| u64::from(millions) * 1_000_000);
        Limits { max_pixels: millions.unwrap_or(self.max_pixels) }
    }

    /// How outputs are named.
    pub fn naming(&self) -> Naming<'_> {
        let (format, suffix) = match self.color_only {
            // A layer needs transparency and no loss: PNG, unless another format is asked for.
            true => (self.format.or(self.layer_format()), "-color-layer"),
            false => (self.format, "-color"),
        };
        Naming { format, suffix, map: self.confidence.as_ref().and_then(Option::as_deref) }
    }

    /// Whether the model's confidence is requested, as a number or as a map.
    pub fn reports_confidence(&self) -> bool {
        self.sure || self.confidence.is_some()
    }

    /// PNG for layers, unless the one output's name says another format.
    fn layer_format(&self) -> Option<&'static Format> {
        let named = self.output.as_deref().and_then(format::by_extension);
        if named.is_some() { None } else { Some(format::fallback()) }
    }

    /// With several files in parallel, each gets its share of the cores.
    fn threads_per_job(&self) -> u32 {
        if self.threads > 0 || self.jobs == 1 {
            return self.threads;
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        u32::try_from(cores).map_or(1, |cores| (cores / u32::from(self.jobs)).max(1))
    }
}

/// A number in a range.
fn between(text: &str, range: &RangeInclusive<f32>) -> Result<f32, String> {
    match f32::from_str(text) {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {}", words(range))),
    }
}

fn strength(text: &str) -> Result<f32, String> {
    between(text, &STRENGTHS)
}

fn temperature(text: &str) -> Result<f32, String> {
    between(text, &TEMPERATURES)
}

/// A whole number in a range.
fn whole(range: RangeInclusive<u32>) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*range.start())..=i64::from(*range.end()))
}

/// A format that is written, by the extension of its files.
fn written_format(text: &str) -> Result<&'static Format, String> {
    let format = format::by_name(text).filter(|format| format.write.is_some());
    format.ok_or_else(|| format!("expected {}", format::written_extensions("")))
}

/// A suffix of a file's name, without folders.
fn suffix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('/') {
        return Err("expected a suffix for the output's name, such as -confidence".into());
    }
    Ok(text.to_owned())
}

/// A number of pixels: digits, and k, M or G.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range first")]
fn pixels(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text[..at], 1e6),
        Some((at, 'g' | 'G')) => (&text[..at], 1e9),
        _ => (text, 1.0),
    };
    match f64::from_str(digits).map(|number| number * factor) {
        Ok(number) if (1.0..=1e15).contains(&number) => Ok(number as u64),
        _ => Err("expected a number of pixels, such as 250000000, 250M or 0.25G".into()),
    }
}

fn device(text: &str) -> Result<String, String> {
    let known = matches!(text, "auto" | "cpu" | "cuda")
        || text.strip_prefix("cuda:").is_some_and(|index| index.parse::<u16>().is_ok());
    if known { Ok(text.into()) } else { Err("expected auto, cpu, cuda or cuda:N".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn pixels_are_counted_in_several_units() {
        for (text, expected) in
            [("500M", 500_000_000), ("12345", 12_345), ("1.5k", 1500), ("0.25G", 250_000_000)]
        {
            assert_eq!(pixels(text), Ok(expected));
        }
        for text in ["", "M", "-1", "0", "1e30", "NaN", "5T"] {
            assert!(pixels(text).is_err(), "{text}");
        }
        let limits = |args: &[&str]| Cli::try_parse_from(args).unwrap().colorize.limits().max_pixels;
        assert_eq!(limits(&["autochrome", "a.jpg"]), 500_000_000);
        assert_eq!(limits(&["autochrome", "a.jpg", "--max-megapixels", "3"]), 3_000_000);
    }

    #[test]
    fn confidence_is_a_number_and_with_a_suffix_a_map() {
        let parsed = |args: &[&str]| Cli::try_parse_from(args).map(|cli| cli.colorize);
        let asked = |flag| {
            let colorize = parsed(&["autochrome", "a.jpg", flag]).unwrap();
            (colorize.reports_confidence(), colorize.naming().map.map(str::to_owned))
        };
        assert_eq!(asked("--json"), (false, None));
        assert_eq!(asked("--confidence"), (true, None));
        assert_eq!(asked("--sure"), (true, None));
        assert_eq!(asked("--confidence=-map"), (true, Some("-map".into())));
        for wrong in ["--confidence=", "--confidence=../x"] {
            assert!(parsed(&["autochrome", "a.jpg", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_and_commands_stand_side_by_side() {
        let cli = Cli::try_parse_from(["autochrome", "a.jpg", "-o", "b.jpg"]).unwrap();
        assert!(cli.command.is_none() && cli.colorize.inputs == [PathBuf::from("a.jpg")]);
        let cli = Cli::try_parse_from(["autochrome", "models", "--json"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Models(look)) if look.json));
        let cli = Cli::try_parse_from(["autochrome", "./models"]).unwrap();
        assert!(cli.command.is_none() && cli.colorize.inputs == [PathBuf::from("./models")]);
        assert!(Cli::try_parse_from(["autochrome", "-o", "b.jpg"]).is_err());
    }
}
