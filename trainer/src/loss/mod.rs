//! Losses, chosen by what the codec's target is.
//!
//! To add a loss: one file here and one row in [`loss`].

mod cross_entropy;
mod mse;

use autochrome_models::codec::Target;
use tch::{TchError, Tensor};

pub use cross_entropy::cross_entropy;
pub use mse::mse;

/// The loss of a network's output `[N, C, H, W]` against the codec's target; a scalar, mean over pixels.
///
/// # Errors
/// Whatever libtorch reports.
pub fn loss(output: &Tensor, target: &Target) -> Result<Tensor, TchError> {
    match target {
        Target::Values(values) => mse(output, values),
        Target::Bins { index, share, importance } => cross_entropy(output, index, share, importance),
    }
}
