//! The selected layer, its position and masks, the selection, groups, and several layers in one call.

use super::{Generation, Gimp, Picture, distance, is_colored, mean_distance, with_each};

/// Fraction of the pixels in columns `from..to` that have color.
fn colored_share(gimp: &Gimp, name: &str, from: u32, to: u32) -> f32 {
    let picture = gimp.open(name);
    let mut found = (0.0, 0.0);
    for (x, _, pixel) in picture.enumerate_pixels() {
        if (from..to).contains(&x) {
            let color =
                pixel.0[0].abs_diff(pixel.0[2]) > 2 * 257 || pixel.0[1].abs_diff(pixel.0[2]) > 2 * 257;
            found = (found.0 + f32::from(u8::from(color)), found.1 + 1.0);
        }
    }
    found.0 / found.1
}

/// A layer smaller than its image and offset, over white.
const MOVED: &str = r#"
(define (moved)
  (let* ((image (open "gray.png")) (layer (top image)))
    (gimp-image-resize image 130 90 20 10)
    (let ((white (car (gimp-layer-new-from-drawable layer image))))
      (gimp-image-insert-layer image white 0 1)
      (gimp-layer-set-offsets white 0 0)
      (gimp-layer-resize-to-image-size white))
    image))
"#;

#[test]
fn a_selection_limits_the_colors_softly() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        let said = gimp.succeed(
            r#"
(define (try output name)
  (let ((image (open "gray.png")))
    (gimp-image-convert-rgb image)
    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 48 0 48 64)
    (gimp-selection-feather image 12)
    (let ((layer (colorize image (top image) output)))
      (say output (count image) (if (mask? layer) "mask" "no-mask")))
    (export image name)
    (gimp-image-delete image)))
(define (mask? layer) (not (or (eqv? (car (gimp-layer-get-mask layer)) -1) (null? (car (gimp-layer-get-mask layer))))))
(try 0 "layer.png")
(try 1 "place.png")
(let ((image (open "gray.png"))) (gimp-image-convert-rgb image) (export image "in.png"))
"#,
        );
        assert_eq!(said[0], "0 2 mask");
        gimp.color_by_command_line("in.png", "full.png", &[]);
        let (before, full) = (gimp.open("in.png"), gimp.open("full.png"));
        for name in ["layer.png", "place.png"] {
            assert!(colored_share(&gimp, name, 0, 30) == 0.0, "{name}: no color outside");
            let after = gimp.open(name);
            // Fraction of the whole change, by least squares over a column: a single pixel's rounding hardly
            // matters.
            let at = |x: u32| {
                let (mut along, mut whole) = (0.0, 0.0);
                for y in 0..before.height() {
                    let chroma = |picture: &Picture| {
                        let pixel = picture.get_pixel(x, y).0;
                        f64::from(pixel[0]) - f64::from(pixel[2])
                    };
                    let change = chroma(&full) - chroma(&before);
                    along += (chroma(&after) - chroma(&before)) * change;
                    whole += change * change;
                }
                along / whole
            };
            assert!((at(80) - 1.0).abs() < 0.05, "{name}: full color inside, {}", at(80));
            assert!((0.2..0.8).contains(&at(48)), "{name}: partial color on the soft edge, {}", at(48));
        }
    });
}

#[test]
fn a_layer_keeps_its_size_and_place() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        let said = gimp.succeed(&format!(
            r#"{MOVED}
(let* ((image (moved)) (layer (top image)) (new (colorize image layer 0)))
  (say (count image) (offsets layer) (offsets new) (car (gimp-image-get-item-position image new)))
  (export image "seen.png"))
(let* ((image (moved)) (same (colorize image (top image) 1)))
  (say (count image) (offsets same))
  (export image "place.png"))
"#
        ));
        assert_eq!(said, ["3 (20 10) (20 10) 0", "2 (20 10)"]);
        for name in ["seen.png", "place.png"] {
            assert!(colored_share(&gimp, name, 0, 20) == 0.0 && colored_share(&gimp, name, 116, 130) == 0.0);
            assert!(colored_share(&gimp, name, 30, 110) > 0.3, "{name}");
        }
        assert!(mean_distance(&gimp.open("seen.png"), &gimp.open("place.png")) <= 1.0);
    });
}

