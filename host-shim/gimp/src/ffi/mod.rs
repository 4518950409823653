//! The fence: everything that touches GIMP's memory, and all unsafe code of this program.
//!
//! It rests on four facts. GIMP's libraries are opened at run time and never closed, so a function found in them
//! lives as long as the program. A table of functions is made only when each was found, and what may be handed to them
//! is a matter of types ([`passed`]). GIMP calls back on the one thread that called it. No panic leaves a callback: each
//! runs inside [`guarded`].
//!
//! The two generations differ in what names an image or a layer, a number in 2.10 and a pointer in 3
//! ([`handle::Handle`]), and in a few names; the functions are otherwise the same, so [`core::Core`] is written once. What a
//! call comes to is handed in as a type ([`work::Work`]).
#![allow(unsafe_code, reason = "the calling side of libgimp, GEGL and GTK")]

pub mod core;
pub mod gimp2;
pub mod gimp3;
pub mod glib;
pub mod gtk;
pub mod handle;
pub mod library;
mod passed;
pub mod pixels;
pub mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;

/// The procedure's name in both generations.
const PROCEDURE: &std::ffi::CStr = c"plug-in-autochrome-colorize";

/// Runs `work` for a callback of GIMP: a panic becomes an error, as it must not reach C.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::new(format!("internal error in autochrome-gimp ({text}); please report it")))
    })
}
