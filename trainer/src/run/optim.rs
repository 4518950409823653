//! AdamW (Loshchilov and Hutter 2019) or plain gradient descent, a warm-up and cosine schedule, and an exponential moving average of weights.
//!
//! The idea: **the optimizer's state is plain named tensors**, so a checkpoint has all of it and a resumed run
//! continues exactly where it was. (tch's own optimizers keep their state out of reach.)

use anyhow::{Result, bail};
use autochrome_models::net::TrainStore;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::schedule::{Cooldown, float};

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// AdamW: the scale of the loss does not matter.
    #[default]
    Adamw,
    /// Plain gradient descent: a loss a hundred times smaller learns a hundred times slower.
    Sgd,
}

impl Rule {
    fn is_adamw(&self) -> bool {
        *self == Rule::Adamw
    }
}

/// Hyperparameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// How a gradient becomes a step.
    #[serde(default, skip_serializing_if = "Rule::is_adamw")]
    pub rule: Rule,
    /// Peak learning rate.
    pub lr: f64,
    /// Peak learning rate of tensors named `encoder.*`; absent: `lr`. With 0 the encoder is frozen: its normalizations keep
    /// their statistics too, and a step costs less.
    pub encoder_lr: Option<f64>,
    /// The stride, 4 to 32, from which on the encoder learns: finer layers are frozen. Absent: it learns everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_from: Option<i64>,
    /// Decoupled weight decay, on tensors of two or more dimensions.
    #[serde(default)]
    pub weight_decay: f64,
    /// Steps over which the rate rises linearly from 0.
    #[serde(default)]
    pub warmup: u64,
    /// Steps of the whole run; the rate falls to 0 along a cosine.
    pub steps: u64,
    /// Ends the run early: from a step on, the rate decays linearly to 0. May be added to a run that has not reached it
    /// yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Cooldown>,
    /// Greatest norm of the gradient; larger ones are scaled down. 0: none is.
    #[serde(default = "default_clip")]
    pub clip: f64,
    /// Decay of the moving average of weights, 0 (none) to below 1; ramps up over the first steps.
    #[serde(default)]
    pub ema: f64,
}

fn default_clip() -> f64 {
    1.0
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f64 = 1e-8;

impl OptimConfig {
    /// Checks the bounds.
    ///
    /// # Errors
    /// A value out of bounds, with its name.
    pub fn check(&self) -> Result<()> {
        let rates =
            [("lr", self.lr), ("encoder_lr", self.encoder_lr.unwrap_or(self.lr)), ("clip", self.clip)];
        for (name, value) in rates {
            if !(value.is_finite() && value >= 0.0) {
                bail!("{name}: expected a number of at least 0, got {value}");
            }
        }
        if let Some(from) = self.encoder_from.filter(|from| ![4, 8, 16, 32].contains(from)) {
            bail!("encoder_from: expected the stride 4, 8, 16 or 32, got {from}");
        }
        if !(0.0..1.0).contains(&self.ema) {
            bail!("ema: expected 0 to below 1, got {}", self.ema);
        }
        if self.steps == 0 {
            bail!("steps: expected at least 1, got 0");
        }
        Ok(())
    }
}

/// The state of one learned tensor.
#[derive(Debug)]
struct Moments {
    /// Position in the store.
    index: usize,
    mean: Tensor,
    square: Tensor,
}

/// The optimizer of a run.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimConfig,
    moments: Vec<Moments>,
    /// Of every tensor, in the order of the store.
    averages: Vec<Tensor>,
}

