//! Gives the library the run-time search path of libtorch.
fn main() {
    autochrome_build_support::emit_libtorch_rpath();
}
