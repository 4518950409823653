//! PNM: PBM, PGM, PPM and PAM of 8 and 16 bits. Written as PPM (P6); as PAM (P7), which fewer programs read, only with
//! transparency or when the name asks for it.

use std::io::Write;

use image::codecs::pnm::PnmDecoder;

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::source::{Pages, Source};
use super::with_image;
use crate::metadata::{Holds, Metadata};
use crate::picture::{Depth, Picture};

pub static FORMAT: Format = Format {
    name: "PNM",
    kinds: "PBM, PGM, PPM, PAM",
    extensions: &["ppm", "pnm", "pgm", "pbm", "pam"],
    recognizes: |start| matches!(start, [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace()),
    read,
    write: Some(Writer {
        max_side: u32::MAX,
        depth: Depth::Sixteen,
        alpha: true,
        holds: Holds { exif: 0, xmp: 0, iptc: 0, density: false, texts: false },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold: eight of one bit.
const MOST: u64 = 8;

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let decoder = PnmDecoder::new(source.reader).map_err(|error| with_image::explain(&error, FORMAT.name))?;
    with_image::read(decoder, FORMAT.name, length, MOST, limits)
}

fn write(picture: &Picture, _: &Metadata, options: &Options, mut output: Output) -> anyhow::Result<()> {
    let deep = picture.depth() != Depth::Eight;
    let (width, height, most) = (picture.width, picture.height, if deep { 65_535 } else { 255 });
    if picture.alpha || options.pam {
        let (channels, kind) = if picture.alpha { (4, "RGB_ALPHA") } else { (3, "RGB") };
        write!(
            output,
            "P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {most}\nTUPLTYPE {kind}\nENDHDR\n"
        )?;
    } else {
        write!(output, "P6\n{width} {height}\n{most}\n")?;
    }
    if deep {
        for sample in picture.pixels.as_chunks::<2>().0 {
            output.write_all(&u16::from_ne_bytes(*sample).to_be_bytes())?;
        }
    } else {
        output.write_all(&picture.pixels)?;
    }
    flush(output)
}
