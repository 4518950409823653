//! Prediction settings, and which of them a run inherits from the package it started from.
//!
//! The idea: **how a model predicts is chosen after training, and more training must not undo the choice.** An option
//! of `export` overrides the configuration, that overrides the package, and the package overrides the default. The
//! run's checkpoint records the package's settings, so an export does not need the package.

use anyhow::{Result, bail};
use autochrome_models::codec::CodecConfig;
use autochrome_models::codec::point::Point;
use autochrome_models::package::{Confidence, Input, Manifest};
use autochrome_models::smoothing::Smoothing;
use serde::{Deserialize, Serialize};

use super::config::RunConfig;

/// The settings of a codec that may be chosen after training; `None`: not set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodecSettings {
    /// Temperature of the annealed mean or median (bins1d, bins2d).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Rebalancing added at prediction (bins1d, bins2d).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tilt: Option<f64>,
    /// The point of the distribution (bins2d).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
    /// How far colors stand out from their picture (bins2d).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f64>,
}

impl CodecSettings {
    /// Those of a codec: all that it has.
    #[must_use]
    pub fn of(codec: &CodecConfig) -> Self {
        match codec {
            CodecConfig::Regression(_) => Self::default(),
            CodecConfig::Bins1d(config) => CodecSettings {
                temperature: Some(config.temperature),
                tilt: Some(config.tilt),
                ..Self::default()
            },
            CodecConfig::Bins2d(config) => CodecSettings {
                temperature: Some(config.temperature),
                tilt: Some(config.tilt),
                point: Some(config.point),
                contrast: Some(config.contrast),
            },
        }
    }

    /// Applies the settings to a codec.
    ///
    /// # Errors
    /// The codec has no such setting.
    pub fn put(&self, codec: &mut CodecConfig) -> Result<()> {
        let name = codec.name();
        let CodecSettings { temperature, tilt, point, contrast } = self;
        match codec {
            CodecConfig::Regression(_) => {
                for (setting, said) in [("temperature", temperature), ("tilt", tilt)] {
                    if said.is_some() {
                        bail!(
                            "{setting}: expected none for a regression, which has no distribution; leave it out"
                        );
                    }
                }
            }
            CodecConfig::Bins1d(config) => {
                config.temperature = temperature.unwrap_or(config.temperature);
                config.tilt = tilt.unwrap_or(config.tilt);
            }
            CodecConfig::Bins2d(config) => {
                config.temperature = temperature.unwrap_or(config.temperature);
                config.tilt = tilt.unwrap_or(config.tilt);
                config.point = point.unwrap_or(config.point);
                config.contrast = contrast.unwrap_or(config.contrast);
                return Ok(());
            }
        }
        if point.is_some() {
            bail!("point: expected none for {name}, whose color is a mean; leave it out");
        }
        if contrast.is_some() {
            bail!("contrast: expected none for {name}; leave it out");
        }
        Ok(())
    }

    /// These settings without those that `named` says are set elsewhere.
    fn unless(self, named: impl Fn(&str) -> bool) -> Self {
        CodecSettings {
            temperature: self.temperature.filter(|_| !named("temperature")),
            tilt: self.tilt.filter(|_| !named("tilt")),
            point: self.point.filter(|_| !named("point")),
            contrast: self.contrast.filter(|_| !named("contrast")),
        }
    }
}

/// Prediction settings of the package that a run started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inherited {
    /// Name of the package.
    pub from: String,
    /// How it brings a picture to its network.
    pub input: Input,
    /// How its confidence map is computed.
    pub confidence: Confidence,
    /// How its colors are smoothed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<Smoothing>,
    /// Its codec's settings, without those that the run's configuration sets; `None` where its codec was trained
    /// differently (with another `gamma`, say) and they would not fit.
    pub codec: Option<CodecSettings>,
}

