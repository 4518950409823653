//! Writing and loading; the messages about bad packages are pinned in the tests crate.

use std::fs;

use autochrome_pixels::{Engine, Plane, Settings};

use super::*;
use crate::codec::{CodecConfig, RegressionConfig};
use crate::colorizer::Colorizer;
use crate::device::{DeviceRequest, resolve};
use crate::net::{NetConfig, SeedReportConfig, TrainStore};

fn manifest(name: &str) -> Manifest {
    Manifest {
        schema: SCHEMA,
        name: name.to_owned(),
        description: "for a test".to_owned(),
        license: "CC0-1.0".to_owned(),
        default: true,
        network: NetConfig::SeedReport(SeedReportConfig::default()),
        input: Input {
            working_size: 64,
            training_upscale: 1.0,
            auto_levels: false,
            values: InputValues::L,
            mirror: false,
        },
        codec: CodecConfig::Regression(RegressionConfig::default()),
        smoothing: None,
        confidence: Confidence::default(),
        weights: Weights::default(),
        training: Some(Training {
            steps: Some(7),
            config: "lr = 0.1\n[loss]\nname = \"huber\"".parse().unwrap(),
            data: vec![TrainingData { name: "photos.tar".to_owned(), sha256: None, count: 12 }],
            ..Training::default()
        }),
        metrics: [("eval".to_owned(), [("psnr".to_owned(), 24.5)].into())].into(),
    }
}

/// A network in training, its statistics moved away from (0, 1), and its tensors.
fn trained() -> (Box<dyn Network>, Vec<(String, Tensor)>) {
    tch::manual_seed(3);
    let mut store = TrainStore::new(Device::Cpu);
    let network = manifest("x").network.build(2, &mut store).unwrap();
    let _no_grad = tch::no_grad_guard();
    for entry in store.tensors.iter_mut().filter(|entry| !entry.learned) {
        entry.tensor.copy_(&(entry.tensor.rand_like() + 0.5));
    }
    (network, store.tensors.into_iter().map(|entry| (entry.name, entry.tensor)).collect())
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_trained_is_what_is_loaded() {
    let (mut network, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let package =
        Package::write(&home.path().join("a"), &manifest("a"), &tensors, "# A\n", Precision::F32).unwrap();
    let loaded = package.load(Device::Cpu, Kind::Float).unwrap();
    network.prepare(Device::Cpu, Kind::Float).unwrap();
    let l = Tensor::rand([1, 1, 32, 48], (Kind::Float, Device::Cpu)) * 100.0;
    assert_eq!(network.forward(&l).unwrap(), loaded.forward(&l).unwrap());
}

#[test]
fn with_mirror_a_mirrored_picture_has_the_mirrored_colors() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let l: Vec<f32> = (0..64 * 64_u16).map(|i| f32::from(i % 64 * 7 % 100)).collect();
    let mirrored: Vec<f32> = l.chunks(64).flat_map(|row| row.iter().rev().copied()).collect();
    let differs = |mirror: bool| {
        let mut manifest = manifest("a");
        manifest.input.mirror = mirror;
        let folder = home.path().join(mirror.to_string());
        let package = Package::write(&folder, &manifest, &tensors, "# A\n", Precision::F32).unwrap();
        let colorizer = Colorizer::load(&package, &resolve(&DeviceRequest::Cpu).unwrap()).unwrap();
        let settings = Settings { temperature: None, threads: 1 };
        let of = |l: &[f32]| colorizer.predict(&Plane::new(64, 64, l.to_vec()).unwrap(), settings).unwrap();
        let (straight, other) = (of(&l), of(&mirrored));
        let back = other.a.chunks(other.width).flat_map(|row| row.iter().rev());
        straight.a.iter().zip(back).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max)
    };
    assert!(differs(true) < 1e-3, "{}", differs(true));
    assert!(differs(false) > 1e-2, "the network itself knows left from right");
}

#[test]
fn training_upscale_is_a_number_from_1_to_8_and_1_where_nothing_is_said() {
    let text = manifest("a").to_toml().unwrap();
    assert!(!text.contains("training_upscale"));
    let with = |upscale: &str| {
        let text = text.replace("values = ", &format!("training_upscale = {upscale}\nvalues = "));
        let text = text.replace("sha256 = \"\"", &format!("sha256 = \"{}\"", "0".repeat(64)));
        Manifest::parse(&text)
            .map(|manifest| manifest.input.training_upscale)
            .map_err(|problem| problem.to_string())
    };
    assert_eq!(with("2.5"), Ok(2.5));
    for wrong in ["0.5", "8.5", "nan"] {
        let said = with(wrong).unwrap_err();
        assert!(said.contains("input.training_upscale") && said.contains("1 to 8"), "{said}");
    }
}

#[test]
fn auto_levels_and_confidence_are_read_and_left_out_where_nothing_is_said() {
    let text = manifest("a").to_toml().unwrap();
    assert!(!text.contains("auto_levels") && !text.contains("[confidence]"));
    let with = |temperature: &str| {
        let text = text.replace("values = ", "auto_levels = true\nvalues = ");
        let text = text.replace("sha256 = \"\"", &format!("sha256 = \"{}\"", "0".repeat(64)));
        Manifest::parse(&format!("{text}\n[confidence]\ntemperature = {temperature}\n"))
            .map(|manifest| (manifest.input.auto_levels, manifest.confidence.temperature))
            .map_err(|problem| problem.to_string())
    };
    assert_eq!(with("0.8"), Ok((true, 0.8)));
    for wrong in ["0.2", "5.0", "nan"] {
        let said = with(wrong).unwrap_err();
        assert!(said.contains("confidence.temperature") && said.contains("0.25 to 4"), "{said}");
    }
}

