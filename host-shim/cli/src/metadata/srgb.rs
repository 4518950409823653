//! The profile that results carry: sRGB (IEC 61966-2-1) as an ICC profile of version 4.3.
//!
//! Built here from the numbers, since moxcms's encoder neither aligns its tags nor writes D50 into the header, which
//! strict readers (libpng) refuse. Its date is fixed, so the same photograph always gives the same file.

/// The white of the profile connection space.
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
/// The primaries of sRGB, adapted to D50 (Bradford).
const RED: [f64; 3] = [0.436_07, 0.222_49, 0.013_92];
const GREEN: [f64; 3] = [0.385_15, 0.716_87, 0.097_08];
const BLUE: [f64; 3] = [0.143_07, 0.060_61, 0.714_10];
/// From D65 to D50 (Bradford), by rows.
const ADAPTATION: [f64; 9] =
    [1.047_88, 0.022_92, -0.050_19, 0.029_59, 0.990_48, -0.017_07, -0.009_25, 0.015_08, 0.751_68];
/// The curve: exponent, and where it meets the straight piece (ICC.1, parametric curve of type 3).
const CURVE: [f64; 5] = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];

/// The profile's bytes.
pub fn profile() -> Vec<u8> {
    let curve = [&b"para\0\0\0\0\0\x03\0\0"[..], &fixed(&CURVE)].concat();
    let values: [(&[u8; 4], Vec<u8>); 10] = [
        (b"desc", text("sRGB")),
        (b"cprt", text("Public Domain")),
        (b"wtpt", xyz(&D50)),
        (b"chad", [&b"sf32\0\0\0\0"[..], &fixed(&ADAPTATION)].concat()),
        (b"rXYZ", xyz(&RED)),
        (b"gXYZ", xyz(&GREEN)),
        (b"bXYZ", xyz(&BLUE)),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
    ];
    let mut table = number(values.len()).to_vec();
    let mut data: Vec<u8> = Vec::new();
    let begin = 128 + 4 + 12 * values.len();
    let mut last = (Vec::new(), 0);
    for (tag, value) in values {
        // The three curves are stored once.
        if value != last.0 {
            last = (value, begin + data.len());
            data.extend(&last.0);
            data.resize(data.len().next_multiple_of(4), 0);
        }
        table.extend([&tag[..], &number(last.1), &number(last.0.len())].concat());
    }
    let mut profile = header(begin + data.len());
    profile.extend(table);
    profile.extend(data);
    profile
}

fn header(size: usize) -> Vec<u8> {
    let mut header = number(size).to_vec();
    header.extend(b"\0\0\0\0\x04\x30\0\0mntrRGB XYZ ");
    header.extend([2026_u16, 1, 1, 0, 0, 0].map(u16::to_be_bytes).concat());
    header.extend(b"acsp");
    // Platform, flags, maker, model, attributes and intent: none, and perceptual.
    header.resize(68, 0);
    header.extend(fixed(&D50));
    header.resize(128, 0);
    header
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(0).to_be_bytes()
}

/// Fixed-point numbers, s15.16.
#[expect(clippy::cast_possible_truncation, reason = "numbers of this file, below 3")]
fn fixed(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| ((value * 65_536.0).round() as i32).to_be_bytes()).collect()
}

fn xyz(values: &[f64; 3]) -> Vec<u8> {
    [&b"XYZ \0\0\0\0"[..], &fixed(values)].concat()
}

/// A text in one language.
fn text(text: &str) -> Vec<u8> {
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [&b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0CenUS"[..], &number(utf16.len()), &number(28), &utf16].concat()
}

#[cfg(test)]
mod tests {
    use moxcms::ColorProfile;

    use super::*;

    #[test]
    fn another_program_reads_it_as_srgb() {
        let bytes = profile();
        assert!(bytes.len() < 1024 && bytes.len().is_multiple_of(4));
        let (ours, theirs) = (ColorProfile::new_from_slice(&bytes).unwrap(), ColorProfile::new_srgb());
        for (ours, theirs) in [
            (ours.red_colorant, theirs.red_colorant),
            (ours.green_colorant, theirs.green_colorant),
            (ours.blue_colorant, theirs.blue_colorant),
        ] {
            for (ours, theirs) in [(ours.x, theirs.x), (ours.y, theirs.y), (ours.z, theirs.z)] {
                assert!((ours - theirs).abs() < 1e-3, "{ours}, expected {theirs}");
            }
        }
    }
}
