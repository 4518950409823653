//! Whether a network's confidence can be trusted: reliability of the likeliest bin over many pixels.

use std::path::PathBuf;

use anyhow::{Result, bail};
use autochrome_models::codec::Bins;
use autochrome_models::colorizer::Distribution;

use super::Machine;
use super::look::{Looker, Seen};
use crate::draw::plot::reliability::{self, Reliability};
use crate::draw::save_png;
use crate::files::write_whole;

/// What is asked of a model over many photographs; `confidence` asks with the same words.
#[derive(Debug, clap::Args)]
pub struct ReliabilityArgs {
    /// Folder of a model package with a distribution (bins1d or bins2d).
    pub(super) package: PathBuf,
    /// Tar archive or folder of photographs.
    #[arg(long, value_name = "PATH")]
    pub(super) data: PathBuf,
    #[command(flatten)]
    pub(super) selection: crate::data::Selection,
    /// The picture.
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Writes the numbers: one line per bin of confidence.
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Uses only the first N photographs.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    #[command(flatten)]
    pub(super) machine: Machine,
}

pub(super) fn run(args: &ReliabilityArgs) -> Result<()> {
    let looker = Looker::load(&args.package, &args.machine)?;
    let data = crate::data::open(std::slice::from_ref(&args.data), &args.selection)?;
    let mut tables: Vec<Reliability> = Vec::new();
    for index in 0..data.items.len().min(args.limit.unwrap_or(usize::MAX)) {
        let Some(photo) = data.decode(index) else { continue };
        let seen = looker.look(&photo)?;
        if tables.is_empty() {
            tables = titles(&seen.raw.bins, looker.tilt()).into_iter().map(Reliability::new).collect();
        }
        count(&mut tables, &seen);
    }
    let corrupt = data.corrupt();
    if tables.is_empty() {
        bail!("expected at least one photograph that decodes, got {} that do not", corrupt.len());
    }
    for (name, reason) in corrupt {
        eprintln!("skipped {name}, which does not decode: {reason}");
    }
    for table in &tables {
        println!("{}: ECE {:.4} over {:.0} cells", table.name, table.ece(), table.pixels());
    }
    if let Some(path) = &args.csv {
        let header = reliability::HEADER.to_owned() + "\n";
        let text = tables.iter().fold(header, |text, table| text + &table.csv());
        write_whole(path, text.as_bytes())?;
    }
    save_png(&reliability::draw(&tables)?, &args.out)
}

/// A title for each table, in the order that [`count`] fills them.
fn titles(bins: &Bins, tilt: f64) -> Vec<String> {
    let raw = match bins {
        Bins::Plane(_) => vec!["bins of ab, T = 1, no tilt".to_owned()],
        Bins::Line(_) => ["a", "b"].map(|channel| format!("bins of {channel}, T = 1")).to_vec(),
    };
    let tilted = (tilt != 0.0).then(|| format!("bins of ab, T = 1, tilt {tilt}"));
    raw.into_iter().chain(tilted).collect()
}

fn count(tables: &mut [Reliability], seen: &Seen) {
    let groups = seen.raw.groups();
    let (raw, tilted) = tables.split_at_mut(groups);
    for (said, tables) in [(&seen.raw, raw), (&seen.tilted, tilted)] {
        for ((group, table), truth) in tables.iter_mut().enumerate().zip(&seen.bins) {
            let cells = likeliest(said, group).into_iter().zip(truth).enumerate();
            for (_, ((bin, confidence), &truth)) in cells.filter(|(cell, _)| seen.is_photograph(*cell)) {
                table.add(f64::from(confidence), bin == truth);
            }
        }
    }
}

/// The likeliest bin of each cell and its probability.
fn likeliest(said: &Distribution, group: usize) -> Vec<(usize, f32)> {
    let (area, bins) = (said.width * said.height, said.bins.len());
    let mut best = vec![(0, f32::NEG_INFINITY); area];
    for (bin, plane) in said.probabilities.chunks_exact(area).skip(group * bins).take(bins).enumerate() {
        for (best, &share) in best.iter_mut().zip(plane) {
            if share > best.1 {
                *best = (bin, share);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use autochrome_pixels::Ab;
    use autochrome_pixels::pipeline::Frame;

    use super::*;

    /// Two cells, two distributions over three bins.
    fn said() -> Distribution {
        let a = [0.2, 0.5, 0.7, 0.3, 0.1, 0.2];
        let b = [0.1, 0.1, 0.1, 0.8, 0.8, 0.1];
        let bins = Bins::Line(vec![-10.0, 0.0, 10.0]);
        Distribution { width: 2, height: 1, bins, probabilities: a.into_iter().chain(b).collect() }
    }

    #[test]
    fn the_likeliest_bin_of_each_cell_in_each_distribution() {
        assert_eq!(likeliest(&said(), 0), [(1, 0.7), (0, 0.5)]);
        assert_eq!(likeliest(&said(), 1), [(2, 0.8), (1, 0.8)]);
        assert_eq!(said().at(1, 0, 0), [0.1, 0.1, 0.8]);
    }

    #[test]
    fn cells_are_counted_against_their_true_bins() {
        let bins = said().bins;
        let made = Ab { width: 2, height: 1, a: vec![0.0; 2], b: vec![0.0; 2] };
        let seen = Seen {
            frame: Frame::new(64, 32, 48),
            raw: said(),
            tilted: said(),
            made,
            truth: Vec::new(),
            bins: vec![vec![1, 2], vec![2, 1]],
        };
        let mut tables: Vec<Reliability> = titles(&bins, 0.0).into_iter().map(Reliability::new).collect();
        assert_eq!(tables.len(), 2);
        count(&mut tables, &seen);
        // a: right at 0.7 and wrong at 0.5, so (0.3 + 0.5) / 2; b: right twice at 0.8.
        assert!((tables[0].ece() - 0.4).abs() < 1e-6 && (tables[1].ece() - 0.2).abs() < 1e-6);
    }
}
