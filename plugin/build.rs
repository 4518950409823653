//! Sets the library's run-time search path for libtorch, and hides symbols exported by its dependencies.
fn main() {
    autochrome_build_support::emit_libtorch_rpath();
    // Dependencies export C callbacks of their own, which no host may see or resolve by accident.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
}
