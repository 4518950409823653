//! The boundary between a host in any language and what colorizes images behind it.
//!
//! The idea: **each exported function is check, borrow, safe call, write outputs.** `fence`, the one module that
//! dereferences pointers, checks and borrows what a host passes in; `call` turns every failure and panic into a status and
//! a message; a [`Backend`] does the work and knows nothing of C. The functions themselves are in `abi`, one file per C
//! type: they are unsafe, their contract is the header's, and each states it to the fence once.
//!
//! A library is a backend's [`table`] and the function that returns it. The plugin's backend uses libtorch, the
//! stub's is a fake; both are behind the very same fence.

mod abi;
mod backend;
mod call;
mod failure;
mod fence;
mod handles;

pub use abi::table;
pub use backend::{Backend, Given, Map, ModelEntry, Progress, Request, Session, Used};
pub use failure::{Failure, c_text};
pub use fence::own_path;
