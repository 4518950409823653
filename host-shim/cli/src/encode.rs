//! From pixels to a file that is whole or absent: written beside its place, then renamed.
//!
//! JPEG and WebP hold 8 bits, so deeper pictures are rounded for them; JPEG holds no transparency, so a picture
//! that has some is refused rather than flattened.

use std::fs::{self, Permissions};
use std::io::{BufWriter, ErrorKind, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use autochrome_loader::Format;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat};

use crate::decode::Picture;
use crate::stop::{Stop, Stoppable};

/// The formats read and written.
pub const FORMATS: [ImageFormat; 4] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Tiff, ImageFormat::WebP];

/// The format that a file's extension names.
pub fn by_extension(path: &Path) -> anyhow::Result<ImageFormat> {
    let format = ImageFormat::from_path(path).ok().filter(|format| FORMATS.contains(format));
    format.with_context(|| {
        format!("{} must end in .jpg, .png, .tif or .webp, as that says what to write", path.display())
    })
}

/// What people call a format.
pub fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}

/// Whether `format` can hold the result of colorizing `picture`: asked before the work is done.
pub fn check(format: ImageFormat, picture: &Picture) -> anyhow::Result<()> {
    let side = match format {
        ImageFormat::Jpeg => 65_535,
        ImageFormat::WebP => 16_383,
        _ => u32::MAX,
    };
    let (width, height) = (picture.width, picture.height);
    if width > side || height > side {
        bail!(
            "{} holds at most {side} pixels a side, the picture is {width} x {height}; write TIFF or PNG",
            name(format)
        );
    }
    if format == ImageFormat::Tiff && picture.pixels.len() > 0xF000_0000 / 3 {
        let bytes = u64::from(width) * u64::from(height) * 8;
        if bytes > 0xF000_0000 {
            bail!("TIFF holds at most 4 GB, the picture is {width} x {height}; write PNG");
        }
    }
    if format == ImageFormat::Jpeg && !is_opaque(picture) {
        bail!("the picture is partly transparent, which JPEG cannot hold; write PNG, TIFF or WebP");
    }
    Ok(())
}

fn is_opaque(picture: &Picture) -> bool {
    match picture.format {
        Format::Rgba8 => picture.pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 0xFF),
        Format::Rgba16 => picture.pixels.as_chunks::<8>().0.iter().all(|pixel| pixel[6..] == [0xFF; 2]),
        _ => true,
    }
}

/// Writes `picture`, which has colour or is a map of 8 bits, to `path`.
pub fn save(picture: Picture, path: &Path, quality: u8, overwrite: bool, stop: &Stop) -> anyhow::Result<()> {
    let format = by_extension(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let mut file = tempfile::Builder::new()
        .prefix(".autochrome-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(|| format!("the folder {} cannot be written to", folder.display()))?;
    let _partial = stop.partial_file(file.path());
    let mut writer = BufWriter::new(Stoppable { inner: file.as_file_mut(), stop });
    let written = write(picture, format, quality, &mut writer).and_then(|()| Ok(writer.flush()?));
    drop(writer);
    stop.check()?;
    written.and_then(|()| Ok(file.as_file().sync_all()?)).context("the output cannot be written")?;
    let placed = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    placed.map(|_| ()).map_err(|error| match error.error.kind() {
        ErrorKind::AlreadyExists => {
            anyhow!("the output {} came into being meanwhile; --overwrite replaces it", path.display())
        }
        _ => anyhow!("the output {} cannot be written: {}", path.display(), error.error),
    })
}

fn write<W: Write + Seek>(
    picture: Picture,
    format: ImageFormat,
    quality: u8,
    writer: W,
) -> anyhow::Result<()> {
    match format {
        ImageFormat::Jpeg => {
            let picture = without_alpha(at_8_bits(picture));
            put(JpegEncoder::new_with_quality(writer, quality), picture)
        }
        ImageFormat::Png => put(PngEncoder::new(writer), picture),
        ImageFormat::Tiff => put(TiffEncoder::new(writer), picture),
        ImageFormat::WebP => put(WebPEncoder::new_lossless(writer), at_8_bits(picture)),
        other => bail!("{other:?} is not written"),
    }
}

fn put(mut encoder: impl ImageEncoder, picture: Picture) -> anyhow::Result<()> {
    let kind = match picture.format {
        Format::Gray8 => ExtendedColorType::L8,
        Format::Rgb8 => ExtendedColorType::Rgb8,
        Format::Rgba8 => ExtendedColorType::Rgba8,
        Format::Rgb16 => ExtendedColorType::Rgb16,
        Format::Rgba16 => ExtendedColorType::Rgba16,
        other => bail!("{other:?} has no colour to write"),
    };
    if let Some(profile) = picture.profile {
        encoder
            .set_icc_profile(profile)
            .map_err(|error| anyhow!("the colour profile cannot be kept: {error}"))?;
    }
    Ok(encoder.write_image(&picture.pixels, picture.width, picture.height, kind)?)
}

fn at_8_bits(picture: Picture) -> Picture {
    let format = match picture.format {
        Format::Rgb16 => Format::Rgb8,
        Format::Rgba16 => Format::Rgba8,
        _ => return picture,
    };
    let round = |sample: &[u8; 2]| {
        let sample = u32::from(u16::from_ne_bytes(*sample));
        u8::try_from((sample * 255 + 32_767) / 65_535).unwrap_or(u8::MAX)
    };
    let pixels = picture.pixels.as_chunks::<2>().0.iter().map(round).collect();
    Picture { format, pixels, ..picture }
}

/// Drops the alpha of an opaque picture of 8 bits.
fn without_alpha(picture: Picture) -> Picture {
    if picture.format != Format::Rgba8 {
        return picture;
    }
    let pixels =
        picture.pixels.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]);
    Picture { format: Format::Rgb8, pixels: pixels.collect(), ..picture }
}
