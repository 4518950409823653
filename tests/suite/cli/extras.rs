//! What comes besides the colored photograph: the colors as a layer, and the palette.

use image::{ColorType, GrayImage, ImageBuffer, ImageReader, Luma, Rgba};

use super::{Desk, load};

#[test]
fn the_colors_alone_are_a_layer() {
    let desk = Desk::new();
    desk.gray("a.jpg");
    let ran = desk.run(&["a.jpg", "--color-only"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote a-color-layer.png\n"));
    let layer = load(&desk.path("a-color-layer.png"));
    assert_eq!(layer.color(), ColorType::Rgba8);
    let layer = layer.into_rgba8();
    assert!(layer.pixels().all(|pixel| pixel[3] == 255 && pixel[0] > pixel[2]));
    // The photograph goes from dark to light; its layer does not.
    let luma = |pixel: &Rgba<u8>| {
        0.2126 * f64::from(pixel[0]) + 0.7152 * f64::from(pixel[1]) + 0.0722 * f64::from(pixel[2])
    };
    let lumas: Vec<f64> = layer.pixels().map(luma).collect();
    let (least, most) =
        lumas.iter().fold((f64::MAX, f64::MIN), |(least, most), luma| (least.min(*luma), most.max(*luma)));
    assert!(most - least < 12.0, "luma of the layer runs from {least} to {most}");
}

#[test]
fn a_layer_is_clear_where_the_photograph_is_and_deep_where_it_is_deep() {
    let desk = Desk::new();
    let picture =
        ImageBuffer::from_fn(8, 8, |x, _| Rgba([30_000_u16, 30_000, 30_000, if x < 4 { 0 } else { 9 }]));
    desk.put("a.png", &picture.into());
    for output in ["layer.png", "layer.tif"] {
        assert_eq!(desk.run(&["a.png", "--color-only", "-o", output]).code, Some(0));
        let layer = load(&desk.path(output));
        assert_eq!(layer.color(), ColorType::Rgba16);
        for (x, _, pixel) in layer.into_rgba16().enumerate_pixels() {
            assert_eq!(pixel[3], if x < 4 { 0 } else { 65_535 });
        }
    }
    desk.gray("in/b.jpg");
    assert_eq!(desk.run(&["in", "-o", "out", "--color-only"]).code, Some(0));
    assert!(ImageReader::open(desk.path("out/b.png")).unwrap().decode().unwrap().color().has_alpha());
}

#[test]
fn a_palette_is_told_to_people_and_to_programs() {
    let desk = Desk::new();
    desk.gray("a.png");
    let ran = desk.run(&["a.png", "--palette=3", "-o", "out.png"]);
    assert_eq!(ran.code, Some(0));
    super::assert_told("cli_palette", &ran.err);
    let ran = desk.run(&["a.png", "--palette", "-o", "out.png", "--json", "--overwrite"]);
    let report: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    let palette = report["palette"].as_array().unwrap();
    assert_eq!(palette.len(), 6);
    let share: f64 = palette.iter().map(|swatch| swatch["share"].as_f64().unwrap()).sum();
    assert!((share - 1.0).abs() < 0.01, "{share}");
    for swatch in palette {
        let hex = swatch["hex"].as_str().unwrap();
        assert!(
            hex.len() == 7 && hex.starts_with('#') && swatch["lab"].as_array().unwrap().len() == 3,
            "{swatch}"
        );
    }
    let ran = desk.run(&["a.png", "--palette=0"]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn confidence_is_reported_to_people_and_to_programs() {
    let desk = Desk::new();
    // The stub is as confident as the picture is light: a fifth.
    desk.put("a.png", &GrayImage::from_pixel(8, 8, Luma([51])).into());
    let ran = desk.run(&["a.png", "--confidence", "-o", "out.png"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "autochrome: a.png: confidence 20%\nautochrome: wrote out.png\n")
    );
    for ask in ["--sure", "--confidence=-map"] {
        let ran = desk.run(&["a.png", ask, "-o", "out.png", "--json", "--overwrite"]);
        let report: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
        assert_eq!(report["confidence"], 0.2, "{ask}");
    }
    assert_eq!(desk.files(), ["a.png", "out-map.png", "out.png"]);
}

#[test]
fn pages_that_have_colors_already_stay_as_they_are() {
    use autochrome_tests::tiff_files::{self, Page};
    let desk = Desk::new();
    // Two hues, each from dark to light.
    let pixel = |index: u8| {
        let level = 80 + index / 8 * 10;
        if index % 8 < 4 { [level, level / 4 * 3, level / 2] } else { [level / 2, level / 4 * 3, level] }
    };
    let colors: Vec<u8> = (0..64).flat_map(pixel).collect();
    let pages = [Page::new((8, 8), &[8], 1, vec![90; 64]), Page::new((8, 8), &[8; 3], 2, colors.clone())];
    std::fs::write(desk.path("pages.tif"), tiff_files::file(&pages)).unwrap();
    assert_eq!(desk.run(&["pages.tif", "-o", "out.tif", "--skip-color"]).code, Some(0));
    let file = std::io::BufReader::new(std::fs::File::open(desk.path("out.tif")).unwrap());
    let mut decoder = tiff::decoder::Decoder::new(file).unwrap();
    decoder.next_image().unwrap();
    let tiff::decoder::DecodingResult::U8(samples) = decoder.read_image().unwrap() else { panic!("8 bits") };
    assert_eq!(samples, colors);
}

#[test]
fn a_confidence_map_is_a_gray_picture_beside_each_output() {
    use autochrome_tests::tiff_files::{self, Page};
    let desk = Desk::new();
    desk.gray("a.jpg");
    let ran = desk.run(&["a.jpg", "-o", "out/a.png", "--confidence=-map"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (map, result) = (load(&desk.path("out/a-map.png")), load(&desk.path("out/a.png")));
    assert_eq!(map.color(), ColorType::L8);
    assert_eq!((map.width(), map.height()), (result.width(), result.height()));

    let again = desk.run(&["a.jpg", "-o", "out/b.png", "--confidence=-map"]);
    assert_eq!(again.code, Some(0), "another output has another map: {}", again.err);
    std::fs::remove_file(desk.path("out/a.png")).unwrap();
    let taken = desk.run(&["a.jpg", "-o", "out/a.png", "--confidence=-map"]);
    assert_eq!(taken.code, Some(1), "a map that is there is not replaced");
    assert!(!desk.path("out/a.png").exists(), "{}", taken.err);

    desk.gray("a.png");
    let twice = desk.run(&["a.jpg", "a.png", "-o", "both", "--confidence=-map"]);
    assert_eq!(twice.code, Some(1), "two photographs cannot share a map");
    assert!(twice.err.contains("both/a-map.png would be written for a.png as well"), "{}", twice.err);
    assert!(!desk.path("both").exists());

    let page = || Page::new((8, 8), &[8], 1, vec![90; 64]);
    std::fs::write(desk.path("pages.tif"), tiff_files::file(&[page(), page()])).unwrap();
    let pages = desk.run(&["pages.tif", "-o", "out/pages.tif", "--confidence=-map"]);
    assert_eq!(pages.code, Some(1));
    assert!(pages.err.contains("confidence map: it has 2 pages, and PNG allows only one"), "{}", pages.err);
    assert!(!desk.path("out/pages.tif").exists() && !desk.path("out/pages-map.png").exists());
}
