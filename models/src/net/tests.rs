//! Shapes, parameter counts, and that preparing for prediction changes only the speed.

use super::layers::ConvShape;
use super::*;

fn trained_like(config: &NetConfig, out_channels: i64) -> (Box<dyn Network>, TrainStore) {
    tch::manual_seed(7);
    let mut store = TrainStore::new(Device::Cpu);
    let network = config.build(out_channels, &mut store).expect("the network builds");
    // Statistics other than (0, 1), as after training, so that folding has something to do.
    let _no_grad = tch::no_grad_guard();
    for entry in store.tensors.iter_mut().filter(|entry| !entry.learned) {
        entry.tensor.copy_(&(entry.tensor.rand_like() + 0.5));
    }
    (network, store)
}

fn with_context() -> NetConfig {
    NetConfig::LiteUnet(LiteUnetConfig { widths: vec![64, 48, 32], encoder: Lite::Lite2, context: true })
}

fn every_network() -> [NetConfig; 5] {
    [
        NetConfig::LiteUnet(LiteUnetConfig::default()),
        with_context(),
        NetConfig::SeedReport(SeedReportConfig::default()),
        NetConfig::SeedReport(SeedReportConfig { halvings: 1, ..SeedReportConfig::default() }),
        NetConfig::Eccv16(Eccv16Config::default()),
    ]
}

fn parameters(config: &NetConfig, out_channels: i64) -> i64 {
    let specs = config.tensor_specs(out_channels).expect("the network lists its tensors");
    specs.iter().map(|spec| spec.shape.iter().product::<i64>()).sum()
}

#[test]
fn the_seed_reports_network_has_its_504_602_parameters() {
    assert_eq!(parameters(&NetConfig::SeedReport(SeedReportConfig::default()), 2), 504_602);
}

#[test]
fn the_seed_reports_layers_have_the_counts_of_its_table() {
    let specs = NetConfig::SeedReport(SeedReportConfig::default()).tensor_specs(2).expect("lists");
    let mut counts: Vec<(String, i64)> = Vec::new();
    for spec in specs {
        let layer = spec.name.rsplit_once('.').expect("names have a layer").0.to_owned();
        let size = spec.shape.iter().product::<i64>();
        match counts.last_mut() {
            Some((last, count)) if *last == layer => *count += size,
            _ => counts.push((layer, size)),
        }
    }
    let counts: Vec<i64> = counts.into_iter().map(|(_, count)| count).collect();
    let sixty_four = [36_928, 36_928, 36_928, 256];
    let mut table = vec![80, 584, 32, 1168, 2320, 64, 4640, 9248, 9248, 128, 18_496, 36_928, 36_928, 256];
    (0..3).for_each(|_| table.extend(sixty_four));
    table.extend([32_800, 9248, 9248, 33, 33]);
    assert_eq!(counts, table);
}

#[test]
fn outputs_have_the_size_that_the_strides_say() {
    for config in every_network() {
        for out_channels in [2, 40, 313] {
            let (network, _store) = trained_like(&config, out_channels);
            let (height, width) = (network.stride_in() * 2, network.stride_in() * 3);
            let output =
                network.forward(&Tensor::full([2, 1, height, width], 50.0, (Kind::Float, Device::Cpu)));
            let expected = [2, out_channels, height / network.stride_out(), width / network.stride_out()];
            assert_eq!(output.expect("runs").size(), expected, "{}", config.name());
        }
    }
}

#[test]
fn preparing_for_prediction_keeps_the_output() {
    for config in every_network() {
        let (mut network, _store) = trained_like(&config, 313);
        let _no_grad = tch::no_grad_guard();
        let l = Tensor::rand([1, 1, 64, 96], (Kind::Float, Device::Cpu)) * 100.0;
        let before = network.forward(&l).expect("runs");
        network.prepare(Device::Cpu, Kind::Float).expect("folds");
        let after = network.forward(&l).expect("runs");
        let scale = before.abs().max().double_value(&[]);
        let off = (before - after).abs().max().double_value(&[]);
        assert!(off < 1e-4 * scale.max(1.0), "{}: off by {off} of {scale}", config.name());
    }
}

