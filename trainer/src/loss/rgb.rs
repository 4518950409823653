//! CIELAB to sRGB on tensors, with a gradient.
//!
//! The idea: **the same formula as the product's** (`autochrome_models::color`), but clamped to the gamut channel by channel,
//! which has a gradient inside it and none outside.

use tch::{Kind, TchError, Tensor};

/// Linear sRGB of white-relative XYZ, as in `autochrome_models::color`.
const LINEAR_RGB: [f32; 9] = [
    3.079_980_3,
    -1.537_151_5,
    -0.542_821_3,
    -0.921_247_7,
    1.875_99,
    0.045_247_34,
    0.052_890_46,
    -0.204_041_34,
    1.151_232,
];
/// Below this linear light the power's slope would dwarf every other gradient.
const LEAST_LIGHT: f64 = 1e-5;

/// Encoded sRGB, 0 to 1, `[N, 3, H, W]`, of L `[N, 1, H, W]` and ab `[N, 2, H, W]`.
///
/// # Errors
/// Whatever libtorch reports.
pub fn lab_to_srgb(l: &Tensor, ab: &Tensor) -> Result<Tensor, TchError> {
    let (n, _, height, width) = l.size4()?;
    let y = l.f_add_scalar(16.0)?.f_div_scalar(116.0)?;
    let x = ab.f_narrow(1, 0, 1)?.f_div_scalar(500.0)?.f_add(&y)?;
    let z = y.f_sub(&ab.f_narrow(1, 1, 1)?.f_div_scalar(200.0)?)?;
    let curve = Tensor::f_cat(&[x, y, z], 1)?;
    let line = curve.f_sub_scalar(16.0 / 116.0)?.f_div_scalar(7.787)?;
    let xyz = curve.f_pow_tensor_scalar(3.0)?.f_where_self(&curve.f_gt(0.206_896_6)?, &line)?;
    let matrix = Tensor::f_from_slice(&LINEAR_RGB)?.f_view([3, 3])?.f_to_device(l.device())?;
    let linear =
        matrix.f_matmul(&xyz.f_reshape([n, 3, height * width])?)?.f_reshape([n, 3, height, width])?;
    let linear = linear.f_clamp(LEAST_LIGHT, 1.0)?;
    let power = linear.f_pow_tensor_scalar(1.0 / 2.4)?.f_mul_scalar(1.055)?.f_sub_scalar(0.055)?;
    let encoded = power.f_where_self(&linear.f_gt(0.003_130_8)?, &linear.f_mul_scalar(12.92)?)?;
    encoded.f_to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autochrome_models::color;

    #[test]
    fn equals_the_products_formula_inside_the_gamut_and_has_a_finite_gradient_outside() {
        for lab in [[50.0_f32, 10.0, -20.0], [3.0, 1.0, -1.0], [80.0, -20.0, 30.0], [99.0, 0.0, 0.0]] {
            let l = Tensor::from_slice(&lab[..1]).view([1, 1, 1, 1]);
            let ab = Tensor::from_slice(&lab[1..]).view([1, 2, 1, 1]);
            let got = Vec::<f32>::try_from(lab_to_srgb(&l, &ab).unwrap().view([-1])).unwrap();
            for (got, expected) in got.iter().zip(color::lab_to_srgb(lab)) {
                assert!((got - expected).abs() < 1e-3, "{lab:?}: expected {expected}, got {got}");
            }
        }
        let l = Tensor::from_slice(&[0.0_f32, 100.0, 40.0]).view([1, 1, 1, 3]);
        let ab = Tensor::full([1, 2, 1, 3], 90.0, (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        lab_to_srgb(&l, &ab).unwrap().sum(Kind::Float).backward();
        assert_eq!(ab.grad().isfinite().all().int64_value(&[]), 1);
    }
}
