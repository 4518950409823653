//! Color profiles (ICC): any profile is read, sRGB is written.
//!
//! The plugin works in sRGB, so lightness is right only when pixels are sRGB. Gray goes through the profile's own
//! curve, without a table in between; colors go through moxcms. A profile equivalent to sRGB changes no byte.

use autochrome_loader::PixelFormat;
use autochrome_pixels::color::{lightness_to_luminance, linear_to_srgb, unit_to_u8};
use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, RenderingIntent, ToneReprCurve, TransformExecutor,
    TransformOptions,
};

use crate::picture::{Picture, quantised};

/// Converts `picture` from the profile `icc` to sRGB; returns a sentence when the profile is unusable.
pub fn to_srgb(mut picture: Picture, icc: &[u8]) -> (Picture, Option<String>) {
    let parsed = ColorProfile::new_from_slice(icc).or_else(|_| ColorProfile::new_from_slice(&essential(icc)));
    let Ok(profile) = parsed else {
        return (picture, Some("its color profile is damaged; its values were read as sRGB".into()));
    };
    let gray = !picture.format.has_color();
    let done = match profile.color_space {
        DataColorSpace::Gray => through_curve(&mut picture, profile.gray_trc.as_ref(), profile.pcs),
        // Gray in a profile of colors: equal parts of each.
        DataColorSpace::Rgb if gray => {
            through_curve(&mut picture, profile.green_trc.as_ref(), DataColorSpace::Xyz)
        }
        DataColorSpace::Rgb => through_transform(&mut picture, &profile),
        _ => Err(CmsError::InvalidProfile),
    };
    let note = done.err().map(|_| match profile.color_space {
        DataColorSpace::Gray | DataColorSpace::Rgb if has_table(&profile) => {
            "its color profile has lookup tables of a kind that is not read; its values were read as sRGB"
                .into()
        }
        _ => "its color profile does not match its pixels; they were read as sRGB".into(),
    });
    (picture, note)
}

/// Whether lookup tables say what the values mean, rather than curves and a matrix.
fn has_table(profile: &ColorProfile) -> bool {
    profile.lut_a_to_b_perceptual.is_some() || profile.lut_a_to_b_colorimetric.is_some()
}

/// A profile without the tags that do not change colors, one of which may be damaged: their names are removed.
fn essential(icc: &[u8]) -> Vec<u8> {
    const TABLE: usize = 132;
    let kept = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"A2B0", b"A2B1"];
    let mut icc = icc.to_vec();
    let count = icc.get(TABLE - 4..TABLE).and_then(|count| count.first_chunk().copied());
    let count = usize::try_from(u32::from_be_bytes(count.unwrap_or_default())).unwrap_or(0);
    let tags = icc.get_mut(TABLE..).unwrap_or_default();
    for tag in
        tags.chunks_exact_mut(12).take(count).filter(|tag| !kept.iter().any(|kept| tag.starts_with(*kept)))
    {
        tag[..4].fill(0);
    }
    icc
}

/// Takes every color sample through a curve into sRGB.
fn through_curve(
    picture: &mut Picture,
    curve: Option<&ToneReprCurve>,
    pcs: DataColorSpace,
) -> Result<(), CmsError> {
    let curve = curve.ok_or(CmsError::InvalidProfile)?.make_linear_evaluator()?;
    let convert = |value: f32| {
        let linear = curve.evaluate_value(value);
        // In CIELAB a curve gives L* as a share of 100.
        let linear = if pcs == DataColorSpace::Lab { lightness_to_luminance(linear * 100.0) } else { linear };
        linear_to_srgb(shown(linear))
    };
    let steps = || (0..=64_u8).map(|step| f32::from(step) / 64.0);
    if steps().any(|value| !curve.evaluate_value(value).is_finite()) {
        return Err(CmsError::InvalidProfile);
    }
    // A curve that is sRGB's own, but for rounding, changes nothing.
    let off = steps().map(|value| (convert(value) - value).abs());
    if off.fold(0.0, f32::max) < SAME {
        return Ok(());
    }
    let samples = Samples::of(picture.format);
    match samples.bytes {
        1 => {
            let table: Vec<u8> =
                (0..=u8::MAX).map(|value| unit_to_u8(convert(f32::from(value) / 255.0))).collect();
            samples.each(&mut picture.pixels, |sample| sample[0] = table[usize::from(sample[0])]);
        }
        2 => {
            let table: Vec<u16> =
                (0..=u16::MAX).map(|value| quantised(convert(f32::from(value) / 65_535.0))).collect();
            samples.each(&mut picture.pixels, |sample| {
                let value = table[usize::from(u16::from_ne_bytes([sample[0], sample[1]]))];
                sample.copy_from_slice(&value.to_ne_bytes());
            });
        }
        _ => samples.each(&mut picture.pixels, |sample| {
            let value = f32::from_ne_bytes([sample[0], sample[1], sample[2], sample[3]]);
            sample.copy_from_slice(&convert(value).to_ne_bytes());
        }),
    }
    Ok(())
}

