//! What learns: network, codec, optimizer and the tensors they share; how it starts and how it is saved.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use autochrome_models::codec::Codec;
use autochrome_models::net::{Network, TrainStore};
use tch::{Device, Kind, Tensor};

use super::checkpoint::{self, State};
use super::config::RunConfig;
use super::inherited::Inherited;
use super::init;
use super::optim::Optimizer;
use crate::data::{Batch, DataStamp};
use crate::loss::{Objective, Truth, Window};

/// Everything a training step touches.
pub struct Learner {
    /// The configuration.
    pub config: RunConfig,
    /// Steps done.
    pub step: u64,
    /// The data.
    pub data: Vec<DataStamp>,
    /// Prediction settings of the package it started from.
    inherited: Option<Inherited>,
    device: Device,
    network: Box<dyn Network>,
    codec: Box<dyn Codec>,
    objective: Objective,
    store: TrainStore,
    optimizer: Optimizer,
}

/// The result of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepReport {
    /// The loss.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
}

impl Learner {
    /// A learner before its first step. Relative paths of the configuration start from `data_root`.
    ///
    /// # Errors
    /// The network, the codec or the initial weights are refused.
    pub fn start(config: RunConfig, data: Vec<DataStamp>, data_root: &Path, device: Device) -> Result<Self> {
        let mut blank = Blank::new(&config, data_root, device)?;
        let package = init::initialize(&mut blank.store, &config.init, data_root)?;
        let inherited = package.map(|package| Inherited::of(package.manifest(), &config));
        blank.into_learner(State { step: 0, config, data, commit: String::new(), inherited })
    }

    /// A learner as a checkpoint left it; `data_root` as for [`start`](Self::start).
    ///
    /// # Errors
    /// The file is not a checkpoint, or lacks a tensor.
    pub fn resume(path: &Path, data_root: &Path, device: Device) -> Result<Self> {
        let (state, tensors) = checkpoint::read(path)?;
        let blank = Blank::new(&state.config, data_root, device)?;
        let subject = || path.display().to_string();
        restore(weights(&blank.store), &tensors).with_context(subject)?;
        let learner = blank.into_learner(state)?;
        // Checkpoints of older versions have moments of frozen layers too, which are ignored.
        restore(learner.optimizer.state(&learner.store), &tensors).with_context(subject)?;
        Ok(learner)
    }

    /// Continues under a configuration that agrees with the old one so far.
    pub fn follow(&mut self, config: RunConfig) {
        self.optimizer.follow(&config.optim);
        self.config = config;
    }

    /// One step of training.
    ///
    /// # Errors
    /// A loss or gradient that is not finite (the batch is named), or whatever libtorch reports.
    pub fn train_step(&mut self, batch: &Batch) -> Result<StepReport> {
        let loss = self.batch_loss(batch, true)?;
        loss.f_backward()?;
        // Read only now, so that a GPU computes the backward pass meanwhile.
        let value = loss.f_double_value(&[])?;
        let named =
            || format!("step {}, batch {} ({})", self.step, batch.fingerprint(), batch.names.join(", "));
        if !value.is_finite() {
            bail!(
                "the loss is not finite at {}; lower the learning rate or check these photographs",
                named()
            );
        }
        let context = named();
        let gradient_norm = self.optimizer.step(&mut self.store, self.step).context(context)?;
        self.step += 1;
        Ok(StepReport { loss: value, gradient_norm })
    }

