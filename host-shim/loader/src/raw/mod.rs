//! The one place with unsafe code: loading the library and calling through its table.
//!
//! It rests on three facts. The library is never unloaded, so its functions and static strings live as long as the
//! program. A function is read from the table only when `struct_size` covers it. Strings are copied before the
//! call that returned them is followed by another.
#![allow(unsafe_code, reason = "the calling side of the C ABI")]

mod api;
mod load;
mod session;

pub(crate) use api::Api;
pub(crate) use session::Session;
