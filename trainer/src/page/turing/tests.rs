use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{Rgb, RgbImage};

use super::*;
use crate::data::DataSet;
use crate::page::Page;
use crate::page::tests::assert_needs_nothing;

const TRUE: [u8; 3] = [190, 60, 40];
const PAINTED: [u8; 3] = [40, 90, 190];

/// Twelve photographs in color (one with a name that is markup), one gray, one that does not decode.
fn photographs() -> (tempfile::TempDir, DataSet) {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, color| {
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        RgbImage::from_fn(40, 30, |x, _| if x < 30 { Rgb(color) } else { Rgb([128; 3]) })
            .save(folder.path().join(name))
            .unwrap();
    };
    (0..11).for_each(|index| save(&format!("color{index}.png"), TRUE));
    save("</script>\"&.png", TRUE);
    save("gray.png", [90; 3]);
    std::fs::write(folder.path().join("broken.jpg"), b"no picture").unwrap();
    let data = crate::data::open(&[folder.path().to_path_buf()], &crate::data::Selection::default()).unwrap();
    (folder, data.screened(IN_COLOR))
}

fn drawn(data: &DataSet, wanted: usize, seed: u64) -> Vec<Pair> {
    let paint = |gray: &image::GrayImage| Ok(RgbImage::from_pixel(gray.width(), gray.height(), Rgb(PAINTED)));
    draw(data, wanted, seed, paint).unwrap()
}

fn settings() -> Settings<'static> {
    Settings { model: "m", practice: 2, seconds: 1.0, seed: 1 }
}

/// What the page's script would read.
fn test_of(body: &str) -> serde_json::Value {
    let (_, rest) = body.split_once("id=\"test\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn every_photograph_in_color_is_drawn_once_and_the_rest_is_named() {
    let (_folder, data) = photographs();
    let drawn = drawn(&data, 100, 1);
    let names: BTreeSet<&str> = drawn.iter().map(|pair| pair.name.as_str()).collect();
    assert_eq!((drawn.len(), names.len()), (12, 12));
    let passed_over: Vec<String> = data.corrupt().into_iter().map(|(name, _)| name).collect();
    assert_eq!(passed_over, ["broken.jpg", "gray.png"]);
}

#[test]
fn the_seed_decides_photographs_order_and_sides() {
    let (_folder, data) = photographs();
    let pairs = |seed| drawn(&data, 8, seed);
    assert_eq!(pairs(1), pairs(1));
    assert_ne!(pairs(1), pairs(2));
    let page = |seed| body(&settings(), &pairs(seed)).unwrap();
    assert_eq!(page(1), page(1));
    let sides: BTreeSet<bool> = (0..4).flat_map(pairs).map(|pair| pair.real == Side::Left).collect();
    assert_eq!(sides.len(), 2, "both sides are used");
}

#[test]
fn the_photograph_stands_on_the_side_that_is_said_and_the_lengths_do_not_tell() {
    let (_folder, data) = photographs();
    for pair in drawn(&data, 12, 3) {
        let (real, painted) =
            if pair.real == Side::Left { (&pair.left, &pair.right) } else { (&pair.right, &pair.left) };
        assert_eq!(real.len(), painted.len());
        for (bytes, color) in [(real, TRUE), (painted, PAINTED)] {
            let picture = image::load_from_memory(bytes).unwrap().into_rgb8();
            let near = picture.get_pixel(5, 5).0.into_iter().zip(color).all(|(a, b)| a.abs_diff(b) < 6);
            assert!(near, "{:?}, expected {color:?}", picture.get_pixel(5, 5));
        }
    }
}

#[test]
fn the_page_needs_nothing_and_does_not_say_which_is_real() {
    let (_folder, data) = photographs();
    let pairs = drawn(&data, 12, 1);
    let body = body(&settings(), &pairs).unwrap();
    let style = include_str!("turing.css");
    assert_needs_nothing(&Page { title: "t", style, body: &body, script: include_str!("turing.js") }.html());
    let test = test_of(&body);
    let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&test), ["id", "key", "model", "nonce", "pairs", "practice", "seconds"]);
    let real: Vec<u8> = pairs.iter().map(|pair| u8::from(pair.real == Side::Right)).collect();
    let bytes = |name: &str| STANDARD.decode(test[name].as_str().unwrap()).unwrap();
    let lowest = |bytes: &[u8]| bytes.iter().map(|byte| byte & 1).collect::<Vec<_>>();
    let (key, nonce) = (bytes("key"), bytes("nonce"));
    assert_ne!(lowest(&key), real);
    assert_ne!(lowest(&nonce), real);
    let undone: Vec<u8> = key.iter().zip(&nonce).map(|(key, nonce)| key ^ nonce).collect();
    assert_eq!(lowest(&undone), real);
    for (shown, pair) in test["pairs"].as_array().unwrap().iter().zip(&pairs) {
        assert_eq!(fields(shown), ["left", "name", "right"]);
        assert_eq!(shown["name"], pair.name.as_str());
    }
}

#[test]
fn pages_that_ask_something_else_keep_their_answers_apart() {
    let (_folder, data) = photographs();
    let id = |settings: Settings<'_>, seed| {
        test_of(&body(&settings, &drawn(&data, 5, seed)).unwrap())["id"].to_string()
    };
    let ids = [id(settings(), 1), id(settings(), 2), id(Settings { seconds: 0.0, ..settings() }, 1)];
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
}
