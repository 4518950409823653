//! Errors about files that cannot be read, in the same words for every format.

use anyhow::anyhow;

/// The bytes end too early.
pub fn cut_short(name: &str) -> anyhow::Error {
    anyhow!("the {name} is cut short")
}

/// The bytes make no sense; `error` is the decoder's message.
pub fn damaged(name: &str, error: &dyn std::fmt::Display) -> anyhow::Error {
    let text = error.to_string();
    anyhow!("the {name} is damaged: {}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The decoder does not know this kind of file.
pub fn unsupported(name: &str, what: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("this kind of {name} cannot be read: {what}; another program can save it as PNG or TIFF")
}