impl Optimizer {
    /// An optimizer for the tensors of `store`, with empty moments and the average at the weights as they are. What is frozen
    /// has no moments, and its average is itself.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn new(config: &OptimConfig, store: &TrainStore) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let mut moments = Vec::new();
        for (index, entry) in store.tensors.iter().enumerate().filter(|(_, entry)| entry.learned) {
            let zeros = || entry.tensor.detach().f_zeros_like();
            moments.push(Moments { index, mean: zeros()?, square: zeros()? });
        }
        let copy = |tensor: &Tensor| tensor.f_detach_copy();
        let averages = store.tensors.iter().map(|entry| copy(&entry.tensor)).collect::<Result<_, _>>()?;
        Ok(Optimizer { config: config.clone(), moments, averages })
    }

    /// Takes the rates and the schedule of another configuration from here on.
    pub fn follow(&mut self, config: &OptimConfig) {
        self.config = config.clone();
    }

    /// Takes one step with the gradients of the tensors, then clears them. Returns the gradient's norm before
    /// clipping.
    ///
    /// # Errors
    /// The norm is not finite (then nothing was changed), or whatever libtorch reports.
    pub fn step(&mut self, store: &mut TrainStore, step: u64) -> Result<f64> {
        let _no_grad = tch::no_grad_guard();
        let gradients: Vec<Tensor> =
            self.moments.iter().map(|m| store.tensors[m.index].tensor.grad()).collect();
        let norm = gradient_norm(&gradients)?;
        if !norm.is_finite() {
            bail!("the gradient is not finite");
        }
        let scale = if self.config.clip > 0.0 { (self.config.clip / (norm + 1e-12)).min(1.0) } else { 1.0 };
        let factor = self.config.schedule(step);
        let age = float(step + 1);
        let (correct1, correct2) = (1.0 - BETA1.powf(age), 1.0 - BETA2.powf(age));
        for (moments, gradient) in self.moments.iter_mut().zip(gradients) {
            if !gradient.defined() {
                continue;
            }
            let entry = &mut store.tensors[moments.index];
            let is_encoder = entry.name.starts_with("encoder.");
            let peak =
                if is_encoder { self.config.encoder_lr.unwrap_or(self.config.lr) } else { self.config.lr };
            let lr = peak * factor;
            let gradient = gradient.f_mul_scalar(scale)?;
            if entry.tensor.dim() > 1 {
                let _ = entry.tensor.f_mul_scalar_(1.0 - lr * self.config.weight_decay)?;
            }
            if self.config.rule == Rule::Sgd {
                let _ = entry.tensor.f_sub_(&gradient.f_mul_scalar(lr)?)?;
                entry.tensor.zero_grad();
                continue;
            }
            let _ = moments.mean.f_mul_scalar_(BETA1)?.f_add_(&gradient.f_mul_scalar(1.0 - BETA1)?)?;
            let _ = moments
                .square
                .f_mul_scalar_(BETA2)?
                .f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - BETA2)?)?;
            let root = moments.square.f_div_scalar(correct2)?.f_sqrt()?.f_add_scalar(EPS)?;
            let update = moments.mean.f_div(&root)?.f_mul_scalar(lr / correct1)?;
            let _ = entry.tensor.f_sub_(&update)?;
            entry.tensor.zero_grad();
        }
        self.average(store, step)?;
        Ok(norm)
    }

    /// Moves the average toward the weights. Early steps weigh more, so that the start is soon forgotten.
    fn average(&mut self, store: &TrainStore, step: u64) -> Result<()> {
        let decay = self.config.ema.min(float(step + 1) / float(step + 10));
        for (average, entry) in
            self.averages.iter_mut().zip(&store.tensors).filter(|(_, entry)| !entry.frozen)
        {
            let toward = entry.tensor.f_sub(average)?.f_mul_scalar(1.0 - decay)?;
            let _ = average.f_add_(&toward)?;
        }
        Ok(())
    }

    /// Exchanges the weights with their average; a second call undoes the first.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn swap_average(&mut self, store: &mut TrainStore) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let pairs = self.averages.iter_mut().zip(&mut store.tensors);
        for (average, entry) in pairs.filter(|(_, entry)| !entry.frozen) {
            let weights = entry.tensor.f_detach_copy()?;
            entry.tensor.f_copy_(average)?;
            average.f_copy_(&weights)?;
        }
        Ok(())
    }

    /// The whole state by name: `adam.mean.*`, `adam.square.*`, `average.*`. The tensors share memory with the
    /// optimizer's: copying into them restores a checkpoint.
    #[must_use]
    pub fn state(&self, store: &TrainStore) -> Vec<(String, Tensor)> {
        let mut state = Vec::new();
        for Moments { index, mean, square } in &self.moments {
            let name = &store.tensors[*index].name;
            state.push((format!("adam.mean.{name}"), mean.shallow_clone()));
            state.push((format!("adam.square.{name}"), square.shallow_clone()));
        }
        for (average, entry) in self.averages.iter().zip(&store.tensors) {
            state.push((format!("average.{}", entry.name), average.shallow_clone()));
        }
        state
    }
}