impl Inherited {
    /// What a run of this configuration inherits from a package.
    #[must_use]
    pub fn of(package: &Manifest, config: &RunConfig) -> Self {
        let settings = CodecSettings::of(&package.codec);
        let mut like_it = config.codec.clone();
        let trained_alike = settings.put(&mut like_it).is_ok() && like_it == package.codec;
        let unnamed = settings.unless(|setting| config.named.has(&format!("codec.{setting}")));
        Inherited {
            from: package.name.clone(),
            input: package.input.clone(),
            confidence: package.confidence,
            smoothing: package.smoothing,
            codec: trained_alike.then_some(unnamed),
        }
    }
}

#[cfg(test)]
mod tests {
    use autochrome_models::codec::{Bins1dConfig, Bins2dConfig, RegressionConfig};

    use super::*;

    fn tuned() -> Bins2dConfig {
        Bins2dConfig {
            gamma: 0.5,
            temperature: 0.7,
            contrast: 2.3,
            point: Point::Median,
            ..Bins2dConfig::default()
        }
    }

    fn inherited(codec: &str) -> Option<CodecSettings> {
        let text = |codec: &str| {
            format!(
                "seed = 1\nbatch = 1\nnetwork = {{ name = \"lite-unet\" }}\ncodec = {{ name = \"bins2d\"{codec} }}\n\
                 data = {{ train = [\"none\"], augment = {{ size = 32 }} }}\noptim = {{ lr = 1e-3, steps = 1 }}\n"
            )
        };
        let package = Manifest {
            schema: autochrome_models::package::SCHEMA,
            name: "tuned".to_owned(),
            description: "a test".to_owned(),
            license: "MIT".to_owned(),
            default: false,
            network: RunConfig::parse(&text("")).unwrap().network,
            input: Input {
                working_size: 288,
                training_upscale: 2.0,
                auto_levels: true,
                values: autochrome_models::package::InputValues::L,
                mirror: false,
            },
            codec: CodecConfig::Bins2d(tuned()),
            smoothing: None,
            confidence: Confidence { temperature: 0.75 },
            weights: autochrome_models::package::Weights::default(),
            training: None,
            metrics: std::collections::BTreeMap::new(),
        };
        let inherited = Inherited::of(&package, &RunConfig::parse(&text(codec)).unwrap());
        assert_eq!((inherited.input.working_size, inherited.confidence.temperature), (288, 0.75));
        inherited.codec
    }

    #[test]
    fn what_the_configuration_names_is_not_inherited_even_where_it_is_the_default() {
        let all = CodecSettings::of(&CodecConfig::Bins2d(tuned()));
        assert_eq!(inherited(", gamma = 0.5"), Some(all.clone()));
        let named = inherited(", gamma = 0.5, contrast = 1.0, temperature = 0.4");
        assert_eq!(named, Some(CodecSettings { contrast: None, temperature: None, ..all }));
    }

    #[test]
    fn settings_of_a_codec_that_was_trained_otherwise_do_not_fit() {
        assert_eq!(inherited(""), None, "gamma is 1 there");
        assert_eq!(inherited(", gamma = 0.5, sigma = 4.0"), None);
    }

    #[test]
    fn every_codec_takes_its_own_settings_and_refuses_others() {
        let codecs = [
            CodecConfig::Regression(RegressionConfig::default()),
            CodecConfig::Bins1d(Bins1dConfig::default()),
            CodecConfig::Bins2d(tuned()),
        ];
        for codec in &codecs {
            let mut same = codec.clone();
            CodecSettings::of(codec).put(&mut same).unwrap();
            assert_eq!(same, *codec);
        }
        let [regression, bins1d, _] = codecs;
        let none = CodecSettings::default;
        for (mut codec, settings, said) in [
            (
                regression.clone(),
                CodecSettings { temperature: Some(1.0), ..none() },
                "temperature: expected none",
            ),
            (
                regression,
                CodecSettings { contrast: Some(1.0), ..none() },
                "contrast: expected none for regression",
            ),
            (bins1d, CodecSettings { point: Some(Point::Mean), ..none() }, "point: expected none for bins1d"),
        ] {
            let refused = settings.put(&mut codec).unwrap_err().to_string();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
