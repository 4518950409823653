//! `libautochrome.so`: the Colorize filter behind a stable C ABI.
//!
//! The idea: **each exported function is check, borrow, safe call, write outputs.** What a host hands over is
//! checked and borrowed in `boundary`, the one module with unsafe code; `call` turns every failure and every
//! panic into a status and a sentence; `session` does the work and knows no C. The functions themselves stand
//! in `abi`, one file per C type.

mod abi;
mod boundary;
mod call;
mod failure;
mod fault;
mod folders;
mod handles;
mod model_list;
mod session;

pub use abi::autochrome_api;