#[test]
fn made_ready_a_convolution_says_the_same_at_every_size() {
    let _no_grad = tch::no_grad_guard();
    let dense = |outputs| ConvShape::dense(24, outputs, 1, 1);
    let depthwise = |kernel| ConvShape::depthwise(24, kernel, 2);
    for shape in [dense(40), dense(313), depthwise(3), depthwise(5), ConvShape::dense(1, 32, 3, 2)] {
        let mut store = TrainStore::new(Device::Cpu);
        let conv = Conv::with_bias(Path::root(&mut store), shape, Activation::Hardswish);
        let mut conv = conv.expect("builds");
        for size in [[2, shape.input, 16, 16], [1, shape.input, 15, 16], [1, shape.input, 9, 7]] {
            let x = Tensor::randn(size, (Kind::Float, Device::Cpu));
            conv.compute_in(Kind::Float);
            let plain = conv.forward(&x, false).expect("runs");
            conv.prepare(Device::Cpu, Kind::Float).expect("prepares");
            let ready = conv.forward(&x, false).expect("runs");
            assert_eq!(ready.size(), plain.size(), "{shape:?}");
            assert!(ready.allclose(&plain, 1e-5, 1e-5, false), "{shape:?} at {size:?}");
        }
    }
}

#[test]
fn a_held_encoder_tells_the_same_and_does_not_learn() {
    let (mut network, store) = trained_like(&with_context(), 313);
    let l = Tensor::rand([1, 1, 64, 96], (Kind::Float, Device::Cpu)) * 100.0;
    let before = tch::no_grad(|| network.forward(&l)).expect("runs");
    network.freeze_encoder(None, Device::Cpu, Kind::Float).expect("freezes");
    assert!(
        store
            .tensors
            .iter()
            .all(|entry| network.is_frozen(&entry.name) == entry.name.starts_with("encoder."))
    );
    let after = tch::no_grad(|| network.forward(&l)).expect("runs");
    let scale = before.abs().max().double_value(&[]);
    assert!((before - after).abs().max().double_value(&[]) < 1e-4 * scale.max(1.0));
    network.forward_t(&l, true).expect("runs").mean(Kind::Float).backward();
    for entry in store.tensors.iter().filter(|entry| entry.learned) {
        assert_ne!(entry.tensor.grad().defined(), entry.name.starts_with("encoder."), "{}", entry.name);
    }
}

#[test]
fn an_encoder_held_below_a_stride_learns_from_there_on() {
    let (mut network, mut store) = trained_like(&with_context(), 313);
    network.freeze_encoder(Some(16), Device::Cpu, Kind::Float).expect("freezes");
    let l = Tensor::rand([2, 1, 64, 96], (Kind::Float, Device::Cpu)) * 100.0;
    network.forward_t(&l, true).expect("runs").mean(Kind::Float).backward();
    let learns = |name: &str| {
        let entry = store.tensors.iter().find(|entry| entry.name == name).expect(name);
        entry.tensor.grad().defined()
    };
    // Lite2: the stem, blocks 0 to 6 up to stride 8, and 7 on from stride 16.
    for (name, expected) in [
        ("encoder._conv_stem.weight", false),
        ("encoder._blocks.6._project_conv.weight", false),
        ("encoder._blocks.7._expand_conv.weight", true),
        ("encoder._conv_head.weight", true),
        ("decoder.0.depthwise.weight", true),
    ] {
        assert_eq!(learns(name), expected, "{name}");
    }
    for entry in store.tensors.iter().filter(|entry| entry.learned) {
        assert_ne!(entry.tensor.grad().defined(), network.is_frozen(&entry.name), "{}", entry.name);
    }
    store.freeze(|name| network.is_frozen(name)).expect("freezes");
    let frozen = |name: &str| store.tensors.iter().any(|entry| entry.name == name && entry.frozen);
    assert!(
        frozen("encoder._bn0.running_mean") && !frozen("encoder._bn1.running_mean"),
        "the stem, not the head"
    );
    assert!(store.tensors.iter().all(|entry| entry.learned == entry.tensor.requires_grad()));
}

