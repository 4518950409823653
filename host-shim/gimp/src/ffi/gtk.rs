//! The widgets of the dialog. GTK 2, which GIMP 2.10 uses, and GTK 3, which GIMP 3 uses, share every function here.
//!
//! Widgets are used on the thread GIMP called, while the dialog lives. What is connected to one lives until the
//! program ends, which is soon after: a plug-in is started for each run.

use std::ffi::{c_char, c_double, c_int, c_uint, c_void};
use std::rc::Rc;

use super::glib::{Glib, c_string};
use super::library::{Lib, functions};
use super::pixels::Size;
use crate::error::Error;

functions! {
    /// Functions of libgtk, libgdk_pixbuf and libgimpui.
    Table {
        hbox = "gtk_hbox_new": fn(c_int, c_int) -> *mut c_void,
        vbox = "gtk_vbox_new": fn(c_int, c_int) -> *mut c_void,
        pack = "gtk_box_pack_start": fn(*mut c_void, *mut c_void, c_int, c_int, c_uint),
        border = "gtk_container_set_border_width": fn(*mut c_void, c_uint),
        table = "gtk_table_new": fn(c_uint, c_uint, c_int) -> *mut c_void,
        spacings = "gtk_table_set_row_spacings": fn(*mut c_void, c_uint),
        gaps = "gtk_table_set_col_spacings": fn(*mut c_void, c_uint),
        attach = "gtk_table_attach": fn(
            *mut c_void, *mut c_void, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint
        ),
        label = "gtk_label_new_with_mnemonic": fn(*const c_char) -> *mut c_void,
        label_text = "gtk_label_set_text": fn(*mut c_void, *const c_char),
        label_for = "gtk_label_set_mnemonic_widget": fn(*mut c_void, *mut c_void),
        label_wrap = "gtk_label_set_line_wrap": fn(*mut c_void, c_int),
        label_width = "gtk_label_set_max_width_chars": fn(*mut c_void, c_int),
        align = "gtk_misc_set_alignment": fn(*mut c_void, f32, f32),
        combo = "gtk_combo_box_text_new": fn() -> *mut c_void,
        combo_add = "gtk_combo_box_text_append_text": fn(*mut c_void, *const c_char),
        combo_get = "gtk_combo_box_get_active": fn(*mut c_void) -> c_int,
        combo_set = "gtk_combo_box_set_active": fn(*mut c_void, c_int),
        scale = "gtk_hscale_new_with_range": fn(c_double, c_double, c_double) -> *mut c_void,
        scale_digits = "gtk_scale_set_digits": fn(*mut c_void, c_int),
        scale_place = "gtk_scale_set_value_pos": fn(*mut c_void, c_int),
        scale_inverted = "gtk_range_set_inverted": fn(*mut c_void, c_int),
        scale_get = "gtk_range_get_value": fn(*mut c_void) -> c_double,
        scale_set = "gtk_range_set_value": fn(*mut c_void, c_double),
        check = "gtk_check_button_new_with_mnemonic": fn(*const c_char) -> *mut c_void,
        check_get = "gtk_toggle_button_get_active": fn(*mut c_void) -> c_int,
        check_set = "gtk_toggle_button_set_active": fn(*mut c_void, c_int),
        image = "gtk_image_new": fn() -> *mut c_void,
        image_set = "gtk_image_set_from_pixbuf": fn(*mut c_void, *mut c_void),
        bytes = "g_bytes_new": fn(*const c_void, usize) -> *mut c_void,
        bytes_unref = "g_bytes_unref": fn(*mut c_void),
        pixbuf = "gdk_pixbuf_new_from_bytes": fn(
            *mut c_void, c_int, c_int, c_int, c_int, c_int, c_int
        ) -> *mut c_void,
        size_request = "gtk_widget_set_size_request": fn(*mut c_void, c_int, c_int),
        sensitive = "gtk_widget_set_sensitive": fn(*mut c_void, c_int),
        focus = "gtk_widget_grab_focus": fn(*mut c_void),
        tooltip = "gtk_widget_set_tooltip_text": fn(*mut c_void, *const c_char),
        show = "gtk_widget_show_all": fn(*mut c_void),
        destroy = "gtk_widget_destroy": fn(*mut c_void),
        content = "gtk_dialog_get_content_area": fn(*mut c_void) -> *mut c_void,
        transient = "gimp_window_set_transient": fn(*mut c_void),
    }
}

/// A widget, alive as long as its dialog.
#[derive(Debug, Clone, Copy)]
pub struct Widget(pub(super) *mut c_void);

/// See the module.
pub struct Gtk {
    table: Table,
    glib: Glib,
}

/// What a signal without further arguments calls.
type Called = Rc<dyn Fn()>;

unsafe extern "C" fn signalled(_object: *mut c_void, data: *mut c_void) {
    // SAFETY: `data` is the `Called` that `on` leaked.
    call(unsafe { &*data.cast::<Called>() });
}

