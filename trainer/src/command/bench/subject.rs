//! What is measured: a package, or the network of a configuration with the weights it starts from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use autochrome_models::codec::{Codec, CodecConfig};
use autochrome_models::net::{NetConfig, Network, TrainStore};
use autochrome_models::package::{MANIFEST_FILE, Package};
use tch::{Device, Kind};

use crate::run::config::RunConfig;
use crate::run::init;

/// A network that can be made ready on any device, as often as wanted.
pub struct Subject {
    /// The package's name, or the configuration's file.
    pub name: String,
    /// Its network.
    pub network: NetConfig,
    /// The codec of its outputs.
    pub codec: Box<dyn Codec>,
    /// Side of the squares it is measured on, in pixels: the working size, or that of a training sample.
    pub side: i64,
    source: Source,
}

enum Source {
    Package(Box<Package>),
    Config { config: Box<RunConfig>, root: PathBuf },
}

impl Subject {
    /// Opens the package in a folder, or else a configuration whose relative paths start from `root`.
    ///
    /// # Errors
    /// Neither can be read, or the network has no such size.
    pub fn open(path: &Path, root: &Path) -> Result<Self> {
        if path.join(MANIFEST_FILE).is_file() {
            let package = Package::open(path)?;
            let manifest = package.manifest();
            let (name, network) = (manifest.name.clone(), manifest.network.clone());
            let (codec, side) = (manifest.codec.clone(), manifest.input.working_size);
            return Self::new(name, network, &codec, side, Source::Package(Box::new(package)));
        }
        let config = RunConfig::read(path)?;
        let (network, codec, side) = (config.network.clone(), config.codec.clone(), config.data.augment.size);
        let source = Source::Config { config: Box::new(config), root: root.to_owned() };
        Self::new(path.display().to_string(), network, &codec, side, source)
    }

    fn new(name: String, network: NetConfig, codec: &CodecConfig, side: u32, source: Source) -> Result<Self> {
        let codec = codec.build().context("codec")?;
        let grain = network.build(codec.channels(), &mut TrainStore::new(Device::Cpu))?.stride_in();
        let side = (i64::from(side) + grain - 1) / grain * grain;
        Ok(Subject { name, network, codec, side, source })
    }

    /// The network, ready for prediction.
    ///
    /// # Errors
    /// The weights cannot be read, or do not fit the device.
    pub fn ready(&self, device: Device, kind: Kind) -> Result<Box<dyn Network>> {
        match &self.source {
            Source::Package(package) => Ok(package.load(device, kind)?),
            Source::Config { config, root } => {
                tch::manual_seed(i64::try_from(config.seed)?);
                let mut store = TrainStore::new(Device::Cpu);
                let mut network = self.network.build(self.codec.channels(), &mut store)?;
                init::initialize(&mut store, &config.init, root)?;
                network.prepare(device, kind)?;
                Ok(network)
            }
        }
    }

    /// The configuration to train by, and the folder its relative paths start from; a package has none.
    pub fn training(&self) -> Option<(&RunConfig, &Path)> {
        match &self.source {
            Source::Package(_) => None,
            Source::Config { config, root } => Some((config, root)),
        }
    }
}
