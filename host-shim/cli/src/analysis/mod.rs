//! What the command line itself computes about colors: whether there are any, which ones, a layer of them without
//! lightness, and the model's confidence in them.
//!
//! How colors are predicted is the plugin's business and not known here.

mod colors;
pub mod confidence;
pub mod layer;
pub mod palette;
pub mod spread;
