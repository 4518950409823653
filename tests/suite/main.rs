//! Everything a user relies on, tested through the real programs and libraries; one module per area.

mod abi;
mod abi_history;
mod abi_memory;
mod cli;
mod data;
mod figures;
mod gimp;
mod install;
mod loader;
mod metrics;
mod pack;
mod package;
mod pages;
mod shipped;
mod sizes;
mod trainer;
mod trainer_faults;
mod xtask;
