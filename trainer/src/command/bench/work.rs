//! How much a network computes: the multiply-adds of one picture.
//!
//! The idea: **a convolution's weights are used once for every pixel of its output**, so the names and shapes of the
//! weights give the work once the stride of each layer is known. It is known for `lite-unet`, whose stages are in
//! `models/src/net/efficientnet_lite.rs`; for other networks nothing is reported.

use autochrome_models::net::{NetConfig, TensorSpec};

/// What each stage of the encoder divides the sides by, of its input.
const STAGE_STRIDES: [i64; 7] = [1, 2, 2, 2, 1, 2, 1];

/// Multiply-adds for a square picture of `side` pixels (a multiple of 32), in the order of the network's convolutions;
/// none for a network whose strides are not known here.
pub fn multiply_adds(network: &NetConfig, channels: i64, side: i64) -> Option<i64> {
    let NetConfig::LiteUnet(_) = network else { return None };
    let specs = network.tensor_specs(channels).ok()?;
    let strides = block_strides(&specs);
    let convolutions = specs.iter().filter(|spec| spec.shape.len() == 4);
    let mut last = 32;
    let work = convolutions.map(|spec| {
        let pixels = match spec.name.split('.').collect::<Vec<_>>().as_slice() {
            ["encoder", "_conv_stem", ..] => area(side, 2),
            ["encoder", "_blocks", block, layer, ..] => {
                let (before, after) = strides.get(block.parse::<usize>().ok()?).copied()?;
                area(side, if *layer == "_expand_conv" { before } else { after })
            }
            ["decoder", block, ..] => {
                last = 32 >> block.parse::<u32>().ok()?;
                area(side, last)
            }
            ["head", ..] => area(side, last),
            // The context looks at the whole picture at once.
            [.., "whole", _] => 1,
            _ => area(side, 32),
        };
        Some(pixels * spec.shape.iter().product::<i64>())
    });
    work.sum()
}

fn area(side: i64, stride: i64) -> i64 {
    (side / stride) * (side / stride)
}

/// Strides of each block of the encoder, of its input and of its output. A stage begins where the output channels
/// change.
fn block_strides(specs: &[TensorSpec]) -> Vec<(i64, i64)> {
    let projections = specs.iter().filter(|spec| spec.name.ends_with("_project_conv.weight"));
    let (mut stage, mut stride, mut width) = (0, 2, None);
    let mut strides = Vec::new();
    for spec in projections {
        let before = stride;
        if width != Some(spec.shape[0]) {
            stride *= STAGE_STRIDES.get(stage).copied().unwrap_or(1);
            stage += 1;
            width = Some(spec.shape[0]);
        }
        strides.push((before, stride));
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;
    use autochrome_models::net::{LiteUnetConfig, SeedReportConfig};

    #[test]
    fn counts_what_the_models_bench_counts() {
        // `MULTIPLY_ADDS` of models/benches/network.rs.
        let network = NetConfig::LiteUnet(LiteUnetConfig::default());
        assert_eq!(multiply_adds(&network, 313, 256), Some(1_059_239_936));
    }

    #[test]
    fn says_nothing_of_networks_it_does_not_know() {
        assert_eq!(multiply_adds(&NetConfig::SeedReport(SeedReportConfig::default()), 2, 64), None);
    }
}
