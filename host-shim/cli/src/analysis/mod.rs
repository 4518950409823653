//! What the command line itself computes about pictures: whether they have colors, which ones, a layer of them without
//! lightness, the model's confidence in them, and what is no ordinary photograph.
//!
//! How colors are predicted is the plugin's business and not known here.

mod colors;
pub mod confidence;
pub mod kinds;
pub mod layer;
pub mod palette;
pub mod spread;
