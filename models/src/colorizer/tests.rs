//! When the network runs and when its last output suffices, tested with a network that counts its calls.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autochrome_pixels::pipeline::{Params, colorize, confidence};
use autochrome_pixels::{ImageView, ImageViewMut, PixelFormat};

use super::*;
use crate::codec::{Bins2d, Bins2dConfig};
use crate::last_output::KEPT_BYTES;
use crate::net::Layer;

/// Logits that rise with L in some bins and not in others, at a quarter of the size; counts how often it ran.
struct Counting(Arc<AtomicUsize>);

impl Network for Counting {
    fn forward_t(&self, l: &Tensor, _train: bool) -> Result<Tensor, TchError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let slopes = Tensor::f_linspace(-0.04, 0.05, 313, (Kind::Float, Device::Cpu))?;
        l.f_avg_pool2d([4, 4], [4, 4], [0, 0], false, true, None)?.f_mul(&slopes.f_view([1, 313, 1, 1])?)
    }

    fn stride_in(&self) -> i64 {
        32
    }

    fn stride_out(&self) -> i64 {
        4
    }

    fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        Vec::new()
    }
}

fn counting() -> (Colorizer, Arc<AtomicUsize>) {
    let passes = Arc::new(AtomicUsize::new(0));
    let colorizer = Colorizer {
        network: Box::new(Counting(Arc::clone(&passes))),
        smoothing: None,
        codec: Box::new(Bins2d::new(&Bins2dConfig::default()).expect("builds")),
        input: InputSpec { training_upscale: 1.0, auto_levels: false },
        confidence_temperature: 1.0,
        mirror: false,
        device: Device::Cpu,
        kind: Kind::Float,
        last: LastOutput::default(),
    };
    (colorizer, passes)
}

/// On one thread, at the model's own temperature.
const PLAIN: Settings = Settings { temperature: None, threads: 1 };

/// L that rises over `width` x `height` places.
fn ramp(width: usize, height: usize) -> Plane {
    let count = width * height;
    let values = (0..count).map(|at| 100.0 * at as f32 / count as f32).collect();
    Plane::new(width, height, values).expect("a value for each place")
}

#[test]
fn the_network_runs_once_for_a_picture_whatever_the_sliders_say() {
    let (colorizer, passes) = counting();
    let source: Vec<u8> = (0..96 * 64).map(|at: u32| u8::try_from(at % 256).expect("a code")).collect();
    let color = |source: &[u8], strength, temperature| {
        let mut target = vec![0; 96 * 64 * 3];
        let input = ImageView::new(PixelFormat::Gray8, 96, 64, 96, source).expect("an input");
        let mut output = ImageViewMut::new(PixelFormat::Rgb8, 96, 64, 288, &mut target).expect("an output");
        let params = Params { working_size: 64, strength, temperature, threads: 1 };
        colorize(&colorizer, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))
            .expect("it colorizes");
        (target, passes.load(Ordering::Relaxed))
    };
    let (first, ran) = color(&source, 1.0, None);
    assert_eq!(ran, 1);
    for (strength, temperature) in [(0.5, None), (1.0, Some(1.0)), (1.5, Some(0.0))] {
        let (other, ran) = color(&source, strength, temperature);
        assert_eq!(ran, 1, "strength {strength}, temperature {temperature:?}");
        assert_ne!(other, first, "strength {strength}, temperature {temperature:?} changed nothing");
    }
    assert_eq!(color(&source, 1.0, None), (first.clone(), 1), "the first result comes back bit for bit");
    let mut touched = source.clone();
    touched[1000] ^= 0x40;
    assert_eq!(color(&touched, 1.0, None).1, 2, "another picture");
    assert_eq!(color(&source, 1.0, None), (first, 3), "only the last one is kept");
}

#[test]
fn distributions_come_from_the_same_output() {
    let (colorizer, passes) = counting();
    let l = ramp(64, 64);
    colorizer.predict(&l, PLAIN).expect("predicts");
    let said = colorizer.distribution(&l, true).expect("runs").expect("a distribution");
    assert_eq!((said.width, said.height, passes.load(Ordering::Relaxed)), (16, 16, 1));
    // As many values in another shape are another picture.
    colorizer.predict(&ramp(128, 32), PLAIN).expect("predicts");
    assert_eq!(passes.load(Ordering::Relaxed), 2);
}

#[test]
fn confidence_is_a_gray_map_that_costs_no_further_pass() {
    let (colorizer, passes) = counting();
    let source: Vec<u8> = (0..64 * 64).map(|at: u32| u8::try_from(at / 16).expect("a code")).collect();
    let input = ImageView::new(PixelFormat::Gray8, 64, 64, 64, &source).expect("an input");
    let params = Params { working_size: 64, strength: 1.0, temperature: None, threads: 1 };
    let mut go_on = |_| ControlFlow::Continue(());
    let mut colors = vec![0; 3 * 64 * 64];
    let mut output = ImageViewMut::new(PixelFormat::Rgb8, 64, 64, 192, &mut colors).expect("an output");
    colorize(&colorizer, &input, &mut output, &params, &mut go_on).expect("it colorizes");
    assert!(confidence(&colorizer, &input, &mut output, &params, &mut go_on).is_err(), "not into color");
    let mut map = vec![0; 64 * 64];
    let mut output = ImageViewMut::new(PixelFormat::Gray8, 64, 64, 64, &mut map).expect("an output");
    confidence(&colorizer, &input, &mut output, &params, &mut go_on).expect("it has a confidence");
    assert_eq!(passes.load(Ordering::Relaxed), 1);
    // Flat logits where L is 0, and a hill of them where it is 100.
    assert!(map[0] < 60 && map[64 * 63] > map[0] + 40, "{} and {}", map[0], map[64 * 63]);
}

#[test]
fn what_is_too_large_is_not_kept() {
    let (colorizer, passes) = counting();
    let side = 512;
    assert!(313 * (side / 4) * (side / 4) * 4 > KEPT_BYTES);
    for _ in 0..2 {
        colorizer.predict(&ramp(side, side), Settings { threads: 2, ..PLAIN }).expect("predicts");
    }
    assert_eq!(passes.load(Ordering::Relaxed), 2);
}
