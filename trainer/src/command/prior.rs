//! `autochrome-trainer prior`: the smoothed prior over the 313 ab bins of a set of photographs (Zhang et al. 2016,
//! section 2.2): the mean soft encoding over every pixel, each photograph weighing the same.

use std::path::PathBuf;

use anyhow::{Context, Result};
use autochrome_models::codec::{Bins2d, Bins2dConfig, Codec, Target, bins2d::BINS};
use autochrome_models::color::srgb_to_lab;
use image::imageops::{self, FilterType};
use rayon::prelude::*;
use tch::{Kind, Tensor};

use crate::data::{self, Selection};
use crate::files::write_whole;

/// Measures the prior over the 313 ab bins.
#[derive(Debug, clap::Args)]
pub struct PriorArgs {
    /// Tar archives or folders of photographs.
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    /// Which of them are used.
    #[command(flatten)]
    pub selection: Selection,
    /// Where to write it: 313 lines.
    #[arg(short, long)]
    pub out: PathBuf,
}

/// Photographs are brought to this side first: the same detail the network is trained on (112 pixels a crop, four
/// pixels a cell).
const SIDE: u32 = 32;

/// Runs the command.
///
/// # Errors
/// The data cannot be read or the file not written.
pub fn run(args: &PriorArgs) -> Result<()> {
    let set = data::open(&args.data, &args.selection)?;
    let parts: Vec<Option<Vec<f64>>> = (0..set.items.len())
        .into_par_iter()
        .map_init(
            || Bins2d::new(&Bins2dConfig::default()),
            |codec, index| {
                let codec = codec.as_ref().map_err(Clone::clone)?;
                set.decode(index).map(|image| histogram(codec, &image)).transpose()
            },
        )
        .collect::<Result<_>>()?;
    let used: Vec<Vec<f64>> = parts.into_iter().flatten().collect();
    let count = f64::from(u32::try_from(used.len())?);
    let prior: Vec<f64> = (0..BINS).map(|bin| used.iter().map(|h| h[bin]).sum::<f64>() / count).collect();
    let names: Vec<String> =
        args.data.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    let mut text = format!(
        "# Prior over the 313 ab bins (mean soft encoding), by rising a, then b; {} photographs of {}.\n",
        used.len(),
        names.join(", ")
    );
    prior.iter().for_each(|p| text.push_str(&format!("{p:.9}\n")));
    write_whole(&args.out, text.as_bytes()).with_context(|| format!("{}", args.out.display()))?;
    let corrupt = set.corrupt();
    println!("{} photographs, {} did not decode: {}", used.len(), corrupt.len(), args.out.display());
    Ok(())
}

fn histogram(codec: &Bins2d, image: &image::RgbImage) -> Result<Vec<f64>> {
    let _no_grad = tch::no_grad_guard();
    let small = imageops::resize(image, SIDE, SIDE, FilterType::Triangle);
    let lab = small.pixels().map(|pixel| srgb_to_lab(pixel.0.map(|v| f32::from(v) / 255.0)));
    let ab: Vec<f32> = lab.flat_map(|[_, a, b]| [a, b]).collect();
    let side = i64::from(SIDE);
    let ab = Tensor::f_from_slice(&ab)?.f_view([1, side, side, 2])?.f_permute([0, 3, 1, 2])?;
    let Target::Bins { index, share, .. } = codec.encode(&ab)? else {
        anyhow::bail!("the codec has no bins");
    };
    let mut sums = Tensor::f_zeros([i64::try_from(BINS)?], (Kind::Double, tch::Device::Cpu))?;
    let flat = share.f_reshape([-1])?.f_to_kind(Kind::Double)?;
    let _ = sums.f_index_add_(0, &index.f_reshape([-1])?, &flat)?;
    Ok(Vec::<f64>::try_from(sums.f_div_scalar(side * side)?)?)
}
