//! What the user chose: the arguments of the procedure, the values of the dialog, the last values.
//!
//! The idea: **one struct, whoever fills it** - a script, the dialog of either GIMP, or GIMP's memory of the last run.

use autochrome_loader::{Params, limits};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Where the colors go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// A new layer in the mode "LCh Color" above the photograph, which is unchanged.
    #[default]
    NewLayer,
    /// The layer itself.
    InPlace,
}

impl Output {
    /// All of them, in the order of their numbers: name in scripts, and what it is.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::NewLayer, "new-layer", "New layer (keeps the photograph)"),
        (Self::InPlace, "in-place", "In place"),
    ];

    /// The one with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|(_, own, _)| *own == name);
        found
            .map(|(output, ..)| *output)
            .ok_or_else(|| Error::new(format!("output is `{name}`, expected `new-layer` or `in-place`")))
    }

    /// The one with this number.
    ///
    /// # Errors
    /// There is none.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        let found = usize::try_from(number).ok().and_then(|index| Self::ALL.get(index));
        found
            .map(|(output, ..)| *output)
            .ok_or_else(|| Error::new(format!("output is {number}, expected 0 (new layer) or 1 (in place)")))
    }

    /// Its number, and place in [`Output::ALL`].
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|(output, ..)| *output == self).unwrap_or_default()
    }

    /// Its name in scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self.number()].1
    }
}

/// Devices offered by the dialog: name in scripts, and what it is.
pub const DEVICES: [(&str, &str); 3] =
    [("auto", "Fastest available"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU")];

/// Largest strength.
pub const MAX_STRENGTH: f64 = *limits::STRENGTHS.end() as f64;

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of a model; empty for the default one.
    pub model: String,
    /// Factor on chroma, 0 to 1.5.
    pub strength: f64,
    /// Temperature, 0 vivid to 1 muted; negative for the model's own.
    pub temperature: f64,
    /// Where the colors go.
    pub output: Output,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: String::new(),
            strength: 1.0,
            temperature: -1.0,
            output: Output::NewLayer,
            device: "auto".into(),
        }
    }
}

impl Settings {
    /// Itself, when every value is in its range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn checked(self) -> Result<Self, Error> {
        if !(0.0..=MAX_STRENGTH).contains(&self.strength) {
            return Err(Error::new(format!("strength is {}, expected 0 to {MAX_STRENGTH}", self.strength)));
        }
        if self.temperature.is_nan() || self.temperature > f64::from(*limits::TEMPERATURES.end()) {
            return Err(Error::new(format!(
                "temperature is {}, expected 0 (vivid) to 1 (muted), or a negative number for the model's own",
                self.temperature
            )));
        }
        Ok(self)
    }

    /// As the plugin takes it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both are small and need no more than four digits")]
    pub fn params(&self) -> Params {
        Params {
            strength: self.strength as f32,
            temperature: (self.temperature >= 0.0).then_some(self.temperature as f32),
            model: (!self.model.is_empty()).then(|| self.model.clone()),
            device: (!self.device.is_empty()).then(|| self.device.clone()),
            ..Params::default()
        }
    }

    /// As GIMP keeps it between two runs.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// What [`Settings::to_text`] wrote; the default where an older version wrote something else.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        toml::from_str::<Self>(text).ok().and_then(|settings| settings.checked().ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_values_come_back_and_foreign_ones_do_not() {
        let settings = Settings { temperature: 0.25, output: Output::InPlace, ..Settings::default() };
        assert_eq!(Settings::from_text(&settings.to_text()), settings);
        assert_eq!(Settings::from_text("strength = 99"), Settings::default());
        let wild = Settings { strength: 99.0, ..Settings::default() };
        assert_eq!(Settings::from_text(&wild.to_text()), Settings::default());
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let strong = Settings { strength: 2.0, ..Settings::default() }.checked().unwrap_err();
        assert_eq!(strong.to_string(), "strength is 2, expected 0 to 1.5");
        let hot = Settings { temperature: f64::NAN, ..Settings::default() }.checked().unwrap_err();
        assert!(hot.to_string().starts_with("temperature is NaN, expected 0 (vivid) to 1 (muted)"));
        assert_eq!(
            Output::from_number(7).unwrap_err().to_string(),
            "output is 7, expected 0 (new layer) or 1 (in place)"
        );
    }

    #[test]
    fn a_negative_temperature_is_the_models_own() {
        assert_eq!(Settings::default().params().temperature, None);
        let vivid = Settings { temperature: 0.0, model: "m".into(), ..Settings::default() }.params();
        assert_eq!((vivid.temperature, vivid.model.as_deref()), (Some(0.0), Some("m")));
    }
}
