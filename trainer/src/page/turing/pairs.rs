//! Draws the pairs: which photographs, in which order, on which side.
//!
//! The idea: **the two pictures of a pair differ in their color and in nothing else**. Both are reduced by
//! the same filter, encoded by the same encoder at the same quality, and padded to the same number of bytes.

use anyhow::{Context, Result};
use image::{GrayImage, RgbImage};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::{DataSet, Screen, gray_of};
use crate::draw::reduced;
use crate::page::jpeg;

/// Larger pictures are reduced to this side, so that two of them fit on a screen side by side.
const SIDE: u32 = 512;

/// What a photograph must be: a gray one has nothing to tell it from its colorization by but the colorization.
pub const IN_COLOR: Screen = Screen { color: true, min_side: 1 };

/// Where a picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the left.
    Left,
    /// At the right.
    Right,
}

/// A photograph and its colorization as they stand on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The photograph's path inside the data set.
    pub name: String,
    /// JPEG of the picture at the left.
    pub left: Vec<u8>,
    /// JPEG of the picture at the right, of the same length.
    pub right: Vec<u8>,
    /// Where the photograph stands.
    pub real: Side,
}

/// Draws `wanted` photographs, fewer where there are not so many, and colorizes them with `paint`. The pairs come in
/// the order they are shown in.
///
/// Everything is decided by the data, the seed and `paint`. Photographs that do not decode, or that the screen of
/// `data` refuses, are passed over and can be asked of it.
///
/// # Errors
/// `paint` fails, or a picture cannot be encoded.
pub fn draw(
    data: &DataSet,
    wanted: usize,
    seed: u64,
    mut paint: impl FnMut(&GrayImage) -> Result<RgbImage>,
) -> Result<Vec<Pair>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..data.items.len()).collect();
    order.shuffle(&mut rng);
    let mut pairs = Vec::new();
    for index in order {
        if pairs.len() == wanted {
            break;
        }
        let Some(truth) = data.decode(index) else { continue };
        let name = data.items[index].name.clone();
        let output = paint(&gray_of(&truth)).with_context(|| name.clone())?;
        let real = if rng.random_range(0..2) == 0 { Side::Left } else { Side::Right };
        pairs.push(pair(name, &truth, &output, real)?);
    }
    Ok(pairs)
}

fn pair(name: String, truth: &RgbImage, output: &RgbImage, real: Side) -> Result<Pair> {
    let mut truth = jpeg(&reduced(truth, SIDE))?;
    let mut output = jpeg(&reduced(output, SIDE))?;
    // A photograph's colors take more bytes. What follows the end of a JPEG is ignored by its readers.
    let length = truth.len().max(output.len());
    truth.resize(length, 0);
    output.resize(length, 0);
    let (left, right) = if real == Side::Left { (truth, output) } else { (output, truth) };
    Ok(Pair { name, left, right, real })
}
