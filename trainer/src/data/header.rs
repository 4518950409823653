//! The header of a photograph's file: its format, and what is unusual about it.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ExtendedColorType, ImageDecoder, ImageFormat, ImageReader};

use super::Remark;
use super::jpeg::Markers;

/// The header of a photograph's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its format by content: `JPEG`, `PNG`, ..., `none known`.
    pub format: String,
    /// What is unusual about it, in words.
    pub remarks: Vec<(Remark, String)>,
}

impl Header {
    /// Reads it from the bytes of a file of that name; damage is left to decoding to report.
    pub(super) fn read(name: &str, bytes: &[u8]) -> Self {
        let Ok(format) = image::guess_format(bytes) else {
            return Header { format: "none known".to_owned(), remarks: Vec::new() };
        };
        let mut remarks = unusual(format, bytes);
        if ImageFormat::from_path(name).is_ok_and(|labeled| labeled != format) {
            remarks.push((Remark::Mislabeled, format!("{} by its content", name_of(format))));
        }
        Header { format: name_of(format), remarks }
    }
}

fn unusual(format: ImageFormat, bytes: &[u8]) -> Vec<(Remark, String)> {
    let mut remarks = Vec::new();
    let mut note = |remark, text: &str| remarks.push((remark, text.to_owned()));
    if is_animated(format, bytes) {
        note(Remark::Animated, "only the first frame is used");
    }
    let decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder();
    if let Ok(decoder) = decoder {
        let color = decoder.color_type();
        let original = decoder.original_color_type();
        let inks = matches!(original, ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16);
        if inks || (format == ImageFormat::Jpeg && Markers::read(bytes).is_cmyk()) {
            note(Remark::Cmyk, "stored as inks; their color profile is not used");
        }
        let bits = color.bits_per_pixel() / u16::from(color.channel_count());
        if bits > 8 {
            note(Remark::Deep, &format!("{bits} bits per channel, reduced to 8"));
        }
        if color.has_alpha() {
            note(Remark::Alpha, "transparency was dropped");
        }
    }
    remarks
}

fn is_animated(format: ImageFormat, bytes: &[u8]) -> bool {
    let bytes = Cursor::new(bytes);
    match format {
        ImageFormat::Png => PngDecoder::new(bytes).is_ok_and(|decoder| decoder.is_apng().unwrap_or(false)),
        ImageFormat::WebP => WebPDecoder::new(bytes).is_ok_and(|decoder| decoder.has_animation()),
        _ => false,
    }
}

fn name_of(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".to_owned(),
        other => format!("{other:?}").to_uppercase(),
    }
}
