//! Names of files in JSON: text, or, where a name is not valid UTF-8, the list of its bytes, so that none is lost.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

/// A path as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Path> for Name {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.into()),
            None => Self::Bytes(path.as_os_str().as_bytes().into()),
        }
    }
}

impl From<&Name> for PathBuf {
    fn from(name: &Name) -> Self {
        match name {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => OsString::from_vec(bytes.clone()).into(),
        }
    }
}

/// For serde.
pub fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    Name::from(path).serialize(serializer)
}

/// For serde.
#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub fn optional<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(Name::from).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn names_come_back_whatever_their_bytes() {
        for (bytes, json) in [(&b"a/\xC3\xA9.png"[..], "\"a/é.png\""), (b"\xE9.png", "[233,46,112,110,103]")]
        {
            let path = Path::new(OsStr::from_bytes(bytes));
            let text = serde_json::to_string(&Name::from(path)).unwrap();
            assert_eq!(text, json);
            let name: Name = serde_json::from_str(&text).unwrap();
            assert_eq!(PathBuf::from(&name), path);
        }
    }
}
