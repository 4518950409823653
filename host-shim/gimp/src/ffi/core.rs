//! What is asked of GIMP about an image, and done to it: the small interface between the job and either generation.
//!
//! When a function of GIMP fails, it returns FALSE or nothing and says why in GIMP's error console; here that becomes
//! an [`Error`] that names what was tried.

use std::ffi::{CStr, c_char, c_double, c_int};

use super::glib::{Glib, c_string};
use super::handle::{Handle, Image, Item};
use super::library::{Lib, copied, functions};
use super::passed::Buffer;
use super::pixels::{Gegl, Samples, Size};
use crate::error::Error;

/// GIMP's numbers, the same in both generations.
mod number {
    use std::ffi::c_int;
    pub const LCH_COLOR: c_int = 26;
    pub const RGB: c_int = 0;
    pub const RGBA: c_int = 1;
    pub const MASK_WHITE: c_int = 0;
    pub const MASK_SELECTION: c_int = 4;
}

/// How an image stores color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Red, green, blue.
    Rgb,
    /// Gray.
    Gray,
    /// A palette.
    Indexed,
}

/// How precise an image's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 8-bit integers.
    Eight,
    /// 16-bit integers.
    Sixteen,
    /// More, or floating point.
    Float,
}

/// What an item of an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A layer of pixels.
    Layer,
    /// A group of layers.
    Group,
    /// The mask of a layer.
    LayerMask,
    /// Anything else, such as a channel.
    Other,
}

functions! {
    /// Functions of libgimp; `H` names images and items.
    Table<H> {
        base_type = "gimp_image_base_type" or "gimp_image_get_base_type": fn(image: Image<H>) -> c_int,
        precision = "gimp_image_get_precision": fn(image: Image<H>) -> c_int,
        floating = "gimp_image_get_floating_sel": fn(image: Image<H>) -> Option<Item<H>>,
        to_rgb = "gimp_image_convert_rgb": fn(image: Image<H>) -> bool,
        to_gray = "gimp_image_convert_grayscale": fn(image: Image<H>) -> bool,
        position = "gimp_image_get_item_position": fn(image: Image<H>, item: Item<H>) -> c_int,
        insert = "gimp_image_insert_layer":
            fn(image: Image<H>, layer: Item<H>, parent: Option<Item<H>>, position: c_int) -> bool,
        undo_start = "gimp_image_undo_group_start": fn(image: Image<H>) -> bool,
        undo_end = "gimp_image_undo_group_end": fn(image: Image<H>) -> bool,
        no_selection = "gimp_selection_is_empty": fn(image: Image<H>) -> bool,
        by_name = "gimp_image_get_layer_by_name": fn(image: Image<H>, name: &CStr) -> Option<Item<H>>,
        is_layer = "gimp_item_is_layer": fn(item: Item<H>) -> bool,
        is_group = "gimp_item_is_group": fn(item: Item<H>) -> bool,
        is_mask = "gimp_item_is_layer_mask": fn(item: Item<H>) -> bool,
        locked = "gimp_item_get_lock_content": fn(item: Item<H>) -> bool,
        parent = "gimp_item_get_parent": fn(item: Item<H>) -> Option<Item<H>>,
        delete = "gimp_item_delete": fn(item: Item<H>) -> bool,
        width = "gimp_drawable_width" or "gimp_drawable_get_width": fn(item: Item<H>) -> c_int,
        height = "gimp_drawable_height" or "gimp_drawable_get_height": fn(item: Item<H>) -> c_int,
        offsets = "gimp_drawable_offsets" or "gimp_drawable_get_offsets":
            fn(item: Item<H>, x: &mut c_int, y: &mut c_int) -> bool,
        alpha = "gimp_drawable_has_alpha": fn(item: Item<H>) -> bool,
        buffer = "gimp_drawable_get_buffer": fn(item: Item<H>) -> Option<Buffer>,
        shadow = "gimp_drawable_get_shadow_buffer": fn(item: Item<H>) -> Option<Buffer>,
        merge = "gimp_drawable_merge_shadow": fn(item: Item<H>, undo: bool) -> bool,
        update = "gimp_drawable_update":
            fn(item: Item<H>, x: c_int, y: c_int, width: c_int, height: c_int) -> bool,
        selected = "gimp_drawable_mask_intersect":
            fn(item: Item<H>, x: &mut c_int, y: &mut c_int, width: &mut c_int, height: &mut c_int) -> bool,
        new_layer = "gimp_layer_new": fn(
            image: Image<H>, name: &CStr, width: c_int, height: c_int, kind: c_int, opacity: c_double, mode: c_int
        ) -> Option<Item<H>>,
        set_offsets = "gimp_layer_set_offsets": fn(layer: Item<H>, x: c_int, y: c_int) -> bool,
        opacity = "gimp_layer_get_opacity": fn(layer: Item<H>) -> c_double,
        mask = "gimp_layer_get_mask": fn(layer: Item<H>) -> Option<Item<H>>,
        mask_applied = "gimp_layer_get_apply_mask": fn(layer: Item<H>) -> bool,
        create_mask = "gimp_layer_create_mask": fn(layer: Item<H>, kind: c_int) -> Option<Item<H>>,
        add_mask = "gimp_layer_add_mask": fn(layer: Item<H>, mask: Item<H>) -> bool,
        flush = "gimp_displays_flush": fn() -> bool,
        progress_init = "gimp_progress_init": fn(text: &CStr) -> bool,
        progress_text = "gimp_progress_set_text": fn(text: &CStr) -> bool,
        progress_update = "gimp_progress_update": fn(fraction: c_double) -> bool,
        progress_end = "gimp_progress_end": fn() -> bool,
    } unsafe {
        name = "gimp_item_get_name": fn(H) -> *mut c_char,
    }
}