    /// Mean loss of the averaged weights over these batches.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn held_out_loss(&mut self, batches: &[Batch]) -> Result<f64> {
        self.optimizer.swap_average(&mut self.store)?;
        let total = tch::no_grad(|| {
            batches.iter().try_fold(0.0, |sum, batch| {
                Ok::<_, anyhow::Error>(sum + self.batch_loss(batch, false)?.f_double_value(&[])?)
            })
        });
        self.optimizer.swap_average(&mut self.store)?;
        Ok(total? / f64::from(u32::try_from(batches.len().max(1))?))
    }

    fn batch_loss(&self, batch: &Batch, train: bool) -> Result<Tensor> {
        let (count, size) = (i64::try_from(batch.count)?, i64::try_from(batch.size)?);
        let l = Tensor::f_from_slice(&batch.l)?.f_view([count, 1, size, size])?.f_to_device(self.device)?;
        let ab = Tensor::f_from_slice(&batch.ab)?.f_view([count, 2, size, size])?.f_to_device(self.device)?;
        let cell = self.network.stride_out();
        let cells = match cell {
            1 => ab.shallow_clone(),
            _ => ab.f_avg_pool2d([cell; 2], [cell; 2], [0, 0], false, true, None)?,
        };
        let output = self.output(&l, train)?;
        let truth = Truth { l: &l, ab: &ab, cells: &cells };
        let loss = self.objective.loss(self.codec.as_ref(), &output, &truth)?;
        // Held-out losses are those of whole samples, comparable with runs without this loss.
        if train && self.config.loss.consistency.is_some() {
            self.with_part(&loss, &output, &truth).context("consistency loss")
        } else {
            Ok(loss)
        }
    }

    /// The network's output in float32, which codecs and losses compute in whatever kind the layers do.
    fn output(&self, l: &Tensor, train: bool) -> Result<Tensor> {
        Ok(self.network.forward_t(l, train)?.f_to_kind(Kind::Float)?)
    }

    /// The mean of the losses of the samples and of a part of them, plus the consistency of the two.
    fn with_part(&self, loss: &Tensor, output: &Tensor, truth: &Truth) -> Result<Tensor> {
        let (grain, cell) = (self.network.stride_in(), self.network.stride_out());
        let window = Window::draw(self.config.seed, self.step, truth.l.size()[3], grain);
        let (l, ab, cells) = (window.of(truth.l, 1)?, window.of(truth.ab, 1)?, window.of(truth.cells, cell)?);
        let alone = self.output(&l, true)?;
        let codec = self.codec.as_ref();
        let part = self.objective.loss(codec, &alone, &Truth { l: &l, ab: &ab, cells: &cells })?;
        let inconsistency = self.objective.inconsistency(codec, &window.of(output, cell)?, &alone)?;
        Ok(loss.f_add(&part)?.f_mul_scalar(0.5)?.f_add(&inconsistency)?)
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let state = State {
            step: self.step,
            config: self.config.clone(),
            data: self.data.clone(),
            commit: crate::COMMIT.to_owned(),
            inherited: self.inherited.clone(),
        };
        let mut tensors = weights(&self.store);
        tensors.extend(self.optimizer.state(&self.store));
        checkpoint::write(path, &state, &tensors)
    }
}

/// What a learner is made of before its weights are in their place.
struct Blank {
    device: Device,
    network: Box<dyn Network>,
    codec: Box<dyn Codec>,
    objective: Objective,
    store: TrainStore,
}

impl Blank {
    fn new(config: &RunConfig, data_root: &Path, device: Device) -> Result<Self> {
        let _generator = crate::random::generator();
        tch::manual_seed(i64::try_from(config.seed).context("seed: expected below 2^63")?);
        let codec = config.codec.build()?;
        let mut store = TrainStore::new(device);
        let mut network = config.network.build(codec.channels(), &mut store)?;
        network.compute_in(config.precision.kind(device));
        let (size, stride) = (i64::from(config.data.augment.size), network.stride_in());
        // A partly filled last cell would be trained on padding.
        if size % network.stride_out() != 0 {
            bail!("data.augment.size: expected a multiple of {}, got {size}", network.stride_out());
        }
        if size < stride {
            bail!("data.augment.size: expected at least {stride}, the network's stride, got {size}");
        }
        let objective = Objective::new(&config.loss, data_root, device)?;
        Ok(Blank { device, network, codec, objective, store })
    }

    /// The learner, now that the weights are in their place. An encoder whose rate is 0 is frozen, or its layers
    /// finer than a stride are, which is cheaper than gradients that move nothing.
    fn into_learner(mut self, state: State) -> Result<Learner> {
        let State { step, config, data, inherited, .. } = state;
        let (optim, kind) = (&config.optim, config.precision.kind(self.device));
        if optim.encoder_lr == Some(0.0) {
            self.network.freeze_encoder(None, self.device, kind)?;
        } else if optim.encoder_from.is_some() {
            self.network.freeze_encoder(optim.encoder_from, self.device, kind)?;
        }
        let Blank { device, network, codec, objective, mut store } = self;
        store.freeze(|name| network.is_frozen(name))?;
        let optimizer = Optimizer::new(optim, &store)?;
        Ok(Learner { config, step, data, inherited, device, network, codec, objective, store, optimizer })
    }
}

/// The weights by name; they share memory with the learner's.
fn weights(store: &TrainStore) -> Vec<(String, Tensor)> {
    store.tensors.iter().map(|entry| (format!("model.{}", entry.name), entry.tensor.detach())).collect()
}

/// Copies into each of `places` the tensor of its name.
fn restore(places: Vec<(String, Tensor)>, tensors: &HashMap<String, Tensor>) -> Result<()> {
    let _no_grad = tch::no_grad_guard();
    for (name, mut place) in places {
        let value = tensors.get(&name).with_context(|| format!("tensor {name} is missing"))?;
        if value.size() != place.size() {
            bail!("tensor {name}: expected {:?}, got {:?}", place.size(), value.size());
        }
        place.f_copy_(value)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod precision_tests;
#[cfg(test)]
pub(crate) mod tests;
