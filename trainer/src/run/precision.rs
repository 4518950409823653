//! What training computes in.
//!
//! The idea: **half the bits where they pay.** In bfloat16 a GPU's matrix units run several times as fast and activations
//! take half the memory; a CPU without such units would only be slower. What learns, statistics, codecs and losses are float32
//! in every case (`models/src/net/layers.rs` has the rule).

use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// Precision of activations and convolutions in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// bfloat16 on CUDA, float32 on the CPU.
    #[default]
    Auto,
    /// float32 everywhere.
    Float32,
    /// bfloat16 everywhere.
    Bf16,
}

impl Precision {
    /// The kind to compute in on `device`.
    #[must_use]
    pub fn kind(self, device: Device) -> Kind {
        match self {
            Self::Bf16 => Kind::BFloat16,
            Self::Auto if device.is_cuda() => Kind::BFloat16,
            Self::Auto | Self::Float32 => Kind::Float,
        }
    }

    /// Whether the choice is left to the device, as it is where a configuration says nothing.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}