/// GIMP, as the job sees it. Every call goes to the GIMP that started this program and waits for its answer.
pub struct Core<H: Handle> {
    table: Table<H>,
    layers: H::List,
    children: H::List,
    gegl: Gegl,
    glib: Glib,
}

/// Turns GIMP's answer into a result that says what was tried.
fn done(answer: bool, tried: &str) -> Result<(), Error> {
    if answer { Ok(()) } else { Err(refused(tried)) }
}

fn refused(tried: &str) -> Error {
    Error::new(format!("GIMP could not {tried}; its error console (Windows > Dockable Dialogs) may say why"))
}

impl<H: Handle> Core<H> {
    /// Finds everything in `lib`, which is libgimp.
    pub fn load(lib: &Lib) -> Result<Self, Error> {
        // SAFETY: the types of these two are the generation's own.
        let (layers, children) =
            unsafe { (lib.function("gimp_image_get_layers")?, lib.function("gimp_item_get_children")?) };
        let table = Table::load(lib, H::GENERATION)?;
        Ok(Self { table, layers, children, gegl: Gegl::load(lib)?, glib: Glib::load(lib)? })
    }

    /// How the image stores color.
    pub fn kind(&self, image: Image<H>) -> Kind {
        match self.table.base_type(image) {
            0 => Kind::Rgb,
            1 => Kind::Gray,
            _ => Kind::Indexed,
        }
    }

    /// How deep encoded samples have to be to hold the image's. GIMP's numbers have a hundred for each width, and begin
    /// with linear samples, which are finer than encoded ones where it is light.
    pub fn depth(&self, image: Image<H>) -> Depth {
        match self.table.precision(image) {
            101..=199 => Depth::Eight,
            100 | 201..=299 => Depth::Sixteen,
            _ => Depth::Float,
        }
    }

    /// Whether there is a floating selection, waiting to be anchored.
    pub fn has_floating_selection(&self, image: Image<H>) -> bool {
        self.table.floating(image).is_some()
    }

    /// Whether anything is selected; nothing selected stands for everything.
    pub fn has_selection(&self, image: Image<H>) -> bool {
        !self.table.no_selection(image)
    }