/// The global norm. It is summed on the device and read once, so a GPU is synchronized once per step and not once per
/// tensor.
fn gradient_norm(gradients: &[Tensor]) -> Result<f64> {
    let defined = gradients.iter().filter(|gradient| gradient.defined());
    let squares: Vec<Tensor> =
        defined.map(|gradient| gradient.f_square()?.f_sum(Kind::Double)).collect::<Result<_, _>>()?;
    if squares.is_empty() {
        return Ok(0.0);
    }
    Ok(Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?.f_double_value(&[])?.sqrt())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use autochrome_models::net::{Init, Store};
    use tch::Device;

    pub(crate) fn config() -> OptimConfig {
        OptimConfig {
            rule: Rule::Adamw,
            lr: 0.1,
            encoder_lr: None,
            encoder_from: None,
            weight_decay: 0.0,
            warmup: 10,
            steps: 100,
            cooldown: None,
            clip: 1.0,
            ema: 0.9,
        }
    }

    #[test]
    fn finds_the_minimum_of_a_parabola_and_averages_its_way_there() {
        let mut store = TrainStore::new(Device::Cpu);
        let x = store.tensor("x", &[2], Init::Constant(0.0)).expect("makes");
        let mut optimizer = Optimizer::new(&config(), &store).expect("makes");
        for step in 0..100 {
            (&x - 3.0).square().sum(Kind::Float).backward();
            optimizer.step(&mut store, step).expect("steps");
        }
        assert!((x.double_value(&[0]) - 3.0).abs() < 0.1, "{}", x.double_value(&[0]));
        optimizer.swap_average(&mut store).expect("swaps");
        assert!((x.double_value(&[0]) - 3.0).abs() < 0.2, "{}", x.double_value(&[0]));
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        let of = |values: &[f32]| Tensor::from_slice(values);
        let norm = gradient_norm(&[of(&[2.0, 3.0]), Tensor::new(), of(&[6.0])]).expect("computes");
        assert!((norm - 7.0).abs() < 1e-12);
        assert_eq!(gradient_norm(&[Tensor::new()]).expect("computes"), 0.0);
    }

    #[test]
    fn what_is_held_stays_has_no_moments_and_an_average_that_is_itself() {
        let mut store = TrainStore::new(Device::Cpu);
        let x = store.tensor("x", &[1], Init::Constant(1.0)).expect("makes");
        let frozen = store.tensor("frozen", &[1], Init::Constant(2.0)).expect("makes");
        store.freeze(|name| name == "frozen").expect("freezes");
        assert!(x.requires_grad() && !frozen.requires_grad());
        let mut optimizer = Optimizer::new(&config(), &store).expect("makes");
        (&x * &frozen).sum(Kind::Float).backward();
        optimizer.step(&mut store, 0).expect("steps");
        let state = optimizer.state(&store);
        let names: Vec<&str> = state.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["adam.mean.x", "adam.square.x", "average.x", "average.frozen"]);
        let now = |tensor: &Tensor| tensor.double_value(&[0]);
        assert!(now(&x) < 1.0 && now(&frozen) == 2.0 && now(&state[3].1) == 2.0);
    }

    #[test]
    fn plain_descent_steps_by_the_gradient_itself() {
        let mut store = TrainStore::new(Device::Cpu);
        let x = store.tensor("x", &[1], Init::Constant(1.0)).expect("makes");
        let plain = OptimConfig { rule: Rule::Sgd, clip: 0.0, warmup: 0, ..config() };
        let mut optimizer = Optimizer::new(&plain, &store).expect("makes");
        (&x * 4.0).sum(Kind::Float).backward();
        optimizer.step(&mut store, 0).expect("steps");
        assert!((x.double_value(&[0]) - (1.0 - 0.1 * 4.0)).abs() < 1e-6, "{}", x.double_value(&[0]));
    }

    #[test]
    fn a_gradient_that_is_not_finite_changes_nothing() {
        let mut store = TrainStore::new(Device::Cpu);
        let x = store.tensor("x", &[1], Init::Constant(1.0)).expect("makes");
        let mut optimizer = Optimizer::new(&config(), &store).expect("makes");
        (&x * f64::NAN).sum(Kind::Float).backward();
        let error = optimizer.step(&mut store, 0).expect_err("refused").to_string();
        assert_eq!(error, "the gradient is not finite");
        assert!((x.double_value(&[0]) - 1.0).abs() < 1e-12);
    }
}