#[test]
fn a_prepared_layer_takes_what_a_layer_of_another_kind_gives() {
    let (mut network, _store) = trained_like(&with_context(), 313);
    network.compute_in(Kind::BFloat16);
    network.freeze_encoder(Some(16), Device::Cpu, Kind::Float).expect("freezes");
    let l = Tensor::rand([2, 1, 64, 96], (Kind::Float, Device::Cpu)) * 100.0;
    assert_eq!(network.forward_t(&l, true).expect("runs").kind(), Kind::BFloat16);
    network.freeze_encoder(None, Device::Cpu, Kind::BFloat16).expect("freezes");
    assert_eq!(network.forward_t(&l, true).expect("runs").kind(), Kind::BFloat16);
    for kind in [Kind::BFloat16, Kind::Float] {
        network.prepare(Device::Cpu, kind).expect("prepares");
        assert_eq!(network.forward(&l).expect("runs").kind(), kind);
    }
}

#[test]
fn listing_a_network_allocates_nothing_and_refuses_absurd_sizes() {
    let absurd = NetConfig::LiteUnet(LiteUnetConfig { widths: vec![8, 8, 8, 1 << 40], ..Default::default() });
    let error = absurd.tensor_specs(313).expect_err("refused").to_string();
    assert_eq!(error, format!("widths: expected 8 to 512 each, got {}", 1_i64 << 40));
    let error =
        NetConfig::SeedReport(SeedReportConfig::default()).tensor_specs(0).expect_err("refused").to_string();
    assert_eq!(error, "output channels: expected 1 to 4096, got 0; check the codec");
}

#[test]
fn tensor_names_and_shapes_are_what_weights_files_hold() {
    for (config, channels) in [
        (NetConfig::LiteUnet(LiteUnetConfig::default()), 313),
        (NetConfig::SeedReport(SeedReportConfig::default()), 2),
        (NetConfig::Eccv16(Eccv16Config::default()), 313),
    ] {
        let lines: Vec<String> = config
            .tensor_specs(channels)
            .expect("lists")
            .iter()
            .map(|spec| format!("{} {:?}", spec.name, spec.shape))
            .collect();
        insta::assert_snapshot!(format!("tensors_of_{}", config.name()), lines.join("\n"));
    }
}

#[test]
fn eccv16_has_the_32_2_million_parameters_of_the_release() {
    // Weights and biases of n 3x3 convolutions, c to d channels and then d to d.
    let convs = |c: i64, d: i64, n: i64| (9 * c * d + d) + (n - 1) * (9 * d * d + d);
    let groups = [(1, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 9)];
    let convs: i64 = groups.into_iter().map(|(c, d, n)| convs(c, d, n)).sum::<i64>() + convs(256, 256, 2);
    let up = 4 * 4 * 512 * 256 + 256;
    let head = |outputs: i64| 256 * outputs + outputs;
    // Weight, bias, running mean and variance of each group's normalization.
    let norms = 4 * (64 + 128 + 256 + 4 * 512);
    let config = NetConfig::Eccv16(Eccv16Config::default());
    assert_eq!(parameters(&config, 313), convs + up + head(313) + norms);
    assert_eq!(parameters(&config, 313), 32_240_377);
    assert_eq!(parameters(&config, 2), 32_240_377 - 311 * 257);
}