    /// Converts a gray image to RGB.
    pub fn make_rgb(&self, image: Image<H>) -> Result<(), Error> {
        done(self.table.to_rgb(image), "change the image's mode to RGB")
    }

    /// Converts it back to gray.
    pub fn make_gray(&self, image: Image<H>) -> Result<(), Error> {
        done(self.table.to_gray(image), "change the image's mode to grayscale")
    }

    /// Does `work` so that one undo reverts all of it.
    pub fn in_one_undo<T>(&self, image: Image<H>, work: impl FnOnce() -> T) -> T {
        self.table.undo_start(image);
        let result = work();
        self.table.undo_end(image);
        result
    }

    /// What the item is.
    pub fn item_kind(&self, item: Item<H>) -> ItemKind {
        match () {
            () if self.table.is_group(item) => ItemKind::Group,
            () if self.table.is_mask(item) => ItemKind::LayerMask,
            () if self.table.is_layer(item) => ItemKind::Layer,
            () => ItemKind::Other,
        }
    }

    /// The layer of that name, if there is one.
    pub fn layer_named(&self, image: Image<H>, name: &str) -> Option<Item<H>> {
        self.table.by_name(image, &c_string(name))
    }

    /// Its name.
    pub fn name(&self, item: Item<H>) -> String {
        // SAFETY: gives NULL or a string that is ours to free, of an item that GIMP gave.
        unsafe {
            let name = (self.table.name)(item.0);
            let text = copied(name);
            self.glib.free(name.cast());
            text
        }
    }

    /// Whether the pixels of the item, or of a group around it, are locked.
    pub fn is_locked(&self, item: Item<H>) -> bool {
        self.table.locked(item) || self.parent(item).is_some_and(|parent| self.is_locked(parent))
    }

    /// The group it lies in.
    pub fn parent(&self, item: Item<H>) -> Option<Item<H>> {
        self.table.parent(item)
    }

    /// Whether nothing lies below the layer, in its group or in the image.
    pub fn is_lowest(&self, image: Image<H>, layer: Item<H>) -> bool {
        let position = self.table.position(image, layer);
        let (list, of) = match self.parent(layer) {
            Some(parent) => (self.children, parent.0),
            None => (self.layers, image.0),
        };
        // SAFETY: a function of this generation, on a handle that GIMP gave; the block is ours to free.
        let count = unsafe {
            let (count, block) = H::count(list, of);
            self.glib.free(block);
            count
        };
        usize::try_from(position).is_ok_and(|position| position + 1 == count)
    }

    /// Width and height in pixels.
    pub fn size(&self, item: Item<H>) -> Size {
        let side = |side: c_int| u32::try_from(side).unwrap_or_default();
        (side(self.table.width(item)), side(self.table.height(item)))
    }

    /// Whether it has transparency.
    pub fn has_alpha(&self, item: Item<H>) -> bool {
        self.table.alpha(item)
    }

    /// Whether any of it is selected.
    pub fn is_selected(&self, item: Item<H>) -> bool {
        let mut numbers = [0; 4];
        let [x, y, width, height] = &mut numbers;
        self.table.selected(item, x, y, width, height)
    }

    /// The mask of a layer, where it has one that is in use.
    pub fn mask(&self, layer: Item<H>) -> Option<Item<H>> {
        self.table.mask(layer).filter(|_| self.table.mask_applied(layer))
    }

    /// The pixels of an item; with a `scale` below 1 a smaller picture of it, whose size is `size`.
    pub fn read(&self, item: Item<H>, samples: Samples, size: Size, scale: f64) -> Result<Vec<u8>, Error> {
        let buffer = self.table.buffer(item).ok_or_else(|| refused("read the layer's pixels"))?;
        self.gegl.read(buffer, samples, size, scale)
    }

