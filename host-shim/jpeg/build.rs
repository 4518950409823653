//! Compiles the C side against the headers that mozjpeg-sys was built with.

fn main() {
    println!("cargo:rerun-if-changed=src/decode.c");
    println!("cargo:rerun-if-changed=src/decode.h");
    let mut build = cc::Build::new();
    let folders = std::env::var_os("DEP_JPEG_INCLUDE").expect("mozjpeg-sys says where its headers are");
    build.includes(std::env::split_paths(&folders));
    build.file("src/decode.c").std("c11").warnings(true).extra_warnings(true).compile("autochrome_jpeg");
}
