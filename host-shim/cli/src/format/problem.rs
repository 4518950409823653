//! Errors about files that cannot be read, in the same words for every format.

use anyhow::anyhow;

/// The note on a file of several frames.
pub const ANIMATED: &str = "animated: only the first frame is used";

/// The bytes end too early.
pub fn cut_short(name: &str) -> anyhow::Error {
    anyhow!("the {name} is truncated: its end is missing")
}

/// The bytes make no sense; `what` says how, in words of ours.
pub fn damaged(name: &str, what: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("the {name} is damaged: {what}")
}

/// A library's message as a sentence for people: known kinds in words of ours, one line, no names of types.
pub fn plain(message: &str) -> String {
    let text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_ascii_lowercase();
    let known = [
        (&["crc", "checksum", "adler"][..], "a checksum does not match"),
        (&["flate", "distance too far", "huffman"], "its compressed data make no sense"),
        (&["dimension"], "its width or height is 0 or too large"),
        (&["bitstream", "bit stream"], "its compressed data make no sense"),
        (&["end of file", "eof"], "its end is missing"),
        (&["signature", "magic"], "its first bytes are not those of its format"),
    ];
    if let Some((_, words)) = known.iter().find(|(keys, _)| keys.iter().any(|key| lower.contains(key))) {
        return (*words).into();
    }
    if text.contains(['{', '}', '"', '[', '(', ':', '_']) || text.is_empty() {
        return "its data make no sense".into();
    }
    let mut text = text.trim_end_matches('.').to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// The decoder does not know this kind of file.
pub fn unsupported(name: &str, what: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("this kind of {name} cannot be read: {what}; another program can save it as PNG or TIFF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_for_programmers_is_in_a_sentence() {
        for (message, expected) in [
            (
                "CRC error: expected 0x7bb60301 have 0x43730738 while decoding ChunkType { type: IHDR }",
                "a checksum does not match",
            ),
            ("Corrupt deflate stream. DistanceTooFarBack", "its compressed data make no sense"),
            ("IoError(Kind(UnexpectedEof))", "its end is missing"),
            ("Invalid image\n  type.", "invalid image type"),
        ] {
            assert_eq!(plain(message), expected);
        }
    }
}
