//! Networks that judge the pictures: the classifiers and LPIPS.
//!
//! The idea: **they judge output, gray and truth alike**, so that what the colors gain can be read against what they could
//! gain at most.

use std::path::PathBuf;

use anyhow::{Result, bail};
use image::RgbImage;
use tch::Device;

use crate::metric::classifier::{self, Classifier};
use crate::metric::lpips::Lpips;

/// The networks used; by default none.
#[derive(Debug, Default)]
pub struct Judges {
    classifiers: Vec<Classifier>,
    lpips: Option<Lpips>,
}

/// Their verdict on one photograph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Whether each classifier was right on [output, truth, gray]; empty without a classifier or a class in the name.
    pub recognized: Vec<[bool; 3]>,
    /// LPIPS of [output, gray] to the truth; `None` when not measured or the picture is too small for it.
    pub lpips: Option<[f64; 2]>,
}

impl Verdict {
    /// The verdict if the output were the gray picture.
    #[must_use]
    pub fn of_gray(&self) -> Self {
        let recognized = self.recognized.iter().map(|&[_, truth, gray]| [gray, truth, gray]).collect();
        Self { recognized, lpips: self.lpips.map(|[_, gray]| [gray, gray]) }
    }
}

impl Judges {
    /// These networks.
    ///
    /// # Errors
    /// A classifier is named twice.
    pub fn new(classifiers: Vec<Classifier>, lpips: Option<Lpips>) -> Result<Self> {
        for (index, classifier) in classifiers.iter().enumerate() {
            let name = classifier.name();
            if classifiers[..index].iter().any(|before| before.name() == name) {
                bail!("--classifier: expected each network once, got {name} twice");
            }
        }
        Ok(Self { classifiers, lpips })
    }

    /// Loads them from their files.
    ///
    /// # Errors
    /// A file cannot be used, or two are of one network.
    pub fn load(classifiers: &[PathBuf], lpips: Option<&PathBuf>, device: Device) -> Result<Self> {
        let classifiers =
            classifiers.iter().map(|path| Classifier::load(path, device)).collect::<Result<_>>()?;
        Self::new(classifiers, lpips.map(|path| Lpips::load(path, device)).transpose()?)
    }

    /// The classifiers' names, in their order.
    #[must_use]
    pub fn classifiers(&self) -> Vec<&'static str> {
        self.classifiers.iter().map(Classifier::name).collect()
    }

    /// Their verdict on the photograph of this name; the pictures have one size.
    pub(super) fn look(&self, name: &str, [truth, gray, output]: [&RgbImage; 3]) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        if let Some(label) = classifier::label_of(name) {
            for classifier in &self.classifiers {
                let right = |picture| Ok::<_, anyhow::Error>(classifier.classify(picture)? == label);
                verdict.recognized.push([right(output)?, right(truth)?, right(gray)?]);
            }
        }
        if let Some(lpips) = &self.lpips {
            verdict.lpips = lpips.distances(truth, [output, gray])?;
        }
        Ok(verdict)
    }
}