unsafe extern "C" fn notified(_object: *mut c_void, _what: *mut c_void, data: *mut c_void) {
    // SAFETY: `data` is the `Called` that `on_notify` leaked.
    call(unsafe { &*data.cast::<Called>() });
}

unsafe extern "C" fn passed(data: *mut c_void) -> c_int {
    // SAFETY: `data` is the `Called` that `every` leaked.
    call(unsafe { &*data.cast::<Called>() });
    1
}

fn call(called: &Called) {
    if let Err(error) = super::guarded(|| {
        called();
        Ok(())
    }) {
        eprintln!("autochrome-gimp: {error}");
    }
}

fn leaked(called: impl Fn() + 'static) -> *mut c_void {
    let called: Called = Rc::new(called);
    Box::into_raw(Box::new(called)).cast()
}

// SAFETY, for all calls below: a `Widget` was made by these functions and its dialog lives; what is connected is
// leaked, so it outlives the widget; strings end with NUL and are copied by GTK.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
impl Gtk {
    /// Finds everything in `lib`, which is libgimpui of GIMP 2.10 (`generation` 0) or 3 (1), and starts GTK.
    pub fn load(lib: &Lib, generation: usize) -> Result<Self, Error> {
        let name = c"autochrome-gimp".as_ptr();
        if generation == 0 {
            let init: unsafe extern "C" fn(*const c_char, c_int) = unsafe { lib.function("gimp_ui_init") }?;
            unsafe { init(name, 0) };
        } else {
            let init: unsafe extern "C" fn(*const c_char) = unsafe { lib.function("gimp_ui_init") }?;
            unsafe { init(name) };
        }
        Ok(Self { table: Table::load(lib, generation)?, glib: Glib::load(lib)? })
    }

    /// A row of widgets, so many pixels apart.
    pub fn row(&self, spacing: c_int) -> Widget {
        Widget(unsafe { (self.table.hbox)(0, spacing) })
    }

    /// A column of widgets.
    pub fn column(&self, spacing: c_int) -> Widget {
        Widget(unsafe { (self.table.vbox)(0, spacing) })
    }

    /// Adds a widget to a row or column; with `expand` it takes the room that is left.
    pub fn pack(&self, into: Widget, widget: Widget, expand: bool) {
        let expand = c_int::from(expand);
        unsafe { (self.table.pack)(into.0, widget.0, expand, expand, 0) };
    }

    /// Leaves room around it.
    pub fn border(&self, widget: Widget, pixels: c_uint) {
        unsafe { (self.table.border)(widget.0, pixels) };
    }

    /// A table of two columns.
    pub fn form(&self, rows: c_uint) -> Widget {
        unsafe {
            let table = (self.table.table)(rows, 2, 0);
            (self.table.spacings)(table, 6);
            (self.table.gaps)(table, 8);
            Widget(table)
        }
    }

    /// Puts `widget` into a row of a form, named by `label` where that is not empty.
    pub fn attach(&self, form: Widget, row: c_uint, label: &str, widget: Widget) {
        const FILL: c_uint = 4;
        const EXPAND_FILL: c_uint = 5;
        unsafe {
            if !label.is_empty() {
                let label = self.label(label);
                (self.table.label_for)(label.0, widget.0);
                (self.table.attach)(form.0, label.0, 0, 1, row, row + 1, FILL, FILL, 0, 0);
            }
            (self.table.attach)(form.0, widget.0, 1, 2, row, row + 1, EXPAND_FILL, FILL, 0, 0);
        }
    }

    /// A text; an underscore marks its key.
    pub fn label(&self, text: &str) -> Widget {
        let text = c_string(text);
        unsafe {
            let label = (self.table.label)(text.as_ptr());
            (self.table.align)(label, 0.0, 0.5);
            Widget(label)
        }
    }

    /// Lets a text take several lines.
    pub fn wrap(&self, label: Widget, characters: c_int) {
        unsafe {
            (self.table.label_wrap)(label.0, 1);
            (self.table.label_width)(label.0, characters);
        }
    }

    /// Changes a text.
    pub fn set_text(&self, label: Widget, text: &str) {
        let text = c_string(text);
        unsafe { (self.table.label_text)(label.0, text.as_ptr()) };
    }

