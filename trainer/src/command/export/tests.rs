//! A run becomes a package, and a package the start of another run.

use tch::Device;

use super::*;
use crate::run::Learner;
use crate::run::learner::precision_tests::patches;
use crate::run::learner::tests::{
    FLOAT32, assert_near, config, losses, one_thread, start, toy_batch, with_encoder,
};

#[test]
fn a_run_that_goes_on_from_a_package_begins_where_that_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = start("bins2d", FLOAT32, Device::Cpu);
    losses(&mut first, 5);
    first.save(&checkpoint_path(folder.path())).unwrap();
    let export = ExportArgs {
        name: Some("first".to_owned()),
        description: "a test".to_owned(),
        float32: true,
        ..export_of(folder.path(), &folder.path().join("first"))
    };
    run(&export).unwrap();
    let mut config = config("bins2d", FLOAT32);
    config.seed += 1;
    config.init.package = Some(PathBuf::from("first"));
    let mut second = Learner::start(config.clone(), Vec::new(), folder.path(), Device::Cpu).unwrap();
    let batches = [toy_batch()];
    let (a, b) = (first.held_out_loss(&batches).unwrap(), second.held_out_loss(&batches).unwrap());
    assert_near(a, b, 1e-5, "loss of the first run's average and of the second's start");
    config.init.package_sha256 = Some("0".to_owned());
    let refused =
        Learner::start(config, Vec::new(), folder.path(), Device::Cpu).err().expect("another sha256");
    assert!(format!("{refused:#}").contains("expected sha256 0, got"), "{refused:#}");
}

#[test]
fn a_soup_of_a_run_and_itself_is_that_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = start("bins2d", FLOAT32, Device::Cpu);
    losses(&mut run, 3);
    run.save(&checkpoint_path(folder.path())).unwrap();
    let weights = |name: &str, soup: Vec<PathBuf>| {
        let export = export_of(folder.path(), &folder.path().join(name));
        super::run(&ExportArgs { soup, ..export }).unwrap();
        std::fs::read(folder.path().join(name).join("weights.safetensors")).unwrap()
    };
    assert_eq!(weights("alone", Vec::new()), weights("soup", vec![folder.path().to_owned()]));
}

fn export_of(run: &Path, package: &Path) -> ExportArgs {
    ExportArgs {
        run: run.to_owned(),
        package: package.to_owned(),
        name: Some("tiny".to_owned()),
        description: "a test".to_owned(),
        license: "MIT".to_owned(),
        default: false,
        working_size: None,
        training_upscale: None,
        auto_levels: None,
        mirror: None,
        point: None,
        temperature: None,
        tilt: None,
        contrast: None,
        smoothing: None,
        confidence_temperature: None,
        float32: false,
        raw: false,
        soup: Vec::new(),
        metrics: Vec::new(),
        notes: None,
        // These tests are for changed sources too.
        dirty: true,
    }
}

#[test]
fn what_is_gone_on_from_says_how_to_predict_where_nothing_else_does() {
    one_thread();
    let folder = tempfile::tempdir().unwrap();
    let path = checkpoint_path(folder.path());
    let config = with_encoder("encoder_lr = 0.0");
    let exported = |export: ExportArgs| {
        run(&export).unwrap();
        autochrome_models::package::Package::open(&export.package).unwrap().manifest().clone()
    };
    let export = |name: &str| export_of(folder.path(), &folder.path().join(name));
    Learner::start(config.clone(), Vec::new(), Path::new("."), Device::Cpu).unwrap().save(&path).unwrap();
    let first = exported(ExportArgs {
        working_size: Some(288),
        training_upscale: Some(2.0),
        auto_levels: Some(true),
        point: Some(Point::Median),
        contrast: Some(2.3),
        temperature: Some(0.7),
        tilt: Some(0.1),
        confidence_temperature: Some(0.75),
        ..export("first")
    });
    let mut config = config;
    config.init.package = Some(folder.path().join("first"));
    let mut second = Learner::start(config, Vec::new(), Path::new("."), Device::Cpu).unwrap();
    second.train_step(&patches(32)).unwrap();
    second.save(&path).unwrap();
    Learner::resume(&path, Path::new("."), Device::Cpu).unwrap().save(&path).unwrap();
    // What it begins from is not needed any more.
    std::fs::remove_dir_all(folder.path().join("first")).unwrap();
    let second = exported(export("second"));
    assert_eq!((&second.input, second.confidence), (&first.input, first.confidence));
    assert_eq!(second.codec, first.codec);
    let third = exported(ExportArgs {
        working_size: Some(64),
        auto_levels: Some(false),
        contrast: Some(1.0),
        ..export("third")
    });
    assert_eq!(
        (third.input.working_size, third.input.auto_levels, third.input.training_upscale),
        (64, false, 2.0)
    );
    let CodecConfig::Bins2d(codec) = third.codec else { panic!("another codec") };
    assert_eq!((codec.contrast, codec.temperature, codec.point), (1.0, 0.7, Point::Median));
}

#[test]
fn sources_that_differ_from_their_commit_are_refused_or_named() {
    for (trained, exporting) in [("a-changed", "b"), ("a", "b-changed"), ("a-changed", "b-changed")] {
        let refused = stated_commit(trained, exporting, false).unwrap_err().to_string();
        assert!(refused.contains("add --dirty"), "{refused}");
        assert_eq!(stated_commit(trained, exporting, true).unwrap(), "a-changed");
    }
    assert_eq!(stated_commit("a", "b", false).unwrap(), "a");
    assert_eq!(stated_commit("a", "b", true).unwrap(), "a");
    assert_eq!(stated_commit("", "", false).unwrap(), "", "outside a checkout nothing is known");
}

#[test]
fn options_with_their_old_names_are_read_as_before() {
    #[derive(clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        args: ExportArgs,
    }
    let read = |options: &str| {
        let words = "export run package --description d ".to_owned() + options;
        <Parsed as clap::Parser>::parse_from(words.split_whitespace()).args
    };
    for options in ["--enlarged 2 --levels", "--training-upscale 2 --auto-levels"] {
        let args = read(options);
        assert_eq!((args.training_upscale, args.auto_levels), (Some(2.0), Some(true)), "{options}");
    }
    assert_eq!(read("--levels=false").auto_levels, Some(false));
}
