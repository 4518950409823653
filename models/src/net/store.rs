//! Where a network's tensors come from.
//!
//! The idea: the constructor of a network does not know whether it is being listed, trained or loaded.

use tch::{Device, Kind, TchError, Tensor};

/// Why a network could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A hyperparameter out of bounds.
    #[error("{0}")]
    Config(String),
    /// The store has no such tensor, or another shape of it.
    #[error("{0}")]
    Tensor(String),
    /// libtorch refused.
    #[error("{}", crate::torch_error::sentence(.0))]
    Torch(#[from] TchError),
}

/// How a tensor begins when a network is trained from scratch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with mean 0 and this standard deviation; learned.
    Normal(f64),
    /// This value everywhere; learned.
    Constant(f64),
    /// This value everywhere; not learned but measured (batch statistics).
    Statistic(f64),
}

/// Gives a network its tensors.
pub trait Store {
    /// The tensor of that name and shape.
    ///
    /// # Errors
    /// No such tensor, another shape, or libtorch out of memory.
    fn tensor(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor, NetError>;
}

/// A place in the tree of names: `path / "encoder" / "_bn0"` asks for `encoder._bn0.weight` and so on.
pub struct Path<'a> {
    store: &'a mut dyn Store,
    prefix: String,
}

impl<'a> Path<'a> {
    /// The top of the tree.
    pub fn root(store: &'a mut dyn Store) -> Self {
        Path { store, prefix: String::new() }
    }

    /// The part of the tree called `name` here.
    pub fn sub(&mut self, name: &str) -> Path<'_> {
        let prefix = self.full(name);
        Path { store: self.store, prefix }
    }

    /// This very place, borrowed for a part of the network that shares its names.
    pub fn sub_here(&mut self) -> Path<'_> {
        Path { store: self.store, prefix: self.prefix.clone() }
    }

    /// The tensor called `name` here.
    ///
    /// # Errors
    /// As [`Store::tensor`].
    pub fn tensor(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor, NetError> {
        let full = self.full(name);
        self.store.tensor(&full, shape, init)
    }

    fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}

/// Name and shape of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Full name, as in the weights file.
    pub name: String,
    /// Shape, outermost first.
    pub shape: Vec<i64>,
}

/// Lists what a network asks for and gives it undefined tensors: nothing is allocated.
#[derive(Debug, Default)]
pub struct SpecStore {
    /// What was asked for so far, in order.
    pub specs: Vec<TensorSpec>,
}

impl Store for SpecStore {
    fn tensor(&mut self, name: &str, shape: &[i64], _init: Init) -> Result<Tensor, NetError> {
        self.specs.push(TensorSpec { name: name.to_owned(), shape: shape.to_vec() });
        Ok(Tensor::new())
    }
}

/// A tensor of a network in training.
#[derive(Debug)]
pub struct TrainTensor {
    /// Full name, as in the weights file.
    pub name: String,
    /// The tensor the network holds too: written in place.
    pub tensor: Tensor,
    /// Learned by gradient (and neither a measured statistic nor frozen).
    pub learned: bool,
    /// Stays as it is: neither learned nor measured any more.
    pub frozen: bool,
}

/// Fresh float32 parameters for training, drawn from libtorch's generator on the CPU: `tch::manual_seed` fixes them, and
/// a seed means the same start on every device.
#[derive(Debug)]
pub struct TrainStore {
    device: Device,
    /// Every tensor of the network, in the order it asked for them.
    pub tensors: Vec<TrainTensor>,
}

impl TrainStore {
    /// A store whose tensors will lie on `device`.
    #[must_use]
    pub fn new(device: Device) -> Self {
        TrainStore { device, tensors: Vec::new() }
    }

    /// Lets the tensors stay as they are whose names `is_frozen` says: they have no gradient from now on.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn freeze(&mut self, is_frozen: impl Fn(&str) -> bool) -> Result<(), TchError> {
        for entry in self.tensors.iter_mut().filter(|entry| is_frozen(&entry.name)) {
            entry.tensor = entry.tensor.f_set_requires_grad(false)?;
            (entry.learned, entry.frozen) = (false, true);
        }
        Ok(())
    }
}

impl Store for TrainStore {
    fn tensor(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor, NetError> {
        let options = (Kind::Float, Device::Cpu);
        let tensor = match init {
            Init::Normal(std) => Tensor::f_randn(shape, options)?.f_mul_scalar(std)?,
            Init::Constant(value) | Init::Statistic(value) => Tensor::f_full(shape, value, options)?,
        };
        let tensor = tensor.f_to_device(self.device)?;
        // Convolutions train a third faster on the CPU when their weights, and so their outputs, lie channels_last.
        let tensor = if shape.len() == 4 { super::layers::channels_last(&tensor)? } else { tensor };
        let learned = !matches!(init, Init::Statistic(_));
        let tensor = if learned { tensor.f_set_requires_grad(true)? } else { tensor };
        self.tensors.push(TrainTensor {
            name: name.to_owned(),
            tensor: tensor.shallow_clone(),
            learned,
            frozen: false,
        });
        Ok(tensor)
    }
}
