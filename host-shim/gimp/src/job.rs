//! Colorizes layers of an image, in whichever GIMP.
//!
//! The idea: **everything that may fail or be cancelled comes first.** GIMP cancels a plug-in by ending its process. So
//! the image is checked, read and colorized before any of it is changed; then it is changed in one undo step, without a
//! Cancel button.

use std::ops::ControlFlow;
use std::rc::Rc;

use autochrome_loader::PixelFormat;

use crate::engine::Engine;
use crate::error::Error;
use crate::ffi::core::{Core, Depth, ItemKind, Kind};
use crate::ffi::gtk::Gtk;
use crate::ffi::handle::{Handle, Image, Item};
use crate::ffi::pixels::{Samples, Size};
use crate::ffi::work::Work;
use crate::panel::Panel;
use crate::preview::{self, Picture};
use crate::settings::{Output, Settings};
use crate::text;

/// Fractions of the progress: the plugin is loaded here,
const LOADED: f64 = 0.1;
/// and all layers are colorized here.
const COLORED: f64 = 0.95;

/// A layer with its colors, which are not in the image yet.
struct Colored<H> {
    layer: Item<H>,
    samples: Samples,
    pixels: Vec<u8>,
}

/// See the module.
pub enum Colorize {}

impl Work for Colorize {
    type Engine = Engine;
    type Panel = Panel;

    fn check<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layers: &[Item<H>],
        output: Output,
    ) -> Result<(), Error> {
        let refuse = |sentence: String| Err(Error::new(sentence));
        if core.kind(image) == Kind::Indexed {
            return refuse(
                "the image is indexed, expected RGB or grayscale: choose Image > Mode > RGB first".into(),
            );
        }
        if core.has_floating_selection(image) {
            return refuse(
                "the image has a floating selection: anchor it (Layer > Anchor Layer) first".into(),
            );
        }
        if layers.is_empty() {
            return refuse(
                "no layer is selected, expected at least one: select the photograph's layer first".into(),
            );
        }
        if let Some(hints) = hints_layer(core, image) {
            let name = core.name(hints);
            if layers.contains(&hints) {
                return refuse(format!("\"{name}\" holds hints: select the photograph's layer first"));
            }
            if core.kind(image) == Kind::Gray {
                return refuse(format!(
                    "the image is grayscale, so the strokes on \"{name}\" have no color: choose Image > Mode > RGB, and paint them \
                 again"
                ));
            }
            if !core.has_alpha(hints) {
                return refuse(format!(
                    "the layer \"{name}\" has no transparency, expected strokes on a transparent layer: choose Layer > \
                 Transparency > Add Alpha Channel, and erase all but the strokes"
                ));
            }
        }
        for layer in layers {
            let name = core.name(*layer);
            match core.item_kind(*layer) {
                ItemKind::Layer | ItemKind::Group if output == Output::NewLayer => {}
                ItemKind::Layer if core.is_locked(*layer) => {
                    return refuse(format!(
                        "the pixels of the layer \"{name}\" are locked: unlock them in the Layers dialog, or choose a new layer as the result"
                    ));
                }
                ItemKind::Layer => {}
                ItemKind::Group => {
                    return refuse(format!(
                        "\"{name}\" is a group, which has no pixels of its own: select a layer in it, or choose a new layer as the result"
                    ));
                }
                ItemKind::LayerMask => {
                    return refuse(
                        "a layer mask is selected, expected a layer: click the layer's thumbnail first"
                            .into(),
                    );
                }
                ItemKind::Other => {
                    return refuse(format!("\"{name}\" is not a layer: select the photograph's layer first"));
                }
            }
            if core.has_selection(image) && !core.is_selected(*layer) {
                return refuse(format!(
                    "the selection is outside the layer \"{name}\": select part of the layer, or nothing (Select > None)"
                ));
            }
        }
        Ok(())
    }

    fn panel<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layer: Item<H>,
        gtk: Gtk,
        settings: &Settings,
    ) -> Result<Rc<Panel>, Error> {
        let engine = open(core)?;
        Panel::new(gtk, engine, thumbnail(core, image, layer)?, settings)
    }

    fn colorize<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layers: &[Item<H>],
        settings: &Settings,
        engine: Option<Engine>,
    ) -> Result<Vec<Item<H>>, Error> {
        Self::check(core, image, layers, settings.output)?;
        core.progress_start("Colorize Photo: loading the model");
        let colored = color_all(core, image, layers, settings, engine);
        core.progress_end();
        commit(core, image, &colored?, settings.output)
    }
}