#[test]
fn what_a_layer_hides_of_itself_stays_without_color() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        let said = gimp.succeed(&format!(
            r#"{MOVED}
(let* ((image (moved)) (layer (top image)))
  (gimp-image-convert-rgb image)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 20 0 40 90)
  (add-mask layer (car (gimp-layer-create-mask layer ADD-MASK-SELECTION)))
  (gimp-selection-none image)
  (colorize image layer 0)
  (say (count image))
  (export image "seen.png"))
"#
        ));
        assert_eq!(said, ["3"]);
        assert!(colored_share(&gimp, "seen.png", 62, 130) == 0.0, "the layer below was colored");
        assert!(colored_share(&gimp, "seen.png", 22, 58) > 0.3);
    });
}

#[test]
fn a_group_gets_a_layer_of_colors_above_it() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        let said = gimp.succeed(
            r#"
(let* ((image (open "gray.png")) (layer (top image)) (folder (group image)))
  (gimp-image-insert-layer image folder 0 0)
  (gimp-image-reorder-item image layer folder 0)
  (let ((new (colorize image folder 0)))
    (say (count image) (car (gimp-image-get-item-position image new)) (car (gimp-layer-get-mode new))))
  (let ((inner (colorize image layer 0)))
    (say (count image) (car (gimp-image-get-item-position image inner))))
  (export image "seen.png"))
"#,
        );
        assert_eq!(said, ["2 0 26", "2 0"]);
        assert!(is_colored(&gimp.open("seen.png")));
    });
}

#[test]
fn strokes_on_the_layer_of_hints_are_those_of_the_command_line() {
    const STROKE: [u8; 4] = [150, 60, 50, 255];
    let stroke = |x: u32, y: u32| if (10..20).contains(&x) && (5..25).contains(&y) { STROKE } else { [0; 4] };
    with_each(|gimp| {
        gimp.gray("gray.png");
        // In GIMP the layer is smaller than the photograph, and elsewhere.
        image::RgbaImage::from_fn(40, 30, |x, y| image::Rgba(stroke(x, y)))
            .save(gimp.path("layer.png"))
            .unwrap();
        let moved = |x: u32, y: u32| image::Rgba(stroke(x.wrapping_sub(20), y.wrapping_sub(10)));
        image::RgbaImage::from_fn(96, 64, moved).save(gimp.path("hints.png")).unwrap();
        let said = gimp.succeed(
            r#"
(let* ((image (open "gray.png")) (photograph (top image)))
  (gimp-image-convert-rgb image)
  (let ((hints (car (gimp-file-load-layer RUN-NONINTERACTIVE image (here "layer.png")))))
    (gimp-image-insert-layer image hints 0 0)
    (gimp-item-set-name hints "Color hints")
    (gimp-layer-set-offsets hints 20 10)
    (gimp-item-set-visible hints FALSE)
    (colorize image photograph 1)
    (say (count image))
    (export image "seen.png")))
"#,
        );
        assert_eq!(said, ["2"]);
        gimp.color_by_command_line("gray.png", "expected.png", &["--hints", "hints.png"]);
        assert!(mean_distance(&gimp.open("seen.png"), &gimp.open("expected.png")) <= 1.0);
        let [r, _, b, _] = gimp.open("seen.png").get_pixel(35, 25).0;
        assert!(r > b + 20 * 257, "the stroke is not red: {r} {b}");
    });
}

#[test]
fn gimp_3_colors_several_layers_at_once() {
    let Some(gimp) = Gimp::find(Generation::Three) else { return };
    gimp.gray("gray.png");
    let said = gimp.succeed(
        r#"
(let* ((image (open "gray.png")) (one (top image)) (two (car (gimp-layer-copy one))))
  (gimp-image-insert-layer image two 0 0)
  (let ((layers (car (plug-in-autochrome-colorize #:run-mode RUN-NONINTERACTIVE #:image image
          #:drawables (vector one two) #:device "cpu"))))
    (say (vector-length layers) (count image)
      (car (gimp-image-get-item-position image (vector-ref layers 0)))
      (car (gimp-image-get-item-position image (vector-ref layers 1))))))
"#,
    );
    assert_eq!(said, ["2 4 2 0"], "each above its own");
}

#[test]
fn strength_and_temperature_are_those_of_the_command_line() {
    with_each(|gimp| {
        gimp.gray("gray.png");
        gimp.succeed(
            r#"
(let ((image (open "gray.png")))
  (export image "in.png")
  (colorize-as image (top image) "autochrome" 0.5 1.0 1)
  (export image "place.png"))
"#,
        );
        gimp.color_by_command_line("in.png", "cli.png", &["--strength", "0.5", "--temperature", "1"]);
        gimp.color_by_command_line("in.png", "other.png", &[]);
        let place = gimp.open("place.png");
        assert!(distance(&place, &gimp.open("cli.png")) <= 1.0);
        assert!(distance(&place, &gimp.open("other.png")) > 4.0);
    });
}