#[test]
fn a_logit_of_eccv16_sees_349_pixels() {
    // Reach of a stride-1 convolution: (kernel - 1) * dilation * stride so far. By hand, group by group:
    // 1 + 2 + 2 = 5; + 2*2 + 2*2 = 13; + 3 * 2*4 = 37; + 3 * 2*8 = 85; + 6 * 4*8 = 277; + 3 * 2*8 = 325; the
    // transposed convolution sees two cells, + 8 = 333; + 2 * 2*4 = 349.
    let (network, mut store) = trained_like(&NetConfig::Eccv16(Eccv16Config::default()), 2);
    tch::no_grad(|| {
        for entry in &mut store.tensors {
            // Nothing negative anywhere: what is seen has a gradient.
            let fan_in: i64 = entry.tensor.size().iter().skip(1).product();
            let value = if entry.tensor.dim() == 4 { 1.0 / fan_in as f64 } else { 1.0 };
            let _ = entry.tensor.fill_(value);
        }
    });
    // A strip is enough: both directions are alike.
    let l = Tensor::full([1, 1, 8, 512], 100.0, (Kind::Float, Device::Cpu)).set_requires_grad(true);
    network.forward(&l).expect("runs").get(0).get(0).get(1).get(64).backward();
    let seen = Vec::<f32>::try_from(l.grad().sum_dim_intlist([2].as_slice(), false, Kind::Float).view([-1]));
    let seen = seen.expect("a row").iter().filter(|gradient| **gradient != 0.0).count();
    assert_eq!(seen, 349);
}

#[test]
fn a_dilated_convolution_adds_up_pixels_that_lie_apart() {
    let mut store = TrainStore::new(Device::Cpu);
    let shape = ConvShape::dense(1, 1, 3, 1).dilated(2);
    let conv = Conv::with_bias(Path::root(&mut store), shape, Activation::None).expect("builds");
    // Taps 1 to 9, row by row; the picture counts its pixels, 0 to 24.
    let taps = Tensor::arange_start(1, 10, (Kind::Float, Device::Cpu)).view([1, 1, 3, 3]);
    tch::no_grad(|| store.tensors[0].tensor.copy_(&taps));
    let x = Tensor::arange(25, (Kind::Float, Device::Cpu)).view([1, 1, 5, 5]);
    let y = conv.forward(&x, false).expect("runs");
    assert_eq!(y.size(), [1, 1, 5, 5], "the size stays");
    // At the middle the taps lie on the corners, the sides' middles and the center.
    let middle: i64 = [0, 2, 4, 10, 12, 14, 20, 22, 24].iter().zip(1..).map(|(pixel, tap)| pixel * tap).sum();
    assert_eq!(y.int64_value(&[0, 0, 2, 2]), middle);
    // At the first pixel four taps lie inside: the center (5), its right (6), below (8) and below right (9).
    assert_eq!(y.int64_value(&[0, 0, 0, 0]), 2 * 6 + 10 * 8 + 12 * 9);
}

#[test]
fn activations_lie_channels_last_in_training() {
    for kind in [Kind::Float, Kind::BFloat16] {
        let mut store = TrainStore::new(Device::Cpu);
        let mut encoder = Encoder::new(Path::root(&mut store), Lite::Lite0, 1).expect("builds");
        encoder.layers_mut().into_iter().for_each(|layer| layer.compute_in(kind));
        let shape = conv_group::GroupShape { input: 16, output: 24, count: 2, stride: 2, dilation: 2 };
        let mut group = conv_group::ConvGroup::new(Path::root(&mut store), shape, 1e-3).expect("builds");
        group.layers_mut().for_each(|layer| layer.compute_in(kind));
        // L has one channel, which lies both ways at once: the weights' layout decides.
        let l = Tensor::rand([1, 1, 64, 64], (Kind::Float, Device::Cpu));
        let mut features = encoder.forward(&l, true).expect("runs");
        features.push(group.forward(&features[0], true).expect("runs"));
        features.push(layers::upsample_nearest_2x(&features[1]).expect("runs"));
        features.push(Tensor::cat(&[features[6].shallow_clone(), features[0].shallow_clone()], 1));
        for x in features {
            assert_eq!(x.kind(), kind);
            let (_, channels, _, width) = x.size4().expect("four dimensions");
            let (_, channel, row, pixel) = x.stride4().expect("four dimensions");
            assert_eq!((channel, pixel, row), (1, channels, channels * width), "{kind:?} {:?}", x.size());
        }
    }
}

