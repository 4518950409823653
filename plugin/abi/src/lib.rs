//! The stable interface of the Autochrome plugin.
//!
//! The idea: **one exported function returns one append-only table of functions**. Every struct begins with its own
//! size, so a host and a plugin of different versions agree on what both know. `autochrome.h` is generated from
//! this crate, and `root` wraps the same table as an `abi_stable` root module, so there is one definition.
//!
//! This crate depends on neither libtorch nor a host: plugin, stub plugin and loader share it.

#![allow(non_camel_case_types, reason = "these are the C header's names")]

mod format;
mod root;
mod status;
mod table;
mod types;

pub use format::{format_number, pixel_format};
pub use root::{AutochromeRoot, AutochromeRoot_Ref};
pub use status::*;
pub use table::*;
pub use types::*;

/// Major version of the interface: plugin and host must agree on it.
pub const AUTOCHROME_ABI_MAJOR: u32 = 1;
/// Minor version of the interface: raised when functions or fields are appended.
pub const AUTOCHROME_ABI_MINOR: u32 = 2;
