//! GIF, read only: its palette holds no photograph. Of an animation, the first frame is read.

use std::io::ErrorKind;

use autochrome_loader::PixelFormat;
use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::kind::Format;
use super::limits::Limits;
use super::problem::{ANIMATED, cut_short, damaged, plain};
use super::source::{Page, Pages, Source};
use crate::metadata::Metadata;
use crate::picture::Picture;

pub static FORMAT: Format = Format {
    name: "GIF",
    kinds: "all",
    extensions: &["gif"],
    recognizes: |start| start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a"),
    read,
    write: None,
};

/// Pixels a byte can hold: strings of 4096 in codes of 12 bits.
const MOST: u64 = 2731;

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Bytes(u64::try_from(limits.memory())?.try_into()?));
    options.check_frame_consistency(true);
    let mut decoder = options.read_info(source.reader).map_err(explain)?;
    let (width, height) = (decoder.width(), decoder.height());
    limits.size(width.into(), height.into())?;
    Limits::holds(FORMAT.name, width.into(), height.into(), length, MOST)?;
    let frame = decoder.read_next_frame().map_err(explain)?.ok_or_else(|| cut_short(FORMAT.name))?;
    // What a frame does not cover is transparent.
    let side = usize::from(width);
    let mut pixels = vec![0; side * usize::from(height) * 4];
    let row = usize::from(frame.width) * 4;
    for (y, values) in frame.buffer.chunks_exact(row.max(4)).enumerate() {
        let at = ((usize::from(frame.top) + y) * side + usize::from(frame.left)) * 4;
        if let Some(target) = pixels.get_mut(at..at + row) {
            target.copy_from_slice(values);
        }
    }
    let mut metadata = Metadata::default();
    if decoder.next_frame_info().is_ok_and(|next| next.is_some()) {
        metadata.notes.push(ANIMATED.into());
    }
    metadata.xmp = decoder.xmp_metadata().map(<[u8]>::to_vec);
    metadata.icc = decoder.icc_profile().map(<[u8]>::to_vec);
    let picture = Picture::new(PixelFormat::Rgba8, width.into(), height.into(), pixels);
    let picture = if picture.is_opaque() { picture.without_alpha() } else { picture };
    Ok(Pages::one(Page::new(picture, metadata)))
}

fn explain(error: DecodingError) -> anyhow::Error {
    match error {
        DecodingError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => cut_short(FORMAT.name),
        DecodingError::Io(error) => error.into(),
        error => damaged(FORMAT.name, &plain(&error.to_string())),
    }
}
