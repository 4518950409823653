//! The boundary between a host in any language and what colors pictures behind it.
//!
//! The idea: **each exported function is check, borrow, safe call, write outputs.** What a host hands over is checked and
//! borrowed in `fence`, the one module with unsafe code; `call` turns every failure and every panic into a status and a
//! sentence; a [`Backend`] does the work and knows no C. The functions themselves stand in `abi`, one file per C type.
//!
//! A library is a [`table`] of a backend and the function that gives it: the plugin's backend is libtorch's, the stub's is a
//! fake, and both stand behind the very same fence.

mod abi;
mod backend;
mod call;
mod failure;
mod fault;
mod fence;
mod handles;

pub use abi::table;
pub use backend::{Backend, Map, ModelEntry, Progress, Request, Session, Used};
pub use failure::{Failure, c_text};
pub use fault::inject;
pub use fence::own_path;
