//! Networks: L in, logits out.
//!
//! The idea: **a network is written once, as a constructor that asks a [`Store`] for every tensor by name and
//! shape.** A [`SpecStore`] gives undefined tensors and keeps the list (so a file can be checked before a byte of it is
//! loaded), a [`TrainStore`] gives fresh parameters, and a package's store gives checked weights.
//!
//! To add a network: one file here and one row in [`NetConfig`].

mod conv_group;
mod eccv16;
mod efficientnet_lite;
mod layers;
mod lite_unet;
mod ready;
mod seed_report;
mod store;

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

pub use eccv16::{Eccv16, Eccv16Config};
pub use efficientnet_lite::{Classifier, Encoder, Lite};
pub use layers::{Activation, Conv, Layer, Norm};
pub use lite_unet::{LiteUnet, LiteUnetConfig};
pub use seed_report::{SeedReport, SeedReportConfig};
pub use store::{Init, NetError, Path, SpecStore, Store, TensorSpec, TrainStore};

/// A network and its hyperparameters, as they stand in `model.toml` and in a trainer's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetConfig {
    /// EfficientNet-Lite encoder and a light U-Net decoder: the network that ships.
    LiteUnet(LiteUnetConfig),
    /// The network of the seed report's appendix.
    SeedReport(SeedReportConfig),
    /// The network of Zhang, Isola and Efros 2016, as released: the literature's yardstick.
    Eccv16(Eccv16Config),
}

/// Most output channels a network may be asked for; 313 bins need 313.
pub const MAX_OUT_CHANNELS: i64 = 4096;

impl NetConfig {
    /// Makes the network, taking its tensors from `store`.
    ///
    /// # Errors
    /// Hyperparameters out of bounds, or whatever the store refuses.
    pub fn build(&self, out_channels: i64, store: &mut dyn Store) -> Result<Box<dyn Network>, NetError> {
        if !(1..=MAX_OUT_CHANNELS).contains(&out_channels) {
            return Err(NetError::Config(format!(
                "output channels: expected 1 to {MAX_OUT_CHANNELS}, got {out_channels}; check the codec"
            )));
        }
        let root = Path::root(store);
        Ok(match self {
            Self::LiteUnet(config) => Box::new(LiteUnet::new(config, out_channels, root)?),
            Self::SeedReport(config) => Box::new(SeedReport::new(config, out_channels, root)?),
            Self::Eccv16(config) => Box::new(Eccv16::new(config, out_channels, root)?),
        })
    }

    /// Name and shape of every tensor, in the order the network asks for them; allocates nothing.
    ///
    /// # Errors
    /// Hyperparameters out of bounds.
    pub fn tensor_specs(&self, out_channels: i64) -> Result<Vec<TensorSpec>, NetError> {
        let mut store = SpecStore::default();
        self.build(out_channels, &mut store)?;
        Ok(store.specs)
    }

    /// The network's name, as in `model.toml`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LiteUnet(_) => "lite-unet",
            Self::SeedReport(_) => "seed-report",
            Self::Eccv16(_) => "eccv16",
        }
    }
}

/// A network that predicts color from lightness.
///
/// Input: L, shape `[N, 1, H, W]`, 0 to 100, H and W multiples of [`stride_in`](Self::stride_in). Output: logits (or
/// ab values, as the codec says), shape `[N, C, H / s, W / s]`, s = [`stride_out`](Self::stride_out).
pub trait Network: Send {
    /// Runs the network. `train` makes batch normalization use and update the statistics of the batch.
    ///
    /// # Errors
    /// Whatever libtorch reports, a wrong input shape first of all.
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError>;

    /// Runs the network for prediction.
    ///
    /// # Errors
    /// As [`forward_t`](Self::forward_t).
    fn forward(&self, l: &Tensor) -> Result<Tensor, TchError> {
        self.forward_t(l, false)
    }

    /// Input sides must be multiples of this.
    fn stride_in(&self) -> i64;

    /// The output is this many times smaller than the input.
    fn stride_out(&self) -> i64;

    /// Every layer, for [`prepare`](Self::prepare) and [`compute_in`](Self::compute_in).
    fn layers_mut(&mut self) -> Vec<&mut dyn Layer>;

    /// Trains in `kind` from now on: activations and convolutions are of that kind, weights, their gradients and the
    /// statistics of normalizations stay float32 ([`Layer::compute_in`]). The output is of that kind, for whoever
    /// takes it to widen.
    fn compute_in(&mut self, kind: Kind) {
        self.layers_mut().into_iter().for_each(|layer| layer.compute_in(kind));
    }

    /// Freezes the encoder: it takes no part in training, its normalizations use the statistics they have, and its
    /// layers are made ready for prediction, so that a step costs less. Weights must be in their place already. With
    /// `from`, only layers finer than that stride are frozen. A network without an encoder has none to freeze.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn freeze_encoder(&mut self, _from: Option<i64>, _device: Device, _kind: Kind) -> Result<(), TchError> {
        Ok(())
    }

    /// Whether the tensor `name` belongs to a layer that [`freeze_encoder`](Self::freeze_encoder) froze: nothing
    /// reads or changes it any more.
    fn is_frozen(&self, _name: &str) -> bool {
        false
    }

    /// Makes the network ready for prediction on `device`: batch normalization folded into the convolutions
    /// before it, weights in `kind` and channels_last. It cannot be trained afterward.
    ///
    /// # Errors
    /// Whatever libtorch reports, out of memory first of all.
    fn prepare(&mut self, device: Device, kind: Kind) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        if device == Device::Cpu {
            ready::keep_freed_memory()?;
        }
        self.layers_mut().into_iter().try_for_each(|layer| layer.prepare(device, kind))
    }
}

#[cfg(test)]
mod tests;
