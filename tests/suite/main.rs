//! Everything a user relies on, tested through the real programs and libraries; one module an area.

mod abi;
mod cli;
mod figures;
mod install;
mod loader;
mod package;
mod shipped;
mod trainer;
mod xtask;
