//! Gives the library the run-time search path of libtorch, and keeps what others export out of its symbols.
fn main() {
    autochrome_build_support::emit_libtorch_rpath();
    // Crates below export C callbacks of their own, which no host must see or can resolve by accident.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
}
