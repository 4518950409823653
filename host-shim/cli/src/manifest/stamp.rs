//! What a file was: size and time of its last change, which cost nothing to compare, and the sha256 of its content.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::stop::{Stop, Stoppable};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
    #[serde(with = "hex")]
    pub sha256: [u8; 32],
}

/// Size and time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    pub bytes: u64,
    pub modified_ns: i64,
}

impl Outside {
    pub fn of(metadata: &Metadata) -> Self {
        let seconds = metadata.mtime().saturating_mul(1_000_000_000);
        Self { bytes: metadata.len(), modified_ns: seconds.saturating_add(metadata.mtime_nsec()) }
    }

    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&fs::metadata(path)?))
    }
}

impl Stamp {
    /// Reads all of an open file.
    pub fn of(mut file: File, stop: &Stop) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let Outside { bytes, modified_ns } = Outside::of(&file.metadata()?);
        let mut reader = Stoppable { inner: file, stop: stop.clone() };
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => hash.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { bytes, modified_ns, sha256: hash.finalize().into() })
    }

    /// Whether the file at `path` has this content. Its content is read only when the size is right and the time is not.
    pub fn is_of(&self, path: &Path, outside: Outside, stop: &Stop) -> io::Result<bool> {
        if outside.bytes != self.bytes {
            return Ok(false);
        }
        if outside.modified_ns == self.modified_ns {
            return Ok(true);
        }
        Ok(Self::of(File::open(path)?, stop)?.sha256 == self.sha256)
    }
}

/// 32 bytes as 64 hexadecimal digits.
mod hex {
    use std::fmt::Write;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(64);
        for byte in bytes {
            // A String takes everything.
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let digits = text.as_bytes().as_chunks::<2>();
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(D::Error::custom("a sha256 has 64 hexadecimal digits"));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.0) {
            let pair = std::str::from_utf8(pair).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(bytes)
    }
}
