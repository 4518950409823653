//! The command line, as clap reads it and as its help, completions and man page tell it.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use autochrome_loader::limits::{MAX_THREADS, STRENGTHS, TEMPERATURES, WORKING_SIZES, words};
use autochrome_loader::{Config, Params};
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};

use crate::codec::{self, Codec, Limits};
use crate::plan::Naming;

/// Colorizes photographs.
///
/// JPEG, PNG, TIFF, WebP, JPEG XL, BMP and PNM are read; the output's extension, or --format, says what is written.
/// Lightness, size, transparency, bit depth, pages and what the file says of its photograph are kept as far as the
/// output's format can hold them, and the photograph is turned upright.
#[derive(Debug, Parser)]
#[command(
    name = "autochrome",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = "A file called like a command is given as ./models.\n\
        Exit status: 0 all done, 1 something failed, 2 wrong command line, 130 interrupted.\n\
        This software is based in part on the work of the Independent JPEG Group."
)]
pub struct Cli {
    /// What to do other than to colorize.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to colorize, and how.
    #[command(flatten)]
    pub colorize: Colorize,
}

/// What to do other than to colorize.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the models, the default one first, and why others cannot be used
    Models(Look),
    /// Say what is found - plugin, models, device - and try it on a small picture
    Doctor(Look),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// How the commands that only look are asked.
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
    /// Folder to look for models in before the usual ones; may be repeated
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
    /// Photographs, and folders of them (searched to the bottom; hidden files are left out)
    #[arg(value_name = "IN", required = true)]
    pub inputs: Vec<PathBuf>,

    /// File or folder to write; a folder's tree is kept. Default for a single file: NAME-color.EXT beside it
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,

    /// Model to use, as `autochrome models` lists it
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,

    #[command(flatten)]
    pub folders: Folders,

    /// Factor on the color's strength, 0 (gray) to 1.5
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = strength)]
    pub strength: f32,

    /// Temperature of the prediction, 0 (vivid) to 1 (muted) [default: the model's own]
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub temperature: Option<f32>,

    /// Size the network works at, in pixels, 32 to 2048 [default: the model's own]
    #[arg(long, value_name = "PIXELS", value_parser = whole(WORKING_SIZES))]
    pub working_size: Option<u32>,

    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: String,

    /// Threads for each file; 0 shares all of the machine's among the files at once
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=MAX_THREADS))]
    pub threads: u32,

    /// Files at once; each takes its own memory for the model
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,

    /// Format to write, whatever the names say: jpg, png, tif, webp, bmp or ppm
    #[arg(long, value_name = "EXT", value_parser = format)]
    pub format: Option<&'static Codec>,

    /// Replace outputs that exist; an input is never replaced
    #[arg(long)]
    pub overwrite: bool,

    /// Leave out photographs that have colors already; a toned one, such as sepia, has none
    #[arg(long)]
    pub skip_color: bool,

    /// Also write how sure the model is, black to white, as NAMESUFFIX.png beside each output
    #[arg(long, value_name = "SUFFIX", allow_hyphen_values = true, value_parser = crate::confidence::suffix)]
    pub confidence: Option<String>,

    /// Tell how sure the model is of each result, 0 to 1; with --json as "confidence". --confidence tells it too
    #[arg(long)]
    pub sure: bool,

    /// Quality of JPEG outputs, 1 to 100; other formats are lossless
    #[arg(long, value_name = "Q", default_value_t = 92, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,

    /// Write the colors alone, as a layer to lay over the photograph in the mode "LCh Color"; PNG unless told
    #[arg(long)]
    pub color_only: bool,

    /// Tell the N dominant colors of each result; with --json as "palette"
    #[arg(
        long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "6",
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    pub palette: Option<u16>,

    /// Write no note into the file that its colors are predicted
    #[arg(long)]
    pub no_provenance: bool,

    /// Refuse larger pictures, as a damaged header can claim any size; k, M and G are thousands, millions, billions
    #[arg(long, value_name = "N", default_value = "500M", value_parser = pixels)]
    pub max_pixels: u64,

    /// The same in millions, as it was called before
    #[arg(long, value_name = "N", hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_megapixels: Option<u32>,

    /// Print one JSON object for each file and one for the whole to stdout
    #[arg(long)]
    pub json: bool,

    /// Say more: a line for each file, model, device
    #[arg(short, long)]
    pub verbose: bool,
}

impl Colorize {
    /// As the plugin takes it, with `threads` settled.
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

    /// How outputs are called.
    pub fn naming(&self) -> Naming {
        match self.color_only {
            // A layer needs transparency and no loss: PNG, unless another format is asked for.
            true => Naming { format: self.format.or(self.layer_format()), suffix: "-color-layer" },
            false => Naming { format: self.format, suffix: "-color" },
        }
    }

    /// PNG for layers, unless the one output's name says another format.
    fn layer_format(&self) -> Option<&'static Codec> {
        let named = self.output.as_deref().and_then(codec::by_extension);
        if named.is_some() { None } else { Some(codec::fallback()) }
    }

    /// With several files at once, each gets its share of the machine.
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
fn format(text: &str) -> Result<&'static Codec, String> {
    let codec = codec::by_name(text).filter(|codec| codec.write.is_some());
    codec.ok_or_else(|| format!("expected one of {}, without its dot", codec::written_extensions()))
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