#[test]
fn packages_with_the_old_names_of_keys_are_read_as_before() {
    let text = manifest("a").to_toml().unwrap();
    let text = text.replace("sha256 = \"\"", &format!("sha256 = \"{}\"", "0".repeat(64)));
    let with =
        |keys: &str| Manifest::parse(&text.replace("values = ", &format!("{keys}\nvalues = "))).unwrap();
    let old = with("enlarged = 2.0\nlevels = true");
    assert_eq!(old, with("training_upscale = 2.0\nauto_levels = true"));
    assert_eq!((old.input.training_upscale, old.input.auto_levels), (2.0, true));
}

#[test]
fn the_manifest_comes_back_as_it_was_but_for_the_sha256() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("made/on/the/way");
    let package = Package::write(&folder, &manifest("a"), &tensors, "# A\n", Precision::F16).unwrap();
    let mut read = package.manifest().clone();
    assert_eq!(read.weights.sha256.len(), 64);
    read.weights.sha256.clear();
    assert_eq!(read, manifest("a"));
    assert_eq!(names_in(&folder), [CARD_FILE, MANIFEST_FILE, "weights.safetensors"]);
    assert_eq!(names_in(folder.parent().unwrap()), ["way"]);
}

#[test]
fn half_precision_halves_the_file_and_keeps_vectors_exact() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, precision| {
        Package::write(&home.path().join(name), &manifest(name), &tensors, "", precision).unwrap()
    };
    let (half, full) = (write("half", Precision::F16), write("full", Precision::F32));
    let size = |package: &Package| fs::metadata(package.folder().join("weights.safetensors")).unwrap().len();
    assert!(size(&half) * 100 < size(&full) * 52, "{} of {}", size(&half), size(&full));

    let mut half = half.weights.load(&half.manifest.weights.sha256).unwrap();
    for (name, exact) in full.weights.load(&full.manifest.weights.sha256).unwrap() {
        let rounded = half.remove(&name).unwrap();
        if exact.dim() == 1 {
            assert_eq!(rounded, exact, "{name}");
        } else {
            // Half a unit in the last of 11 bits; an absolute part for numbers below float16's normal ones.
            let off = (&rounded - &exact).abs() - exact.abs() * 0.000_49;
            assert!(off.max().double_value(&[]) < 1e-7, "{name}");
        }
    }
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|folder| {
        let folder = home.path().join(folder);
        Package::write(&folder, &manifest("a"), &tensors, "# A\n", Precision::F16).unwrap();
        folder
    });
    for file in [MANIFEST_FILE, CARD_FILE, "weights.safetensors"] {
        assert_eq!(fs::read(one.join(file)).unwrap(), fs::read(two.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn a_package_is_replaced_whole_or_left_alone() {
    let (_, mut tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    Package::write(&folder, &manifest("old"), &tensors, "", Precision::F16).unwrap();
    Package::write(&folder, &manifest("new"), &tensors, "", Precision::F16).unwrap();
    assert_eq!(Package::open(&folder).unwrap().manifest().name, "new");

    tensors.pop();
    let error = Package::write(&folder, &manifest("newer"), &tensors, "", Precision::F16).unwrap_err();
    assert!(matches!(error.problem, Problem::Tensors(_)), "{error}");
    assert_eq!(Package::open(&folder).unwrap().manifest().name, "new");
    assert_eq!(names_in(home.path()), ["a"]);
}

#[test]
fn a_folder_that_is_no_package_is_never_replaced() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("diary.txt"), "dear").unwrap();
    let error = Package::write(home.path(), &manifest("a"), &tensors, "", Precision::F16).unwrap_err();
    assert!(matches!(error.problem, Problem::Occupied), "{error}");
    assert_eq!(names_in(home.path()), ["diary.txt"]);
}

#[test]
fn values_that_cannot_be_stored_are_named() {
    let home = tempfile::tempdir().unwrap();
    let attempt = |value: f64, precision| {
        let (_, tensors) = trained();
        let _no_grad = tch::no_grad_guard();
        let _ = tensors[0].1.get(0).fill_(value);
        Package::write(&home.path().join("a"), &manifest("a"), &tensors, "", precision)
    };
    let sentence = |value, precision| attempt(value, precision).unwrap_err().problem.to_string();
    insta::assert_snapshot!(sentence(f64::NAN, Precision::F32), @"tensor `group1.conv1.weight` has a value that is not finite");
    insta::assert_snapshot!(sentence(1e6, Precision::F16), @"tensor `group1.conv1.weight` has a value beyond 65504, the largest of F16; write it in F32");
    assert!(attempt(1e6, Precision::F32).is_ok());
}

#[test]
fn weights_that_change_after_the_check_are_not_loaded() {
    let (_, tensors) = trained();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    let package = Package::write(&folder, &manifest("a"), &tensors, "", Precision::F16).unwrap();
    let file = folder.join("weights.safetensors");
    let whole = fs::read(&file).unwrap();

    for changed in [&whole[..whole.len() - 2], &[&whole[..], b"more"].concat(), &[]] {
        fs::write(&file, changed).unwrap();
        let error = package.load(Device::Cpu, Kind::Float).err().expect("refused");
        assert!(matches!(error.problem, Problem::Sha256 { .. }), "{error}");
    }
}
