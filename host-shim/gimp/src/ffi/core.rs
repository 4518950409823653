//! What is asked of GIMP about an image, and done to it: the small interface between the job and either generation.
//!
//! A failing function of GIMP's answers FALSE or nothing, and says why in its error console; here that becomes an
//! [`Error`] that names what was tried.

use std::ffi::{c_char, c_double, c_int, c_void};

use super::glib::{Glib, c_string};
use super::handle::{Handle, Image, Item};
use super::library::{Lib, copied, functions};
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
        base_type = "gimp_image_base_type" or "gimp_image_get_base_type": fn(H) -> c_int,
        precision = "gimp_image_get_precision": fn(H) -> c_int,
        floating = "gimp_image_get_floating_sel": fn(H) -> H,
        to_rgb = "gimp_image_convert_rgb": fn(H) -> c_int,
        to_gray = "gimp_image_convert_grayscale": fn(H) -> c_int,
        position = "gimp_image_get_item_position": fn(H, H) -> c_int,
        insert = "gimp_image_insert_layer": fn(H, H, H, c_int) -> c_int,
        undo_start = "gimp_image_undo_group_start": fn(H) -> c_int,
        undo_end = "gimp_image_undo_group_end": fn(H) -> c_int,
        no_selection = "gimp_selection_is_empty": fn(H) -> c_int,
        is_layer = "gimp_item_is_layer": fn(H) -> c_int,
        is_group = "gimp_item_is_group": fn(H) -> c_int,
        is_mask = "gimp_item_is_layer_mask": fn(H) -> c_int,
        locked = "gimp_item_get_lock_content": fn(H) -> c_int,
        parent = "gimp_item_get_parent": fn(H) -> H,
        name = "gimp_item_get_name": fn(H) -> *mut c_char,
        delete = "gimp_item_delete": fn(H) -> c_int,
        width = "gimp_drawable_width" or "gimp_drawable_get_width": fn(H) -> c_int,
        height = "gimp_drawable_height" or "gimp_drawable_get_height": fn(H) -> c_int,
        offsets = "gimp_drawable_offsets" or "gimp_drawable_get_offsets": fn(H, *mut c_int, *mut c_int) -> c_int,
        alpha = "gimp_drawable_has_alpha": fn(H) -> c_int,
        buffer = "gimp_drawable_get_buffer": fn(H) -> *mut c_void,
        shadow = "gimp_drawable_get_shadow_buffer": fn(H) -> *mut c_void,
        merge = "gimp_drawable_merge_shadow": fn(H, c_int) -> c_int,
        update = "gimp_drawable_update": fn(H, c_int, c_int, c_int, c_int) -> c_int,
        selected = "gimp_drawable_mask_intersect": fn(H, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int,
        new_layer = "gimp_layer_new": fn(H, *const c_char, c_int, c_int, c_int, c_double, c_int) -> H,
        set_offsets = "gimp_layer_set_offsets": fn(H, c_int, c_int) -> c_int,
        opacity = "gimp_layer_get_opacity": fn(H) -> c_double,
        mask = "gimp_layer_get_mask": fn(H) -> H,
        mask_applied = "gimp_layer_get_apply_mask": fn(H) -> c_int,
        create_mask = "gimp_layer_create_mask": fn(H, c_int) -> H,
        add_mask = "gimp_layer_add_mask": fn(H, H) -> c_int,
        flush = "gimp_displays_flush": fn() -> c_int,
        progress_init = "gimp_progress_init": fn(*const c_char) -> c_int,
        progress_text = "gimp_progress_set_text": fn(*const c_char) -> c_int,
        progress_update = "gimp_progress_update": fn(c_double) -> c_int,
        progress_end = "gimp_progress_end": fn() -> c_int,
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

/// Turns GIMP's TRUE and FALSE into a result that says what was tried.
fn done(answer: c_int, tried: &str) -> Result<(), Error> {
    if answer != 0 { Ok(()) } else { Err(refused(tried)) }
}

fn refused(tried: &str) -> Error {
    Error::new(format!("GIMP did not {tried}; its error console (Windows > Dockable Dialogs) may say why"))
}

// SAFETY, for all calls below: the functions have the types of the table, an `Image` or `Item` holds what GIMP gave,
// and GIMP answers a handle that is no longer alive with FALSE.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
impl<H: Handle> Core<H> {
    /// Finds everything in `lib`, which is libgimp.
    pub fn load(lib: &Lib) -> Result<Self, Error> {
        // The types of these two are the generation's own.
        let (layers, children) =
            unsafe { (lib.function("gimp_image_get_layers")?, lib.function("gimp_item_get_children")?) };
        let table = Table::load(lib, H::GENERATION)?;
        Ok(Self { table, layers, children, gegl: Gegl::load(lib)?, glib: Glib::load(lib)? })
    }

    /// How the image stores color.
    pub fn kind(&self, image: Image<H>) -> Kind {
        match unsafe { (self.table.base_type)(image.0) } {
            0 => Kind::Rgb,
            1 => Kind::Gray,
            _ => Kind::Indexed,
        }
    }

    /// How deep encoded samples have to be to hold the image's. GIMP's numbers have a hundred for each width, and begin
    /// with linear samples, which are finer than encoded ones where it is light.
    pub fn depth(&self, image: Image<H>) -> Depth {
        match unsafe { (self.table.precision)(image.0) } {
            101..=199 => Depth::Eight,
            100 | 201..=299 => Depth::Sixteen,
            _ => Depth::Float,
        }
    }

    /// Whether something floats above the layers, waiting to be anchored.
    pub fn has_floating_selection(&self, image: Image<H>) -> bool {
        unsafe { (self.table.floating)(image.0) }.some().is_some()
    }

    /// Whether anything is selected; nothing selected stands for everything.
    pub fn has_selection(&self, image: Image<H>) -> bool {
        unsafe { (self.table.no_selection)(image.0) == 0 }
    }

    /// Makes a gray image one of colors.
    pub fn make_rgb(&self, image: Image<H>) -> Result<(), Error> {
        done(unsafe { (self.table.to_rgb)(image.0) }, "change the image's mode to RGB")
    }

    /// Makes it gray again.
    pub fn make_gray(&self, image: Image<H>) -> Result<(), Error> {
        done(unsafe { (self.table.to_gray)(image.0) }, "change the image's mode to grayscale")
    }

    /// Does `work` so that one undo takes all of it back.
    pub fn in_one_undo<T>(&self, image: Image<H>, work: impl FnOnce() -> T) -> T {
        unsafe { (self.table.undo_start)(image.0) };
        let result = work();
        unsafe { (self.table.undo_end)(image.0) };
        result
    }

    /// What the item is.
    pub fn item_kind(&self, item: Item<H>) -> ItemKind {
        let is = |question: unsafe extern "C" fn(H) -> c_int| unsafe { question(item.0) != 0 };
        match () {
            () if is(self.table.is_group) => ItemKind::Group,
            () if is(self.table.is_mask) => ItemKind::LayerMask,
            () if is(self.table.is_layer) => ItemKind::Layer,
            () => ItemKind::Other,
        }
    }

    /// Its name.
    pub fn name(&self, item: Item<H>) -> String {
        unsafe {
            let name = (self.table.name)(item.0);
            let text = copied(name);
            self.glib.free(name.cast());
            text
        }
    }

    /// Whether the pixels of the item, or of a group around it, are locked.
    pub fn is_locked(&self, item: Item<H>) -> bool {
        let locked = unsafe { (self.table.locked)(item.0) } != 0;
        locked || self.parent(item).is_some_and(|parent| self.is_locked(parent))
    }

    /// The group it lies in.
    pub fn parent(&self, item: Item<H>) -> Option<Item<H>> {
        unsafe { (self.table.parent)(item.0) }.some().map(Item)
    }

    /// Whether nothing lies below the layer, in its group or in the image.
    pub fn is_lowest(&self, image: Image<H>, layer: Item<H>) -> bool {
        let position = unsafe { (self.table.position)(image.0, layer.0) };
        let (count, block) = unsafe {
            match self.parent(layer) {
                Some(parent) => H::count(self.children, parent.0),
                None => H::count(self.layers, image.0),
            }
        };
        unsafe { self.glib.free(block) };
        usize::try_from(position).is_ok_and(|position| position + 1 == count)
    }

    /// Width and height in pixels.
    pub fn size(&self, item: Item<H>) -> Size {
        let side = |side: c_int| u32::try_from(side).unwrap_or_default();
        unsafe { (side((self.table.width)(item.0)), side((self.table.height)(item.0))) }
    }

    /// Whether it has transparency.
    pub fn has_alpha(&self, item: Item<H>) -> bool {
        unsafe { (self.table.alpha)(item.0) != 0 }
    }

    /// Whether any of it is selected.
    pub fn is_selected(&self, item: Item<H>) -> bool {
        let mut numbers = [0; 4];
        let [x, y, width, height] = &mut numbers;
        unsafe { (self.table.selected)(item.0, x, y, width, height) != 0 }
    }

    /// The mask of a layer, where it has one that is in use.
    pub fn mask(&self, layer: Item<H>) -> Option<Item<H>> {
        let mask = unsafe { (self.table.mask)(layer.0) }.some()?;
        (unsafe { (self.table.mask_applied)(layer.0) } != 0).then_some(Item(mask))
    }

    /// The pixels of an item; with a `scale` below 1 a smaller picture of it, whose size is `size`.
    pub fn read(&self, item: Item<H>, samples: Samples, size: Size, scale: f64) -> Result<Vec<u8>, Error> {
        let buffer = unsafe { (self.table.buffer)(item.0) };
        if buffer.is_null() {
            return Err(refused("give the layer's pixels"));
        }
        unsafe { self.gegl.read(buffer, samples, size, scale) }
    }

    /// Writes all pixels of an item that is not in the image yet.
    pub fn write(&self, item: Item<H>, samples: Samples, pixels: &[u8]) -> Result<(), Error> {
        let buffer = unsafe { (self.table.buffer)(item.0) };
        if buffer.is_null() {
            return Err(refused("take the new layer's pixels"));
        }
        unsafe { self.gegl.write(buffer, samples, self.size(item), pixels) }
    }

    /// Writes all pixels of a layer where it is selected, as far as it is selected.
    pub fn blend(&self, layer: Item<H>, samples: Samples, pixels: &[u8]) -> Result<(), Error> {
        let (width, height) = self.size(layer);
        let buffer = unsafe { (self.table.shadow)(layer.0) };
        if buffer.is_null() {
            return Err(refused("take the layer's pixels"));
        }
        unsafe { self.gegl.write(buffer, samples, (width, height), pixels)? };
        done(unsafe { (self.table.merge)(layer.0, 1) }, "change the layer")?;
        let side = |side: u32| c_int::try_from(side).unwrap_or(c_int::MAX);
        unsafe { (self.table.update)(layer.0, 0, 0, side(width), side(height)) };
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
        let text = c_string(name);
        let (mut x, mut y) = (0, 0);
        let layer = unsafe {
            let (width, height) = ((self.table.width)(below.0), (self.table.height)(below.0));
            let opacity = (self.table.opacity)(below.0);
            (self.table.new_layer)(image.0, text.as_ptr(), width, height, kind, opacity, number::LCH_COLOR)
        };
        let layer = layer.some().ok_or_else(|| refused("make a new layer"))?;
        unsafe {
            (self.table.offsets)(below.0, &raw mut x, &raw mut y);
            (self.table.set_offsets)(layer, x, y);
        }
        Ok(Item(layer))
    }

    /// Gives a layer that is not in the image yet a mask: the selection, or all of it.
    pub fn new_mask(&self, layer: Item<H>, selection: bool) -> Result<Item<H>, Error> {
        let kind = if selection { number::MASK_SELECTION } else { number::MASK_WHITE };
        let mask = unsafe { (self.table.create_mask)(layer.0, kind) }.some();
        let mask = mask.ok_or_else(|| refused("make a layer mask"))?;
        done(unsafe { (self.table.add_mask)(layer.0, mask) }, "add the layer mask")?;
        Ok(Item(mask))
    }

    /// Puts a new layer right above `below`.
    pub fn insert_above(&self, image: Image<H>, layer: Item<H>, below: Item<H>) -> Result<(), Error> {
        let answer = unsafe {
            let parent = (self.table.parent)(below.0);
            let position = (self.table.position)(image.0, below.0);
            (self.table.insert)(image.0, layer.0, parent, position)
        };
        done(answer, "take the new layer")
    }

    /// Removes an item, in the image or not.
    pub fn delete(&self, item: Item<H>) {
        unsafe { (self.table.delete)(item.0) };
    }

    /// Shows the user what has changed.
    pub fn flush(&self) {
        unsafe { (self.table.flush)() };
    }

    /// Begins to show progress, with this text.
    pub fn progress_start(&self, text: &str) {
        let text = c_string(text);
        unsafe { (self.table.progress_init)(text.as_ptr()) };
    }

    /// Says what is being done now.
    pub fn progress_text(&self, text: &str) {
        let text = c_string(text);
        unsafe { (self.table.progress_text)(text.as_ptr()) };
    }

    /// Shows how far it is, 0 to 1.
    pub fn progress(&self, fraction: f64) {
        unsafe { (self.table.progress_update)(fraction.clamp(0.0, 1.0)) };
    }

    /// No longer shows progress, and no longer offers to cancel.
    pub fn progress_end(&self) {
        unsafe { (self.table.progress_end)() };
    }
}
