//! IPTC-IIM, the press's captions and credits: bytes that are carried over, never interpreted.
//!
//! JPEG and PNG hold them inside Photoshop's image resources. The other resources (a gray thumbnail, paths, print
//! settings) are not preserved.

/// The bytes that Photoshop's segment of a JPEG begins with.
pub const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// Bytes around the data of a resource: signature, number, no name, length, padding.
pub const RESOURCE: usize = 4 + 2 + 2 + 4 + 1;
/// The number of the resource that holds IPTC.
const NUMBER: u16 = 0x0404;

/// The IPTC data among Photoshop's resources; bare data is taken as is.
pub fn from_photoshop(resources: &[u8]) -> Option<Vec<u8>> {
    let mut rest = resources.strip_prefix(PHOTOSHOP).unwrap_or(resources);
    if rest.first() == Some(&0x1C) {
        return Some(rest.to_vec());
    }
    while let Some(after) = rest.strip_prefix(b"8BIM") {
        let (number, after) = after.split_first_chunk()?;
        // The name is a Pascal string; it and the data are padded to even lengths.
        let name = usize::from(*after.first()?) + 1;
        let (length, after) = after.get(name.next_multiple_of(2)..)?.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        if u16::from_be_bytes(*number) == NUMBER {
            return Some(data.to_vec()).filter(|data| !data.is_empty());
        }
        rest = after.get(length.next_multiple_of(2)..)?;
    }
    None
}

/// The resource that holds `iptc`.
pub fn resource(iptc: &[u8]) -> Vec<u8> {
    let length = u32::try_from(iptc.len()).unwrap_or(0).to_be_bytes();
    let mut resource = [b"8BIM", &NUMBER.to_be_bytes()[..], &[0; 2], &length, iptc].concat();
    resource.resize(resource.len().next_multiple_of(2), 0);
    resource
}

/// Photoshop's segment of a JPEG with nothing but `iptc` in it.
pub fn to_photoshop(iptc: &[u8]) -> Vec<u8> {
    [PHOTOSHOP, &resource(iptc)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_found_again() {
        for iptc in [&b"\x1C\x02\x78\0\x05Words"[..], b"\x1C\x02\x78\0\x04Word"] {
            let thumbnail = [b"8BIM\x04\x0C\x03abc", &3_u32.to_be_bytes()[..], b"xyz\0"].concat();
            let resources = [&thumbnail, &resource(iptc)[..]].concat();
            assert_eq!(from_photoshop(&resources).as_deref(), Some(iptc));
            assert_eq!(from_photoshop(&to_photoshop(iptc)).as_deref(), Some(iptc));
            assert!(to_photoshop(iptc).len() <= PHOTOSHOP.len() + RESOURCE + iptc.len());
            for cut in 0..resources.len() {
                from_photoshop(&resources[..cut]);
            }
        }
    }
}