/// Loss of one training forward, and the gradients it sends back.
fn loss_and_gradients(config: &NetConfig, kind: Kind) -> (f64, Vec<Tensor>) {
    // On so little, threads would only wait for each other.
    tch::set_num_threads(1);
    let (mut network, store) = trained_like(config, 2);
    network.compute_in(kind);
    // Patches, so that no normalization divides by next to nothing.
    let patches = Tensor::rand([4, 1, 4, 4], (Kind::Float, Device::Cpu)) * 100.0;
    let output = network.forward_t(&patches.upsample_nearest2d([64, 64], None, None), true).expect("runs");
    assert_eq!(output.kind(), kind, "{}", config.name());
    let loss = (output.to_kind(Kind::Float) - 1.0).square().mean(Kind::Float);
    loss.backward();
    let learned = store.tensors.iter().filter(|entry| entry.learned);
    (loss.double_value(&[]), learned.map(|entry| entry.tensor.grad()).collect())
}

#[test]
fn training_in_bfloat16_has_the_loss_of_float32_and_float32_gradients() {
    for config in &every_network()[..2] {
        let (loss, _) = loss_and_gradients(config, Kind::Float);
        let (loss16, gradients) = loss_and_gradients(config, Kind::BFloat16);
        assert!((loss16 / loss - 1.0).abs() < 0.02, "{}: loss {loss}, {loss16} in bf16", config.name());
        let sound = |g: &Tensor| g.kind() == Kind::Float && g.isfinite().all().int64_value(&[]) == 1;
        assert!(gradients.iter().all(sound), "{}", config.name());
    }
}

#[test]
fn gradients_of_bfloat16_point_where_those_of_float32_do() {
    // A whole network of random weights would not do: there a change of 0.2 % in the weights turns the gradient as far.
    let gradient = |kind| {
        tch::manual_seed(7);
        let mut store = TrainStore::new(Device::Cpu);
        let shape = conv_group::GroupShape { input: 3, output: 16, count: 2, stride: 2, dilation: 1 };
        let mut group = conv_group::ConvGroup::new(Path::root(&mut store), shape, 1e-3).expect("builds");
        group.layers_mut().for_each(|layer| layer.compute_in(kind));
        let x = Tensor::randn([4, 3, 16, 16], (Kind::Float, Device::Cpu));
        let y = group.forward(&x, true).expect("runs").to_kind(Kind::Float);
        (&y * y.rand_like()).sum(Kind::Float).backward();
        let learned = store.tensors.iter().filter(|entry| entry.learned);
        Tensor::cat(&learned.map(|entry| entry.tensor.grad().reshape([-1])).collect::<Vec<_>>(), 0)
    };
    let (g, g16) = (gradient(Kind::Float), gradient(Kind::BFloat16));
    let cosine = g.dot(&g16).double_value(&[]) / (g.norm() * g16.norm()).double_value(&[]);
    assert!(cosine > 0.99, "the cosine of the two gradients is {cosine}");
}

#[test]
fn lite3_has_the_numbers_of_the_published_network() {
    let mut store = TrainStore::new(Device::Cpu);
    Classifier::new(Path::root(&mut store), Lite::Lite3).expect("builds");
    // As published the normalizations are within the convolutions: of each only a bias is left.
    let within = |name: &str| name.contains("_bn") && !name.ends_with(".bias");
    let kept = store.tensors.iter().filter(|entry| !within(&entry.name));
    assert_eq!(kept.map(|entry| entry.tensor.numel()).sum::<usize>(), 8_158_760);
    assert_eq!(Lite::Lite3.channels(), [24, 32, 48, 136, 384]);
    assert!(Lite::ALL.iter().all(|lite| serde_json::json!(lite) == lite.name()));
}