/// A value that can be shown; what a damaged profile makes of one may be no number at all.
fn shown(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// How far from sRGB a profile may be and still be called sRGB: a tenth of an 8-bit step.
const SAME: f32 = 0.1 / 255.0;

/// Where the color samples are.
struct Samples {
    /// Bytes of one.
    bytes: usize,
    /// Samples of a pixel, and how many of them are color.
    all: usize,
    color: usize,
}

impl Samples {
    fn of(format: PixelFormat) -> Self {
        let (bytes, all) = (format.bytes_per_sample(), format.samples());
        Self { bytes, all, color: if all == 4 { 3 } else { all } }
    }

    fn each(&self, pixels: &mut [u8], mut change: impl FnMut(&mut [u8])) {
        for pixel in pixels.chunks_exact_mut(self.bytes * self.all) {
            pixel[..self.bytes * self.color].chunks_exact_mut(self.bytes).for_each(&mut change);
        }
    }
}

/// Takes a picture of colors through the whole profile, row by row.
fn through_transform(picture: &mut Picture, profile: &ColorProfile) -> Result<(), CmsError> {
    // The one that results carry, and everybody else's. moxcms's own is off by a step of 8 bits in dark colors.
    let srgb = ColorProfile::new_from_slice(&super::srgb::profile())?;
    // Many profiles have only the table of the other intent, which then stands for both.
    let rendering_intent = match (&profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_perceptual) {
        (None, Some(_)) => RenderingIntent::Perceptual,
        _ => RenderingIntent::RelativeColorimetric,
    };
    let options =
        TransformOptions { rendering_intent, prefer_fixed_point: false, ..TransformOptions::default() };
    for known in [&srgb, &ColorProfile::new_srgb()] {
        if is_srgb(profile, known, options)? {
            return Ok(());
        }
    }
    let samples = Samples::of(picture.format);
    let layout = if samples.all == 4 { Layout::Rgba } else { Layout::Rgb };
    let width = usize::try_from(picture.width).unwrap_or(usize::MAX);
    let row = width * samples.all;
    match samples.bytes {
        1 => {
            let transform = profile.create_transform_8bit(layout, &srgb, layout, options)?;
            rows(&mut picture.pixels, row, &samples, &*transform, |[byte]| byte, |byte| [byte])
        }
        2 => {
            let transform = profile.create_transform_16bit(layout, &srgb, layout, options)?;
            rows(&mut picture.pixels, row, &samples, &*transform, u16::from_ne_bytes, u16::to_ne_bytes)
        }
        _ => {
            let transform = profile.create_transform_f32(layout, &srgb, layout, options)?;
            rows(&mut picture.pixels, row, &samples, &*transform, f32::from_ne_bytes, |value: f32| {
                shown(value).to_ne_bytes()
            })
        }
    }
}

/// Whether a profile is equivalent to sRGB: it maps a grid of colors to themselves.
fn is_srgb(profile: &ColorProfile, srgb: &ColorProfile, options: TransformOptions) -> Result<bool, CmsError> {
    let levels = [0_u16, 3_000, 12_000, 30_000, 48_000, 65_535];
    let mut probes = Vec::new();
    for red in levels {
        for green in levels {
            probes.extend(levels.iter().flat_map(|&blue| [red, green, blue]));
        }
    }
    let mut result = vec![0; probes.len()];
    profile
        .create_transform_16bit(Layout::Rgb, srgb, Layout::Rgb, options)?
        .transform(&probes, &mut result)?;
    // Half a step of 8 bits: profiles of sRGB in old files are rounded to as much.
    Ok(probes.iter().zip(&result).all(|(before, after)| before.abs_diff(*after) < 128))
}

/// Takes rows of `row` samples through `transform`; alpha is untouched.
fn rows<const BYTES: usize, Sample: Copy + Default>(
    pixels: &mut [u8],
    row: usize,
    samples: &Samples,
    transform: &(impl TransformExecutor<Sample> + ?Sized),
    read: impl Fn([u8; BYTES]) -> Sample,
    write: impl Fn(Sample) -> [u8; BYTES],
) -> Result<(), CmsError> {
    let mut before = Vec::with_capacity(row);
    let mut after = vec![Sample::default(); row];
    for bytes in pixels.chunks_exact_mut(row * BYTES) {
        before.clear();
        before.extend(bytes.as_chunks::<BYTES>().0.iter().map(|sample| read(*sample)));
        transform.transform(&before, &mut after)?;
        for (pixel, values) in
            bytes.chunks_exact_mut(BYTES * samples.all).zip(after.chunks_exact(samples.all))
        {
            let color = pixel.as_chunks_mut::<BYTES>().0.iter_mut().zip(values).take(samples.color);
            color.for_each(|(sample, value)| *sample = write(*value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::srgb;

    #[test]
    fn the_profile_of_results_changes_no_byte() {
        let pixels: Vec<u8> = (0..=255).flat_map(|value| [value, value / 3, 255 - value]).collect();
        for icc in [srgb::profile(), ColorProfile::new_srgb().encode().unwrap()] {
            let (picture, note) = to_srgb(Picture::new(PixelFormat::Rgb8, 256, 1, pixels.clone()), &icc);
            assert_eq!((picture.pixels, note), (pixels.clone(), None));
        }
    }

    #[test]
    fn a_curve_that_gives_no_number_is_refused() {
        let mut profile = ColorProfile::new_gray_with_gamma(2.2);
        profile.gray_trc = Some(ToneReprCurve::Parametric(vec![2.4, f32::NAN, 0.0, 0.1, 0.5]));
        let pixels = [0.0_f32, 0.75].map(f32::to_ne_bytes).concat();
        let mut picture = Picture::new(PixelFormat::GrayF32, 2, 1, pixels.clone());
        assert!(through_curve(&mut picture, profile.gray_trc.as_ref(), profile.pcs).is_err());
        assert_eq!(picture.pixels, pixels);
    }
}
