//! SSIM: structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004).
//!
//! The idea: **compare mean, contrast and correlation in a window that slides over both pictures**.
//!
//! ```text
//! SSIM(x, y) = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2))
//! C1 = (0.01 * 255)^2,  C2 = (0.03 * 255)^2
//! ```
//!
//! mx, sx^2, sxy are weighted by a Gaussian window, 11x11, sigma 1.5, population (not sample) moments, only where
//! the whole window lies within the picture, as in the paper. One number per picture: the mean over window positions
//! and over the three channels R, G and B of 8-bit sRGB.

/// Pixels from the middle of the window to its edge.
const RADIUS: usize = 5;
/// Side of the window.
const WINDOW: usize = 2 * RADIUS + 1;
const SIGMA: f64 = 1.5;
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// Mean SSIM of two pictures of interleaved 8-bit sRGB, `width` pixels per row.
///
/// `None` when a side is shorter than the window's 11 pixels: SSIM is not defined there.
pub fn ssim(truth: &[u8], output: &[u8], width: usize) -> Option<f64> {
    debug_assert_eq!(truth.len(), output.len());
    let height = truth.len() / 3 / width.max(1);
    if width < WINDOW || height < WINDOW {
        return None;
    }
    let window = gaussian();
    let channels = (0..3).map(|channel| {
        let plane =
            |rgb: &[u8]| rgb.iter().skip(channel).step_by(3).map(|&v| f64::from(v)).collect::<Vec<_>>();
        channel_ssim(&plane(truth), &plane(output), width, &window)
    });
    Some(channels.sum::<f64>() / 3.0)
}

fn gaussian() -> [f64; WINDOW] {
    let mut window = [0.0; WINDOW];
    for (index, weight) in window.iter_mut().enumerate() {
        let distance = index as f64 - RADIUS as f64;
        *weight = (-distance * distance / (2.0 * SIGMA * SIGMA)).exp();
    }
    let sum: f64 = window.iter().sum();
    window.map(|weight| weight / sum)
}

fn channel_ssim(x: &[f64], y: &[f64], width: usize, window: &[f64; WINDOW]) -> f64 {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
    let [mx, my, xx, yy, xy] = [x.to_vec(), y.to_vec(), product(x, x), product(y, y), product(x, y)]
        .map(|plane| filter(&plane, width, window));
    let positions = mx.len() as f64;
    let sum: f64 = (0..mx.len())
        .map(|i| {
            let (mx, my) = (mx[i], my[i]);
            let (sx, sy, sxy) = (xx[i] - mx * mx, yy[i] - my * my, xy[i] - mx * my);
            (2.0 * mx * my + C1) * (2.0 * sxy + C2) / ((mx * mx + my * my + C1) * (sx + sy + C2))
        })
        .sum();
    sum / positions
}

/// The window's weighted mean at each place where it fits: first along the rows, then along the columns.
fn filter(plane: &[f64], width: usize, window: &[f64; WINDOW]) -> Vec<f64> {
    let fitting = width - WINDOW + 1;
    let rows: Vec<f64> = plane
        .chunks_exact(width)
        .flat_map(|row| row.windows(WINDOW).map(|part| part.iter().zip(window).map(|(v, w)| v * w).sum()))
        .collect();
    let height = rows.len() / fitting;
    let mut filtered = vec![0.0; fitting * (height - WINDOW + 1)];
    for (top, out) in filtered.chunks_exact_mut(fitting).enumerate() {
        for (offset, weight) in window.iter().enumerate() {
            let row = &rows[(top + offset) * fitting..][..fitting];
            out.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    filtered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of gray pixels with these values.
    fn gray(values: impl Iterator<Item = u8>) -> Vec<u8> {
        values.flat_map(|value| [value; 3]).collect()
    }

    #[test]
    fn equal_pictures_are_1_whatever_they_show() {
        let picture: Vec<u8> = (0..16 * 14 * 3_usize).map(|i| u8::try_from(i * 89 % 251).unwrap()).collect();
        assert!((ssim(&picture, &picture, 16).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn flat_pictures_differ_by_their_means_alone() {
        // No variance: (2 * 100 * 150 + C1) / (100^2 + 150^2 + C1).
        let (x, y) = (gray((0..121).map(|_| 100)), gray((0..121).map(|_| 150)));
        let expected = (30_000.0 + C1) / (32_500.0 + C1);
        assert!((ssim(&x, &y, 11).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn an_inverted_ramp_correlates_negatively() {
        // One window, columns 0, 10, ..., 100 against 100, 90, ..., 0: means 50, the variance is that of the window
        // times 100 (the Gaussian cut at 5 pixels: sum w d^2), and the covariance its negative.
        let ramp = |column: usize| u8::try_from(10 * column).unwrap();
        let x = gray((0..121).map(|i| ramp(i % 11)));
        let y = gray((0..121).map(|i| ramp(10 - i % 11)));
        let weights: Vec<f64> = (-5..=5).map(|d| (-f64::from(d * d) / 4.5).exp()).collect();
        let second: f64 = weights.iter().zip(-5..=5).map(|(w, d)| w * f64::from(d * d)).sum();
        let variance = 100.0 * second / weights.iter().sum::<f64>();
        let expected = (C2 - 2.0 * variance) / (C2 + 2.0 * variance);
        assert!((ssim(&x, &y, 11).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn smaller_than_the_window_is_undefined() {
        assert_eq!(ssim(&[0; 10 * 20 * 3], &[0; 10 * 20 * 3], 10), None);
    }
}
