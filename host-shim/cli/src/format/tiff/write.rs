//! TIFF as it is written: uncompressed strips, one page after another, each with its own metadata.

use std::cell::RefCell;
use std::io::{self, Seek, SeekFrom, Write};
use std::rc::Rc;

use anyhow::bail;
use autochrome_loader::PixelFormat;
use tiff::TiffError;
use tiff::encoder::colortype::{ColorType, RGB8, RGB16, RGB32Float, RGBA8, RGBA16, RGBA32Float};
use tiff::encoder::{DirectoryEncoder, ImageEncoder, Rational, TiffEncoder, TiffKindStandard, TiffValue};
use tiff::tags::{ResolutionUnit, Tag, Type};

use super::tags::{ICC, IPTC, XMP};
use crate::format::kind::{Output, Pager};
use crate::metadata::exif::{Field, Fields};
use crate::metadata::{Metadata, srgb};
use crate::picture::Picture;

/// Bytes of pixels in a file, whose offsets are 32 bits.
const MOST: u64 = 0xF000_0000;

/// A file being written. The encoder keeps its writer to itself, so the two share it.
struct File {
    encoder: TiffEncoder<Shared>,
    output: Shared,
    written: u64,
}

/// Begins a file.
pub fn begin(output: Output) -> anyhow::Result<Box<dyn Pager>> {
    let output = Shared(Rc::new(RefCell::new(output)));
    Ok(Box::new(File { encoder: TiffEncoder::new(output.clone())?, output, written: 0 }))
}

#[derive(Clone)]
struct Shared(Rc<RefCell<Output>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl Seek for Shared {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(position)
    }
}

impl Pager for File {
    fn page(&mut self, picture: &Picture, metadata: &Metadata) -> anyhow::Result<()> {
        self.written += u64::try_from(picture.pixels.len())?;
        if self.written > MOST {
            bail!("TIFF files are limited to 4 GB, and the pages need more; write PNG, or fewer pages");
        }
        match (picture.format, picture.alpha) {
            (PixelFormat::Rgb8, _) => self.image::<RGB8, 1>(picture, metadata, |[byte]| byte),
            (PixelFormat::Rgba8, _) => self.image::<RGBA8, 1>(picture, metadata, |[byte]| byte),
            (PixelFormat::Rgb16, _) => self.image::<RGB16, 2>(picture, metadata, u16::from_ne_bytes),
            (PixelFormat::Rgba16, _) => self.image::<RGBA16, 2>(picture, metadata, u16::from_ne_bytes),
            (PixelFormat::RgbaF32, true) => {
                self.image::<RGBA32Float, 4>(picture, metadata, f32::from_ne_bytes)
            }
            (PixelFormat::RgbaF32, false) => {
                self.image::<RGB32Float, 4>(picture, metadata, f32::from_ne_bytes)
            }
            (other, _) => bail!("{other:?} has no color to write"),
        }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.output.flush()?)
    }
}

impl File {
    fn image<Color: ColorType, const BYTES: usize>(
        &mut self,
        picture: &Picture,
        metadata: &Metadata,
        sample: fn([u8; BYTES]) -> Color::Inner,
    ) -> anyhow::Result<()>
    where
        [Color::Inner]: TiffValue,
    {
        let fields = metadata.exif.as_deref().and_then(Fields::parse).unwrap_or_default();
        let below = [(Tag::ExifDirectory, &fields.exif), (Tag::GpsDirectory, &fields.gps)];
        let mut places = Vec::new();
        for (tag, fields) in below.into_iter().filter(|(_, fields)| !fields.is_empty()) {
            let mut directory = self.encoder.extra_directory()?;
            put(&mut directory, fields)?;
            places.push((tag, directory.finish_with_offsets()?.offset));
        }
        let mut image = self.encoder.new_image::<Color>(picture.width, picture.height)?;
        if Color::BITS_PER_SAMPLE.len() == 4 {
            // Alpha that the colors are not multiplied by.
            image.encoder().write_tag(Tag::ExtraSamples, &[2_u16][..])?;
        }
        describe(&mut image, &fields, metadata)?;
        for (tag, offset) in places {
            image.encoder().write_tag(tag, offset)?;
        }
        strips(image, picture, sample)?;
        Ok(())
    }
}

/// Writes the pixels, converted a strip at a time; floats without transparency lose their fourth channel.
fn strips<Color: ColorType, const BYTES: usize>(
    mut image: ImageEncoder<'_, Shared, Color, TiffKindStandard>,
    picture: &Picture,
    sample: fn([u8; BYTES]) -> Color::Inner,
) -> Result<(), TiffError>
where
    [Color::Inner]: TiffValue,
{
    let channels = picture.format.bytes_per_pixel() / BYTES;
    let kept = Color::BITS_PER_SAMPLE.len();
    let mut pixels = picture.pixels.as_slice();
    let mut strip = Vec::new();
    loop {
        let samples = usize::try_from(image.next_strip_sample_count())?;
        if samples == 0 {
            return image.finish();
        }
        let (now, later) = pixels.split_at(samples / kept * channels * BYTES);
        pixels = later;
        strip.clear();
        for pixel in now.chunks_exact(channels * BYTES) {
            strip.extend(pixel.as_chunks::<BYTES>().0[..kept].iter().map(|bytes| sample(*bytes)));
        }
        image.write_strip(&strip)?;
    }
}

fn describe<Color: ColorType>(
    image: &mut ImageEncoder<'_, Shared, Color, TiffKindStandard>,
    fields: &Fields,
    metadata: &Metadata,
) -> anyhow::Result<()> {
    put(image.encoder(), &fields.main)?;
    if let Some(density) = metadata.density {
        let [x, y] = density.fractions().map(|fraction| rational(&fraction));
        image.resolution_unit(ResolutionUnit::Inch);
        image.x_resolution(x);
        image.y_resolution(y);
    }
    let encoder = image.encoder();
    encoder.write_tag(Tag::Orientation, 1_u16)?;
    let blocks =
        [(XMP, 1, metadata.xmp.clone()), (IPTC, 7, metadata.iptc.clone()), (ICC, 7, Some(srgb::profile()))];
    let fields = blocks.into_iter().filter_map(|(tag, kind, data)| Some(Field { tag, kind, data: data? }));
    put(encoder, &fields.collect::<Vec<_>>())
}

fn rational(fraction: &[u8]) -> Rational {
    let number = |at: usize| {
        fraction.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(1, |bytes| u32::from_ne_bytes(*bytes))
    };
    Rational { n: number(0), d: number(4) }
}

/// Writes values as they are; a directory sorts them itself.
fn put(
    directory: &mut DirectoryEncoder<'_, Shared, TiffKindStandard>,
    fields: &[Field],
) -> anyhow::Result<()> {
    for field in fields {
        if let Some(kind) = Type::from_u16(field.kind) {
            let entry = directory.write_entry_bytes(kind, &field.data)?;
            let mut one = tiff::Directory::empty();
            one.extend([(Tag::from_u16_exhaustive(field.tag), entry)]);
            directory.extend_from(&one);
        }
    }
    Ok(())
}
