//! Model packages: good ones load; each bad one gets its own message and hides no other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_models::package::{Found, Manifest, Package, find_models};
use autochrome_pixels::{Engine, Plane, Settings};
use autochrome_tests::pin;
use autochrome_tests::tiny_model::{TinyTensor, tiny_manifest, tiny_tensors, tiny_weights, write_tiny_model};
use proptest::prelude::*;
use safetensors::Dtype;

const WEIGHTS: &str = "weights.safetensors";

/// Replaces the weights with these bytes, with their sha256 in the manifest.
fn put_weights(folder: &Path, bytes: &[u8]) {
    fs::write(folder.join(WEIGHTS), bytes).unwrap();
    fs::write(folder.join("model.toml"), tiny_manifest("bad", bytes)).unwrap();
}

fn put_tensors(folder: &Path, change: impl FnOnce(&mut Vec<TinyTensor>)) {
    let mut tensors = tiny_tensors();
    change(&mut tensors);
    put_weights(folder, &tiny_weights(&tensors));
}

/// Writes a weights file with this header and this many bytes after it.
fn put_header(folder: &Path, header: &str, data: usize) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    put_weights(folder, &bytes);
}

fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("model.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "the manifest has `{from}`");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Why the tiny package is unusable after `spoil`.
fn sentence(spoil: impl FnOnce(&Path)) -> String {
    let home = tempfile::tempdir().unwrap();
    let folder = write_tiny_model(home.path(), "bad");
    spoil(&folder);
    let error = Package::open(&folder).expect_err("a bad package is refused");
    assert_eq!(error.to_string(), format!("model package {}: {}", folder.display(), error.problem));
    error.problem.to_string()
}

/// What was done to a good package: a description, and the change.
type Case = (&'static str, fn(&Path));

/// Per case: what was done, then the error.
fn sentences(cases: &[Case]) -> String {
    cases.iter().map(|(name, spoil)| format!("{name}\n  {}\n", sentence(spoil))).collect()
}

#[test]
fn bad_manifests() {
    pin(
        "package_bad_manifests",
        &sentences(&[
            ("no model.toml", |p| fs::remove_file(p.join("model.toml")).unwrap()),
            ("model.toml of a megabyte", |p| {
                edit(p, "schema = 1", &format!("schema = 1 {}", "#".repeat(1 << 20)));
            }),
            ("model.toml is a folder", |p| {
                fs::remove_file(p.join("model.toml")).unwrap();
                fs::create_dir(p.join("model.toml")).unwrap();
            }),
            ("not TOML", |p| edit(p, "working_size = 64", "working_size 64")),
            ("not text", |p| fs::write(p.join("model.toml"), [0xff, 0xfe, 0x00]).unwrap()),
            ("no schema", |p| edit(p, "schema = 1", "")),
            ("schema of the future, with keys of the future", |p| {
                edit(p, "schema = 1", "schema = 2\nmagic = true")
            }),
            ("unknown key", |p| edit(p, "schema = 1", "schema = 1\ndefualt = true")),
            ("no license", |p| edit(p, "license = \"CC0-1.0\"", "")),
            ("no network", |p| edit(p, "[network]\nname = \"seed-report\"\n", "")),
            ("name with a path", |p| edit(p, "\"bad\"", "\"../bad\"")),
            ("name with an escape sequence", |p| edit(p, "\"bad\"", r#""\u001b[31mred""#)),
            ("description of two lines", |p| edit(p, "random weights, for tests", r"one\ntwo")),
            ("unknown network", |p| edit(p, "seed-report", "transformer-9000")),
            ("unknown hyperparameter", |p| edit(p, "\"seed-report\"", "\"seed-report\"\ndepth = 3")),
            ("absurd hyperparameter", |p| {
                edit(p, "\"seed-report\"", "\"lite-unet\"\nwidths = [8, 8, 8, 1099511627776]");
            }),
            ("hyperparameter of the wrong type", |p| {
                edit(p, "\"seed-report\"", "\"lite-unet\"\nwidths = \"wide\"")
            }),
            ("unknown codec", |p| edit(p, "\"regression\"\nscale = 40.0", "\"telepathy\"")),
            ("absurd codec", |p| edit(p, "scale = 40.0", "scale = 1e30")),
            ("working size that is not a multiple of 32", |p| {
                edit(p, "working_size = 64", "working_size = 100")
            }),
            ("working size of gigapixels", |p| edit(p, "working_size = 64", "working_size = 4294967264")),
            ("input of another kind", |p| {
                edit(p, "working_size = 64", "working_size = 64\nvalues = \"RGB\"")
            }),
            ("metric that is not a number", |p| {
                edit(p, "[weights]", "[metrics.eval]\npsnr = nan\n\n[weights]");
            }),
            ("sha256 in capitals", |p| edit(p, "sha256 = \"", "sha256 = \"ABC")),
        ]),
    );
}

#[test]
fn bad_weights_paths() {
    pin(
        "package_bad_weights_paths",
        &sentences(&[
            ("pickle", |p| edit(p, WEIGHTS, "weights.pt")),
            ("pickle in capitals", |p| edit(p, WEIGHTS, "weights.PTH")),
            ("path upwards", |p| edit(p, WEIGHTS, "../weights.safetensors")),
            ("path down and upwards", |p| edit(p, WEIGHTS, "a/../../weights.safetensors")),
            ("absolute path", |p| edit(p, WEIGHTS, "/etc/weights.safetensors")),
            ("path with a NUL", |p| edit(p, WEIGHTS, r"a\u0000.safetensors")),
            ("link out of the folder", |p| {
                fs::rename(p.join(WEIGHTS), p.parent().unwrap().join("outside.safetensors")).unwrap();
                symlink("../outside.safetensors", p.join(WEIGHTS)).unwrap();
            }),
            ("folder that is a link out of the folder", |p| {
                fs::rename(p.join(WEIGHTS), p.parent().unwrap().join(WEIGHTS)).unwrap();
                symlink("..", p.join("up")).unwrap();
                edit(p, WEIGHTS, "up/weights.safetensors");
            }),
            ("no weights", |p| fs::remove_file(p.join(WEIGHTS)).unwrap()),
            ("weights are a folder", |p| {
                fs::remove_file(p.join(WEIGHTS)).unwrap();
                fs::create_dir(p.join(WEIGHTS)).unwrap();
            }),
        ]),
    );
}

#[test]
fn bad_weights_files() {
    pin(
        "package_bad_weights_files",
        &sentences(&[
            ("empty", |p| put_weights(p, b"")),
            ("three bytes", |p| put_weights(p, b"abc")),
            ("header that claims a terabyte", |p| put_weights(p, &(1_u64 << 40).to_le_bytes())),
            ("header that claims all there is", |p| put_weights(p, &u64::MAX.to_le_bytes())),
            ("a gigabyte and a byte", |p| {
                fs::File::options()
                    .write(true)
                    .open(p.join(WEIGHTS))
                    .unwrap()
                    .set_len((1 << 30) + 1)
                    .unwrap();
            }),
            ("header that is not JSON", |p| put_header(p, "{nonsense}", 0)),
            ("header that is not text", |p| put_weights(p, &[2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe])),
            ("no tensors", |p| put_header(p, "{}", 0)),
            ("tensor of gigabytes in a file of none", |p| {
                put_header(
                    p,
                    r#"{"a":{"dtype":"F32","shape":[65536,65536],"data_offsets":[0,17179869184]}}"#,
                    0,
                );
            }),
            ("size that overflows", |p| {
                let shape = "[18446744073709551615,18446744073709551615]";
                put_header(
                    p,
                    &format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,4]}}}}"#),
                    4,
                );
            }),
            ("size that does not fit the shape", |p| {
                put_header(p, r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#, 4);
            }),
            ("tensors that overlap", |p| {
                let tensor = |at: [u8; 2]| format!(r#"{{"dtype":"F32","shape":[2],"data_offsets":{at:?}}}"#);
                put_header(p, &format!(r#"{{"a":{},"b":{}}}"#, tensor([0, 8]), tensor([4, 12])), 12);
            }),
            ("bytes that belong to no tensor", |p| {
                put_weights(p, &[tiny_weights(&tiny_tensors()), b"code".to_vec()].concat());
            }),
            ("cut short", |p| {
                let whole = tiny_weights(&tiny_tensors());
                put_weights(p, &whole[..whole.len() - 100]);
            }),
            ("one bit off", |p| {
                let mut bytes = fs::read(p.join(WEIGHTS)).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(p.join(WEIGHTS), bytes).unwrap();
            }),
        ]),
    );
}

#[test]
fn weights_of_another_network() {
    pin(
        "package_weights_of_another_network",
        &sentences(&[
            ("one missing", |p| put_tensors(p, |tensors| drop(tensors.remove(5)))),
            ("many missing", |p| put_tensors(p, |tensors| tensors.truncate(1))),
            ("one more", |p| {
                put_tensors(p, |tensors| {
                    let extra = TinyTensor { name: "backdoor\u{1b}[2J".to_owned(), ..tensors[0].clone() };
                    tensors.push(extra);
                })
            }),
            ("other shape, same size", |p| put_tensors(p, |tensors| tensors[0].shape = vec![1, 8, 3, 3])),
            ("other dimensions", |p| put_tensors(p, |tensors| tensors[0].shape = vec![72])),
            ("other type", |p| {
                put_tensors(p, |tensors| {
                    tensors[1].dtype = Dtype::BF16;
                    tensors[1].bytes.truncate(16);
                })
            }),
            ("everything at once", |p| {
                put_tensors(p, |tensors| {
                    tensors[0].shape = vec![72];
                    tensors[1].name = "elsewhere".to_owned();
                })
            }),
            ("not a number", |p| {
                put_tensors(p, |tensors| {
                    tensors[2].bytes[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
                })
            }),
            ("infinite in half precision", |p| {
                put_tensors(p, |tensors| {
                    tensors[1].dtype = Dtype::F16;
                    tensors[1].bytes.truncate(16);
                    tensors[1].bytes[14..].copy_from_slice(&0xfc00_u16.to_le_bytes());
                })
            }),
        ]),
    );
}

#[test]
fn a_good_package_predicts_finite_color_of_the_right_size() {
    let home = tempfile::tempdir().unwrap();
    let package = Package::open(&write_tiny_model(home.path(), "tiny")).unwrap();
    let colorizer = Colorizer::load(&package, &resolve(&DeviceRequest::Cpu).unwrap()).unwrap();
    let l: Vec<f32> = (0_u8..=255).cycle().take(64 * 96).map(|v| f32::from(v) / 2.55).collect();
    let predict = |count: usize, width, height, threads| {
        let l = Plane::new(width, height, l[..count].to_vec()).map_err(|error| error.to_string())?;
        let settings = Settings { temperature: None, threads };
        colorizer.predict(&l, settings).map_err(|error| error.to_string())
    };
    let ab = predict(96 * 64, 96, 64, 1).unwrap();
    assert_eq!((ab.width, ab.height, ab.a.len(), ab.b.len()), (96, 64, 96 * 64, 96 * 64));
    assert!(ab.a.iter().chain(&ab.b).all(|value| value.is_finite()));
    let spread = |plane: &[f32]| plane.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!(spread(&ab.a) > 1.0 && spread(&ab.b) > 1.0, "random weights give some color");

    let refused = |count, width, height, threads| predict(count, width, height, threads).unwrap_err();
    assert_eq!(refused(33 * 64, 33, 64, 1), "L of 33 x 64: expected sides that are multiples of 8");
    assert_eq!(refused(64, 64, 64, 1), "plane of 64 x 64 with 64 values; expected one value per cell");
    assert_eq!(refused(64 * 64, 64, 64, 1_000_000), "threads: expected 0 to 1024, got 1000000");
}

#[test]
fn links_inside_a_package_and_to_a_package_are_followed() {
    let home = tempfile::tempdir().unwrap();
    let folder = write_tiny_model(home.path(), "tiny");
    fs::rename(folder.join(WEIGHTS), folder.join("v1.safetensors")).unwrap();
    symlink("v1.safetensors", folder.join(WEIGHTS)).unwrap();
    let models = tempfile::tempdir().unwrap();
    symlink(&folder, models.path().join("linked")).unwrap();
    assert_eq!(Package::open(&models.path().join("linked")).unwrap().manifest().name, "tiny");
}

/// `folder: name` or `folder: reason`, folders without the temporary part.
fn listing(home: &Path, found: &[Found]) -> String {
    let line = |found: &Found| {
        let text = match &found.package {
            Ok(package) => format!("usable as {}", package.manifest().name),
            Err(error) => error.problem.to_string().replace(&home.display().to_string(), "HOME"),
        };
        format!("{}: {text}\n", found.folder.strip_prefix(home).unwrap().display())
    };
    found.iter().map(line).collect()
}

#[test]
fn bad_packages_are_listed_with_their_reason_and_hide_no_other() {
    let home = tempfile::tempdir().unwrap();
    let [user, system] = ["user", "system"].map(|name| home.path().join(name));
    write_tiny_model(&user, "zebra");
    write_tiny_model(&user, "apple");
    edit(&write_tiny_model(&user, "broken"), "seed-report", "unheard-of");
    symlink("nowhere", user.join("dangling")).unwrap();
    fs::create_dir(user.join("no-package")).unwrap();
    fs::write(user.join("README"), "a file among folders").unwrap();
    write_tiny_model(&user, ".being-written.new-1");
    write_tiny_model(&system, "apple");
    edit(&write_tiny_model(&system, "shipped"), "schema = 1", "schema = 1\ndefault = true");
    fs::write(home.path().join("file"), "not a folder").unwrap();

    let folders: Vec<PathBuf> = ["user", "missing", "file", "system", "system/../user"]
        .iter()
        .map(|name| home.path().join(name))
        .collect();
    pin("package_listing", &listing(home.path(), &find_models(&folders)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_as_a_manifest_panics(text in ".{0,400}") {
        prop_assert!(Manifest::parse(&text).is_err());
    }

    #[test]
    fn no_change_to_a_manifest_panics(at in 0_usize..300, gone in 0_usize..30, new in "[\\PC\n]{0,12}") {
        let text = tiny_manifest("tiny", b"");
        let changed: String = text.chars().take(at).chain(new.chars()).chain(text.chars().skip(at + gone)).collect();
        if let Ok(manifest) = Manifest::parse(&changed) {
            // What is accepted can be written and read again.
            prop_assert_eq!(Manifest::parse(&manifest.to_toml().unwrap()).unwrap(), manifest);
        }
    }

    #[test]
    fn no_bytes_as_weights_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), sound in any::<bool>()) {
        let home = tempfile::tempdir().unwrap();
        let folder = write_tiny_model(home.path(), "bad");
        // Half of them get a valid length, so that the JSON is reached.
        let length = if sound { (bytes.len() as u64).to_le_bytes().to_vec() } else { Vec::new() };
        put_weights(&folder, &[length, bytes].concat());
        prop_assert!(Package::open(&folder).is_err());
    }

    #[test]
    fn no_change_to_a_header_panics(changes in prop::collection::vec((0_usize..6000, 0x20_u8..0x7f), 1..4)) {
        let home = tempfile::tempdir().unwrap();
        let folder = write_tiny_model(home.path(), "tiny");
        let mut bytes = fs::read(folder.join(WEIGHTS)).unwrap();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        put_weights(&folder, &bytes);
        // Whatever is accepted has every tensor the network needs.
        if let Ok(package) = Package::open(&folder) {
            let cpu = resolve(&DeviceRequest::Cpu).unwrap();
            prop_assert!(package.load(cpu.device, cpu.kind).is_ok());
        }
    }
}