/// Reads and colorizes all layers, reporting progress.
fn color_all<H: Handle>(
    core: &Core<H>,
    image: Image<H>,
    layers: &[Item<H>],
    settings: &Settings,
    engine: Option<Engine>,
) -> Result<Vec<Colored<H>>, Error> {
    let mut engine = engine.map_or_else(Engine::open, Ok)?;
    core.progress(LOADED);
    let share = (COLORED - LOADED) / f64::from(u32::try_from(layers.len()).unwrap_or(u32::MAX));
    let one = |(index, layer): (u32, &Item<H>)| {
        let begin = LOADED + share * f64::from(index);
        color_one(core, image, *layer, settings, &mut engine, &mut |fraction| {
            core.progress(begin + share * fraction)
        })
    };
    (0..).zip(layers).map(one).collect()
}

/// The plugin's format that holds every sample of the layer.
fn format<H: Handle>(core: &Core<H>, image: Image<H>, layer: Item<H>) -> PixelFormat {
    match (core.depth(image), core.has_alpha(layer)) {
        (Depth::Eight, false) => PixelFormat::Rgb8,
        (Depth::Eight, true) => PixelFormat::Rgba8,
        (Depth::Sixteen, false) => PixelFormat::Rgb16,
        (Depth::Sixteen, true) => PixelFormat::Rgba16,
        (Depth::Float, _) => PixelFormat::RgbaF32,
    }
}

/// Loads the plugin, which takes a second, before a dialog is shown.
///
/// # Errors
/// As [`Engine::open`].
fn open<H: Handle>(core: &Core<H>) -> Result<Engine, Error> {
    core.progress_start("Colorize Photo: loading the plugin");
    let engine = Engine::open();
    core.progress_end();
    engine
}

/// A small picture of the layer, to try settings on.
fn thumbnail<H: Handle>(core: &Core<H>, image: Image<H>, layer: Item<H>) -> Result<Picture, Error> {
    let (size, scale) = preview::fitted(core.size(layer));
    let format = if core.has_alpha(layer) { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 };
    let pixels = core.read(layer, Samples::Color(format), size, scale)?;
    Ok(Picture { format, size, pixels, hints: hints(core, image, layer, size, scale)? })
}

/// The layer with the colors that the user knows, if the image has one.
fn hints_layer<H: Handle>(core: &Core<H>, image: Image<H>) -> Option<Item<H>> {
    text::HINTS.iter().find_map(|name| core.layer_named(image, name))
}

/// What that layer has over `layer`.
fn hints<H: Handle>(
    core: &Core<H>,
    image: Image<H>,
    layer: Item<H>,
    size: Size,
    scale: f64,
) -> Result<Option<Vec<u8>>, Error> {
    hints_layer(core, image).map(|hints| core.read_over(hints, layer, size, scale)).transpose()
}

/// Reads a layer and colorizes it.
fn color_one<H: Handle>(
    core: &Core<H>,
    image: Image<H>,
    layer: Item<H>,
    settings: &Settings,
    engine: &mut Engine,
    progress: &mut dyn FnMut(f64),
) -> Result<Colored<H>, Error> {
    let format = format(core, image, layer);
    let samples = Samples::Color(format);
    let mut pixels = core.read(layer, samples, core.size(layer), 1.0)?;
    core.progress_text("Colorize Photo");
    let hints = hints(core, image, layer, core.size(layer), 1.0)?;
    engine.colorize(settings, format, core.size(layer), &mut pixels, hints.as_deref(), &mut |fraction| {
        progress(fraction);
        ControlFlow::Continue(())
    })?;
    Ok(Colored { layer, samples, pixels })
}

