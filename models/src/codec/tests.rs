//! Each codec decodes what it encodes, and the bins are those of the literature.

use proptest::prelude::*;
use tch::Device;

use super::bins2d::{BINS, bins, nearest_bin, photos_prior, rebalancing};
use super::*;

fn pixel(a: f32, b: f32) -> Tensor {
    Tensor::from_slice(&[a, b]).view([1, 2, 1, 1])
}

/// The network's output that states a target exactly.
fn perfect_output(codec: &dyn Codec, target: &Target) -> Tensor {
    match target {
        Target::Values(values) => values.shallow_clone(),
        Target::Bins { index, share, .. } => {
            let (groups, bins) = (codec.groups(), codec.channels() / codec.groups());
            let mut shares = Tensor::zeros([1, groups, bins, 1, 1], (Kind::Float, Device::Cpu));
            let _ = shares.scatter_(2, index, share);
            (shares + 1e-30).log().view([1, groups * bins, 1, 1])
        }
    }
}

fn round_trip(codec: &dyn Codec, a: f32, b: f32, temperature: Option<f64>) -> (f64, f64) {
    let target = codec.encode(&pixel(a, b)).expect("encodes");
    let decoded = codec.decode(&perfect_output(codec, &target), temperature).expect("decodes");
    (decoded.double_value(&[0, 0, 0, 0]), decoded.double_value(&[0, 1, 0, 0]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn regression_returns_the_very_ab(a in -110.0_f32..110.0, b in -110.0_f32..110.0) {
        let codec = CodecConfig::Regression(RegressionConfig::default()).build().expect("builds");
        let (da, db) = round_trip(codec.as_ref(), a, b, None);
        prop_assert!((da - f64::from(a)).abs() < 1e-3 && (db - f64::from(b)).abs() < 1e-3);
    }

    #[test]
    fn bins1d_returns_ab_within_half_a_bin(a in -110.0_f32..110.0, b in -110.0_f32..110.0, t in 0.0..1.0) {
        let codec = CodecConfig::Bins1d(Bins1dConfig::default()).build().expect("builds");
        let (da, db) = round_trip(codec.as_ref(), a, b, Some(t));
        prop_assert!((da - f64::from(a)).abs() <= 5.501 && (db - f64::from(b)).abs() <= 5.501, "{da} {db}");
    }

    #[test]
    fn bins2d_returns_in_gamut_ab_within_the_grid(index in 0..BINS, da in -5.0_f32..5.0, db in -5.0_f32..5.0, t in 0.0..1.0) {
        let codec = CodecConfig::Bins2d(Bins2dConfig::default()).build().expect("builds");
        let (a, b) = (f32::from(bins()[index].0) + da, f32::from(bins()[index].1) + db);
        let (ra, rb) = round_trip(codec.as_ref(), a, b, Some(t));
        prop_assert!((ra - f64::from(a)).abs() <= 10.0 && (rb - f64::from(b)).abs() <= 10.0, "{a} {b} -> {ra} {rb}");
    }

    #[test]
    fn soft_shares_sum_to_one_and_fall_with_distance(a in -100.0_f32..100.0, b in -100.0_f32..100.0) {
        let codec = Bins2d::new(&Bins2dConfig::default()).expect("builds");
        let Target::Bins { index, share, .. } = codec.encode(&pixel(a, b)).expect("encodes") else { unreachable!() };
        prop_assert_eq!(index.int64_value(&[0, 0, 0, 0, 0]), i64::try_from(nearest_bin(a, b)).expect("fits"));
        let shares = Vec::<f32>::try_from(share.view([-1])).expect("five shares");
        prop_assert_eq!(shares.len(), 5);
        prop_assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        prop_assert!(shares.windows(2).all(|pair| pair[0] >= pair[1] - 1e-6));
    }
}

#[test]
fn the_bins_are_the_313_of_zhang_et_al() {
    let fixture = include_str!("../../../tests/parity/pts_in_hull.txt");
    let mut published: Vec<(i16, i16)> = fixture
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').expect("a pair a line"))
        .map(|(a, b)| (a.parse().expect("a number"), b.parse().expect("a number")))
        .collect();
    published.sort_unstable();
    assert_eq!(bins(), published);
    assert_eq!(bins().len(), BINS);
}

#[test]
fn rebalancing_weights_have_mean_one_under_the_prior() {
    let prior = photos_prior();
    assert!((prior.iter().sum::<f64>() - 1.0).abs() < 1e-4);
    for (lambda, gamma) in [(0.5, 1.0), (0.5, 0.5), (1.0, 1.0), (0.01, 1.0)] {
        let weights = rebalancing(&prior, lambda, gamma);
        let mean: f64 = weights.iter().zip(&prior).map(|(w, p)| w * p).sum();
        assert!((mean - 1.0).abs() < 1e-12, "lambda {lambda}, gamma {gamma}: mean {mean}");
    }
    assert!(
        rebalancing(&prior, 1.0, 1.0).iter().all(|w| (w - 1.0).abs() < 1e-6),
        "lambda 1 weighs all alike"
    );
}

#[test]
fn temperature_goes_from_the_mean_to_the_likeliest_bin() {
    let codec = Bins2d::new(&Bins2dConfig::default()).expect("builds");
    let at = |a: i16, b: i16| bins().iter().position(|&bin| bin == (a, b)).expect("a bin");
    let logits = Tensor::full([1, 313, 1, 1], -1e4, (Kind::Float, Device::Cpu));
    let put = |index: usize, share: f64| {
        let _ = logits.narrow(1, i64::try_from(index).expect("fits"), 1).fill_(share.ln());
    };
    put(at(40, 0), 0.6);
    put(at(-40, 0), 0.4);
    let a = |t| codec.decode(&logits, Some(t)).expect("decodes").double_value(&[0, 0, 0, 0]);
    assert!((a(1.0) - 8.0).abs() < 1e-3, "the mean of 40 and -40 at 0.6 and 0.4: {}", a(1.0));
    assert!((a(0.0) - 40.0).abs() < 1e-3, "the likeliest: {}", a(0.0));
    assert!(a(0.38) > a(1.0) && a(0.38) < a(0.0));
}

#[test]
fn parameters_out_of_bounds_are_refused_with_their_name() {
    let error = |config: &CodecConfig| config.build().err().expect("refused").to_string();
    let bins2d = |change: fn(&mut Bins2dConfig)| {
        let mut config = Bins2dConfig::default();
        change(&mut config);
        CodecConfig::Bins2d(config)
    };
    assert_eq!(error(&bins2d(|c| c.neighbors = 400)), "neighbors: expected 1 to 16, got 400");
    assert_eq!(error(&bins2d(|c| c.temperature = f64::NAN)), "temperature: expected 0 to 1, got NaN");
    assert_eq!(error(&bins2d(|c| c.prior = Some(vec![1.0; 7]))), "prior: expected 313 numbers, got 7");
    let bins1d = CodecConfig::Bins1d(Bins1dConfig { bins: 1 << 40, ..Bins1dConfig::default() });
    assert_eq!(error(&bins1d), "bins: expected 2 to 256, got 1099511627776");
}

/// Codecs with a distribution, one of them tilted.
fn codecs_with_bins() -> Vec<Box<dyn Codec>> {
    let tilted = Bins2dConfig { tilt: 0.3, ..Bins2dConfig::default() };
    [CodecConfig::Bins1d(Bins1dConfig::default()), CodecConfig::Bins2d(tilted)]
        .map(|config| config.build().expect("builds"))
        .into()
}

/// An output that says something else at each of 2 x 3 pixels.
fn some_output(codec: &dyn Codec) -> Tensor {
    let count = codec.channels() * 6;
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.7).sin().view([1, codec.channels(), 2, 3]) * 4.0
}

#[test]
fn a_distribution_sums_to_one_and_its_mean_is_what_is_decoded_at_temperature_one() {
    for codec in codecs_with_bins() {
        let output = some_output(codec.as_ref());
        let bins = codec.bins().expect("bins");
        let count = i64::try_from(bins.len()).expect("fits");
        assert_eq!(count * codec.groups(), codec.channels());
        for tilted in [false, true] {
            let shares = codec.distribution(&output, tilted).expect("computes").expect("a distribution");
            assert_eq!(shares.size(), [1, codec.groups(), count, 2, 3]);
            let sums = shares.sum_dim_intlist([2].as_slice(), false, Kind::Float);
            assert!((sums - 1.0).abs().max().double_value(&[]) < 1e-5);
        }
        let shares = codec.distribution(&output, true).expect("computes").expect("a distribution");
        let mean = |group: i64, centers: Vec<f32>| {
            let weights = Tensor::from_slice(&centers).view([-1, 1, 1]);
            (shares.get(0).get(group) * weights).sum_dim_intlist([0].as_slice(), false, Kind::Float)
        };
        let means = match bins {
            Bins::Plane(ab) => [0, 1].map(|axis| mean(0, ab.iter().map(|ab| ab[axis]).collect())),
            Bins::Line(values) => [0, 1].map(|group| mean(group, values.clone())),
        };
        let decoded = codec.decode(&output, Some(1.0)).expect("decodes").get(0);
        assert!((Tensor::stack(&means, 0) - decoded).abs().max().double_value(&[]) < 1e-3);
    }
}

#[test]
fn the_tilt_is_in_a_distribution_only_when_asked_for() {
    let plain = CodecConfig::Bins2d(Bins2dConfig::default()).build().expect("builds");
    let tilted = codecs_with_bins().remove(1);
    let output = some_output(plain.as_ref());
    let of =
        |codec: &dyn Codec, tilt| codec.distribution(&output, tilt).expect("computes").expect("there is");
    assert_eq!(of(plain.as_ref(), false), of(tilted.as_ref(), false));
    assert_eq!(of(plain.as_ref(), false), of(plain.as_ref(), true));
    assert_ne!(of(tilted.as_ref(), false), of(tilted.as_ref(), true));
    let regression = CodecConfig::Regression(RegressionConfig::default()).build().expect("builds");
    assert!(regression.bins().is_none());
    assert!(regression.distribution(&pixel(1.0, 2.0), true).expect("nothing to compute").is_none());
}
