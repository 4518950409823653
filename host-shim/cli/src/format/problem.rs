//! What is said of a file that cannot be read, in the same words for every format.

use anyhow::anyhow;

/// What is said when the bytes end too early.
pub fn cut_short(name: &str) -> anyhow::Error {
    anyhow!("the {name} is cut short")
}

/// What is said of bytes that make no sense; `error` is the decoder's word for it.
pub fn damaged(name: &str, error: &dyn std::fmt::Display) -> anyhow::Error {
    let text = error.to_string();
    anyhow!("the {name} is damaged: {}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What is said of a kind of file the decoder does not know.
pub fn unsupported(name: &str, what: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("this kind of {name} cannot be read: {what}; another program can save it as PNG or TIFF")
}
