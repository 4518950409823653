//! Shapes, parameter counts, and that preparing for prediction changes nothing but the speed.

use super::*;

fn trained_like(config: &NetConfig, out_channels: i64) -> (Box<dyn Network>, TrainStore) {
    tch::manual_seed(7);
    let mut store = TrainStore::new(Device::Cpu);
    let network = config.build(out_channels, &mut store).expect("the network builds");
    // Statistics other than (0, 1), as after training, so that folding has something to do.
    let _no_grad = tch::no_grad_guard();
    for entry in store.tensors.iter_mut().filter(|entry| !entry.learnt) {
        entry.tensor.copy_(&(entry.tensor.rand_like() + 0.5));
    }
    (network, store)
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
    for config in
        [NetConfig::LiteUnet(LiteUnetConfig::default()), NetConfig::SeedReport(SeedReportConfig::default())]
    {
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
    for config in
        [NetConfig::LiteUnet(LiteUnetConfig::default()), NetConfig::SeedReport(SeedReportConfig::default())]
    {
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
fn listing_a_network_allocates_nothing_and_refuses_absurd_sizes() {
    let absurd = NetConfig::LiteUnet(LiteUnetConfig { widths: [8, 8, 8, 1 << 40] });
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