    /// The pixels of `layer` where `below` lies, RGBA of 8 bits, transparent where it has none; with a `scale` below 1 a
    /// smaller picture of them, whose size is `size`.
    pub fn read_over(
        &self,
        layer: Item<H>,
        below: Item<H>,
        size: Size,
        scale: f64,
    ) -> Result<Vec<u8>, Error> {
        let offsets = |item| {
            let (mut x, mut y) = (0, 0);
            self.table.offsets(item, &mut x, &mut y);
            (x, y)
        };
        let ((x, y), (below_x, below_y)) = (offsets(layer), offsets(below));
        let buffer = self.table.buffer(layer).ok_or_else(|| refused("read the layer's pixels"))?;
        self.gegl.read_from(buffer, (below_x - x, below_y - y), size, scale)
    }

    /// Writes all pixels of an item that is not in the image yet.
    pub fn write(&self, item: Item<H>, samples: Samples, pixels: &[u8]) -> Result<(), Error> {
        let buffer = self.table.buffer(item).ok_or_else(|| refused("write the new layer's pixels"))?;
        self.gegl.write(buffer, samples, self.size(item), pixels)
    }

    /// Writes all pixels of a layer where it is selected, as far as it is selected.
    pub fn blend(&self, layer: Item<H>, samples: Samples, pixels: &[u8]) -> Result<(), Error> {
        let (width, height) = self.size(layer);
        let buffer = self.table.shadow(layer).ok_or_else(|| refused("write the layer's pixels"))?;
        self.gegl.write(buffer, samples, (width, height), pixels)?;
        done(self.table.merge(layer, true), "change the layer")?;
        let side = |side: u32| c_int::try_from(side).unwrap_or(c_int::MAX);
        self.table.update(layer, 0, 0, side(width), side(height));
        Ok(())
    }

    /// A layer for the colors of `below`, with its size, place and opacity; not in the image yet.
    pub fn new_color_layer(
        &self,
        image: Image<H>,
        below: Item<H>,
        name: &str,
        alpha: bool,
    ) -> Result<Item<H>, Error> {
        let kind = if alpha { number::RGBA } else { number::RGB };
        let table = &self.table;
        let (width, height, opacity) = (table.width(below), table.height(below), table.opacity(below));
        let layer = table.new_layer(image, &c_string(name), width, height, kind, opacity, number::LCH_COLOR);
        let layer = layer.ok_or_else(|| refused("create a new layer"))?;
        let (mut x, mut y) = (0, 0);
        table.offsets(below, &mut x, &mut y);
        table.set_offsets(layer, x, y);
        Ok(layer)
    }

    /// Gives a layer that is not in the image yet a mask: the selection, or all of it.
    pub fn new_mask(&self, layer: Item<H>, selection: bool) -> Result<Item<H>, Error> {
        let kind = if selection { number::MASK_SELECTION } else { number::MASK_WHITE };
        let mask = self.table.create_mask(layer, kind).ok_or_else(|| refused("create a layer mask"))?;
        done(self.table.add_mask(layer, mask), "add the layer mask")?;
        Ok(mask)
    }

    /// Puts a new layer right above `below`.
    pub fn insert_above(&self, image: Image<H>, layer: Item<H>, below: Item<H>) -> Result<(), Error> {
        let position = self.table.position(image, below);
        done(self.table.insert(image, layer, self.parent(below), position), "insert the new layer")
    }

    /// Removes an item, in the image or not.
    pub fn delete(&self, item: Item<H>) {
        self.table.delete(item);
    }

    /// Redraws what has changed.
    pub fn flush(&self) {
        self.table.flush();
    }

    /// Begins to show progress, with this text.
    pub fn progress_start(&self, text: &str) {
        self.table.progress_init(&c_string(text));
    }

    /// Says what is being done now.
    pub fn progress_text(&self, text: &str) {
        self.table.progress_text(&c_string(text));
    }

    /// Shows how far it is, 0 to 1.
    pub fn progress(&self, fraction: f64) {
        self.table.progress_update(fraction.clamp(0.0, 1.0));
    }

    /// No longer shows progress, and no longer offers to cancel.
    pub fn progress_end(&self) {
        self.table.progress_end();
    }
}