/// Changes the image, in one undo step.
fn commit<H: Handle>(
    core: &Core<H>,
    image: Image<H>,
    colored: &[Colored<H>],
    output: Output,
) -> Result<Vec<Item<H>>, Error> {
    let was_gray = core.kind(image) == Kind::Gray;
    let result = core.in_one_undo(image, || {
        // Before any layer is made: GIMP 3 gives a gray image gray layers only.
        if was_gray {
            core.make_rgb(image)?;
        }
        let placed = place(core, image, colored, output);
        if placed.is_err() && was_gray {
            core.make_gray(image)?;
        }
        placed
    });
    core.flush();
    result
}

/// Adds the colors to the image; after an error no new layer is left.
fn place<H: Handle>(
    core: &Core<H>,
    image: Image<H>,
    colored: &[Colored<H>],
    output: Output,
) -> Result<Vec<Item<H>>, Error> {
    let mut placed = Vec::new();
    for one in colored {
        let result = match output {
            Output::NewLayer => new_layer(core, image, one),
            Output::InPlace => core.blend(one.layer, one.samples, &one.pixels).map(|()| one.layer),
        };
        match result {
            Ok(layer) => placed.push(layer),
            Err(error) => {
                if output == Output::NewLayer {
                    placed.into_iter().for_each(|layer| core.delete(layer));
                }
                return Err(error);
            }
        }
    }
    Ok(placed)
}

/// Creates the layer for the colors, fills it, and puts it above the photograph.
fn new_layer<H: Handle>(core: &Core<H>, image: Image<H>, colored: &Colored<H>) -> Result<Item<H>, Error> {
    let below = colored.layer;
    // GIMP weighs a layer's colors with its alpha. Above a photograph that is half clear they are to be whole, and the
    // result is as clear as the photograph; only where other layers shine through, they are to fade with it.
    let alpha = core.has_alpha(below) && !core.is_lowest(image, below);
    let layer = core.new_color_layer(image, below, &format!("{} (color)", core.name(below)), alpha)?;
    let filled = core
        .write(layer, colored.samples, &colored.pixels)
        .and_then(|()| mask(core, image, below, layer))
        .and_then(|()| core.insert_above(image, layer, below));
    if filled.is_err() {
        core.delete(layer);
    }
    filled.map(|()| layer)
}

/// Masks what is not selected, and what the mask of the layer below hides.
fn mask<H: Handle>(core: &Core<H>, image: Image<H>, below: Item<H>, layer: Item<H>) -> Result<(), Error> {
    let (selection, hidden) = (core.has_selection(image), core.mask(below));
    if !selection && hidden.is_none() {
        return Ok(());
    }
    let mask = core.new_mask(layer, selection)?;
    let Some(hidden) = hidden else { return Ok(()) };
    let size = core.size(layer);
    let mut through = core.read(mask, Samples::Mask, size, 1.0)?;
    multiply(&mut through, &core.read(hidden, Samples::Mask, size, 1.0)?);
    core.write(mask, Samples::Mask, &through)
}

/// Multiplies floats by floats, in native byte order.
fn multiply(values: &mut [u8], by: &[u8]) {
    for (value, factor) in values.as_chunks_mut::<4>().0.iter_mut().zip(by.as_chunks::<4>().0) {
        *value = (f32::from_ne_bytes(*value) * f32::from_ne_bytes(*factor)).to_ne_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_masks_hide_what_either_hides() {
        let bytes = |values: [f32; 3]| values.map(f32::to_ne_bytes).concat();
        let mut mask = bytes([1.0, 0.5, 0.0]);
        multiply(&mut mask, &bytes([0.25, 0.5, 1.0]));
        assert_eq!(mask, bytes([0.25, 0.25, 0.0]));
    }
}
