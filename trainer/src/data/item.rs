//! One photograph of a data set: its name, its class, and where its bytes are.

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::jpeg::Markers;
use super::{Header, cifar10};

/// Where the bytes of a photograph are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    Stretch {
        archive: Arc<File>,
        offset: u64,
        size: u64,
    },
    /// A CIFAR-10 record, from its label on.
    Record {
        batch: Arc<Vec<u8>>,
        offset: usize,
    },
}

/// A photograph that can be read.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path inside the data set.
    pub name: String,
    /// What it shows, where the data set says so.
    pub class: Option<String>,
    pub(super) place: Place,
}

/// Larger files are refused unread: no photograph to train on has so many bytes.
const MAX_BYTES: u64 = 256 << 20;
/// Larger sides are refused undecoded.
const MAX_SIDE: u32 = 20_000;
const UNREADABLE: &str = "cannot be read";

impl Item {
    /// Size of the photograph's file in bytes.
    ///
    /// # Errors
    /// The file is gone, or is none but a folder, a pipe or the like.
    pub fn size(&self) -> Result<u64> {
        Ok(match &self.place {
            Place::File(path) => {
                let metadata = std::fs::metadata(path).context(UNREADABLE)?;
                // Reading a pipe would never end.
                if !metadata.is_file() {
                    bail!("expected a file, got something else");
                }
                metadata.len()
            }
            Place::Stretch { size, .. } => *size,
            Place::Record { .. } => u64::try_from(cifar10::RECORD)?,
        })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// The file cannot be read or is larger than 256 MiB.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let size = self.size()?;
        if size > MAX_BYTES {
            bail!("expected at most {MAX_BYTES} bytes, got {size}");
        }
        match &self.place {
            Place::File(path) => std::fs::read(path).context(UNREADABLE),
            Place::Stretch { archive, offset, size } => {
                let mut bytes = vec![0; usize::try_from(*size)?];
                archive.read_exact_at(&mut bytes, *offset).context(UNREADABLE)?;
                Ok(bytes)
            }
            Place::Record { batch, offset } => Ok(batch[*offset..][..cifar10::RECORD].to_vec()),
        }
    }

    /// The photograph in 8-bit sRGB, turned upright as its EXIF says; of an animation, the first picture.
    ///
    /// # Errors
    /// The bytes cannot be read, are no image of a known format, claim sides above 20,000 pixels, or are a JPEG that has
    /// no end or whose CMYK polarity is unknown.
    pub fn decode(&self) -> Result<RgbImage> {
        if let Place::Record { batch, offset } = &self.place {
            return Ok(cifar10::picture(&batch[*offset..][..cifar10::RECORD]));
        }
        let bytes = self.bytes()?;
        let mut reader = ImageReader::new(Cursor::new(bytes.as_slice())).with_guessed_format()?;
        if reader.format() == Some(ImageFormat::Jpeg) {
            Markers::read(&bytes).check()?;
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image.into_rgb8())
    }

    /// The header of its file.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn header(&self) -> Result<Header> {
        if let Place::Record { .. } = &self.place {
            return Ok(Header { format: "CIFAR-10 record".to_owned(), remarks: Vec::new() });
        }
        Ok(Header::read(&self.name, &self.bytes()?))
    }
}