    /// A list to choose one from.
    pub fn choice<'a>(&self, entries: impl IntoIterator<Item = &'a str>) -> Widget {
        unsafe {
            let combo = (self.table.combo)();
            for entry in entries {
                let entry = c_string(entry);
                (self.table.combo_add)(combo, entry.as_ptr());
            }
            Widget(combo)
        }
    }

    /// Place of what is chosen.
    pub fn chosen(&self, choice: Widget) -> Option<usize> {
        usize::try_from(unsafe { (self.table.combo_get)(choice.0) }).ok()
    }

    /// Chooses.
    pub fn choose(&self, choice: Widget, index: usize) {
        unsafe { (self.table.combo_set)(choice.0, c_int::try_from(index).unwrap_or(-1)) };
    }

    /// A slider in steps of a hundredth, its number at the right; `falling` has the largest value at the left.
    pub fn slider(&self, largest: f64, falling: bool) -> Widget {
        const RIGHT: c_int = 1;
        unsafe {
            let scale = (self.table.scale)(0.0, largest, 0.01);
            (self.table.scale_digits)(scale, 2);
            (self.table.scale_place)(scale, RIGHT);
            (self.table.scale_inverted)(scale, c_int::from(falling));
            (self.table.size_request)(scale, 180, -1);
            Widget(scale)
        }
    }

    /// A slider's value.
    pub fn value(&self, slider: Widget) -> f64 {
        unsafe { (self.table.scale_get)(slider.0) }
    }

    /// Moves a slider.
    pub fn set_value(&self, slider: Widget, value: f64) {
        unsafe { (self.table.scale_set)(slider.0, value) };
    }

    /// A box to tick.
    pub fn check(&self, text: &str) -> Widget {
        let text = c_string(text);
        Widget(unsafe { (self.table.check)(text.as_ptr()) })
    }

    /// Whether it is ticked.
    pub fn is_checked(&self, check: Widget) -> bool {
        unsafe { (self.table.check_get)(check.0) != 0 }
    }

    /// Ticks it, or not.
    pub fn set_checked(&self, check: Widget, on: bool) {
        unsafe { (self.table.check_set)(check.0, c_int::from(on)) };
    }

    /// A place for a picture of that size.
    pub fn picture(&self, (width, height): Size) -> Widget {
        let side = |side: u32| c_int::try_from(side).unwrap_or(-1);
        unsafe {
            let image = (self.table.image)();
            (self.table.size_request)(image, side(width), side(height));
            Widget(image)
        }
    }

    /// Shows RGB, or with `alpha` RGBA, 8 bits each, rows without gaps.
    pub fn set_picture(&self, picture: Widget, (width, height): Size, alpha: bool, pixels: &[u8]) {
        let side = |side: u32| c_int::try_from(side).unwrap_or(0);
        let samples: c_int = if alpha { 4 } else { 3 };
        let needed = u64::from(width) * u64::from(height) * u64::from(samples.unsigned_abs());
        assert!(u64::try_from(pixels.len()).is_ok_and(|length| length >= needed), "the pixels are all there");
        unsafe {
            let bytes = (self.table.bytes)(pixels.as_ptr().cast(), pixels.len());
            let (columns, rows) = (side(width), side(height));
            let pixbuf =
                (self.table.pixbuf)(bytes, 0, c_int::from(alpha), 8, columns, rows, columns * samples);
            (self.table.image_set)(picture.0, pixbuf);
            self.glib.unref(pixbuf);
            (self.table.bytes_unref)(bytes);
        }
    }

    /// Explains a widget to who rests the pointer on it.
    pub fn explain(&self, widget: Widget, text: &str) {
        let text = c_string(text);
        unsafe { (self.table.tooltip)(widget.0, text.as_ptr()) };
    }

    /// Lets a widget be used, or not.
    pub fn enable(&self, widget: Widget, on: bool) {
        unsafe { (self.table.sensitive)(widget.0, c_int::from(on)) };
    }

    /// Puts the keyboard on a widget.
    pub fn focus(&self, widget: Widget) {
        unsafe { (self.table.focus)(widget.0) };
    }

    /// Puts a widget into a dialog and shows it; the dialog goes in front of GIMP's window.
    pub fn fill(&self, dialog: Widget, widget: Widget) {
        unsafe {
            self.pack(Widget((self.table.content)(dialog.0)), widget, true);
            (self.table.show)(widget.0);
            (self.table.transient)(dialog.0);
        }
    }

    /// Ends a dialog with all that is in it.
    pub fn destroy(&self, dialog: Widget) {
        unsafe { (self.table.destroy)(dialog.0) };
    }

    /// Calls at each such signal, one that has no arguments of its own.
    pub fn on(&self, widget: Widget, signal: &std::ffi::CStr, called: impl Fn() + 'static) {
        unsafe { self.glib.connect(widget.0, signal, signalled as *const c_void, leaked(called)) };
    }

    /// Calls whenever a property of the object has changed.
    pub fn on_notify(&self, object: *mut c_void, called: impl Fn() + 'static) {
        unsafe { self.glib.connect(object, c"notify", notified as *const c_void, leaked(called)) };
    }

    /// Calls every so many milliseconds until it is stopped.
    pub fn every(&self, milliseconds: c_uint, called: impl Fn() + 'static) -> c_uint {
        unsafe { self.glib.every(milliseconds, passed, leaked(called)) }
    }

    /// Ends what `every` began.
    pub fn stop(&self, timeout: c_uint) {
        self.glib.stop(timeout);
    }
}
