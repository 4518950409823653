//! The widgets of the dialog. GTK 2, which GIMP 2.10 uses, and GTK 3, which GIMP 3 uses, share every function here.
//!
//! Widgets are used on the thread GIMP called, while the dialog lives. What is connected to one lives until the
//! program ends, which is soon after: a plug-in is started for each run.

use std::ffi::{CStr, c_char, c_double, c_int, c_uint, c_void};
use std::rc::Rc;

use super::glib::{Glib, c_string};
use super::library::{Lib, functions};
use super::passed::objects;
use super::pixels::Size;
use crate::error::Error;

functions! {
    /// Functions of libgtk, libgdk_pixbuf and libgimpui.
    Table {
        hbox = "gtk_hbox_new": fn(even: bool, spacing: c_int) -> Widget,
        vbox = "gtk_vbox_new": fn(even: bool, spacing: c_int) -> Widget,
        pack = "gtk_box_pack_start": fn(into: Widget, widget: Widget, expand: bool, fill: bool, padding: c_uint),
        border = "gtk_container_set_border_width": fn(widget: Widget, pixels: c_uint),
        table = "gtk_table_new": fn(rows: c_uint, columns: c_uint, even: bool) -> Widget,
        spacings = "gtk_table_set_row_spacings": fn(table: Widget, pixels: c_uint),
        gaps = "gtk_table_set_col_spacings": fn(table: Widget, pixels: c_uint),
        attach = "gtk_table_attach": fn(
            table: Widget, widget: Widget, left: c_uint, right: c_uint, top: c_uint, bottom: c_uint,
            x_options: c_uint, y_options: c_uint, x_padding: c_uint, y_padding: c_uint
        ),
        label = "gtk_label_new_with_mnemonic": fn(text: &CStr) -> Widget,
        label_text = "gtk_label_set_text": fn(label: Widget, text: &CStr),
        label_for = "gtk_label_set_mnemonic_widget": fn(label: Widget, widget: Widget),
        label_wrap = "gtk_label_set_line_wrap": fn(label: Widget, wrap: bool),
        label_width = "gtk_label_set_max_width_chars": fn(label: Widget, characters: c_int),
        align = "gtk_misc_set_alignment": fn(label: Widget, x: f32, y: f32),
        combo = "gtk_combo_box_text_new": fn() -> Widget,
        combo_add = "gtk_combo_box_text_append_text": fn(combo: Widget, text: &CStr),
        combo_get = "gtk_combo_box_get_active": fn(combo: Widget) -> c_int,
        combo_set = "gtk_combo_box_set_active": fn(combo: Widget, index: c_int),
        scale = "gtk_hscale_new_with_range": fn(least: c_double, most: c_double, step: c_double) -> Widget,
        scale_digits = "gtk_scale_set_digits": fn(scale: Widget, digits: c_int),
        scale_place = "gtk_scale_set_value_pos": fn(scale: Widget, place: c_int),
        scale_inverted = "gtk_range_set_inverted": fn(scale: Widget, inverted: bool),
        scale_get = "gtk_range_get_value": fn(scale: Widget) -> c_double,
        scale_set = "gtk_range_set_value": fn(scale: Widget, value: c_double),
        check = "gtk_check_button_new_with_mnemonic": fn(text: &CStr) -> Widget,
        check_get = "gtk_toggle_button_get_active": fn(check: Widget) -> bool,
        check_set = "gtk_toggle_button_set_active": fn(check: Widget, on: bool),
        image = "gtk_image_new": fn() -> Widget,
        size_request = "gtk_widget_set_size_request": fn(widget: Widget, width: c_int, height: c_int),
        sensitive = "gtk_widget_set_sensitive": fn(widget: Widget, on: bool),
        focus = "gtk_widget_grab_focus": fn(widget: Widget),
        tooltip = "gtk_widget_set_tooltip_text": fn(widget: Widget, text: &CStr),
        show = "gtk_widget_show_all": fn(widget: Widget),
        content = "gtk_dialog_get_content_area": fn(dialog: Widget) -> Widget,
        transient = "gimp_window_set_transient": fn(dialog: Widget),
    } unsafe {
        image_set = "gtk_image_set_from_pixbuf": fn(*mut c_void, *mut c_void),
        bytes = "g_bytes_new": fn(*const c_void, usize) -> *mut c_void,
        bytes_unref = "g_bytes_unref": fn(*mut c_void),
        pixbuf = "gdk_pixbuf_new_from_bytes": fn(
            *mut c_void, c_int, c_int, c_int, c_int, c_int, c_int
        ) -> *mut c_void,
        destroy = "gtk_widget_destroy": fn(*mut c_void),
    }
}

objects! {
    /// A widget, alive as long as its dialog.
    Widget
}

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

impl Gtk {
    /// Finds everything in `lib`, which is libgimpui of GIMP 2.10 (`generation` 0) or 3 (1), and starts GTK.
    pub fn load(lib: &Lib, generation: usize) -> Result<Self, Error> {
        let name = c"autochrome-gimp".as_ptr();
        // SAFETY: the types are those of the headers of 2.10 and 3; the name lives as long as the program.
        unsafe {
            if generation == 0 {
                let init: unsafe extern "C" fn(*const c_char, c_int) = lib.function("gimp_ui_init")?;
                init(name, 0);
            } else {
                let init: unsafe extern "C" fn(*const c_char) = lib.function("gimp_ui_init")?;
                init(name);
            }
        }
        Ok(Self { table: Table::load(lib, generation)?, glib: Glib::load(lib)? })
    }

    /// A row of widgets, so many pixels apart.
    pub fn row(&self, spacing: c_int) -> Widget {
        self.table.hbox(false, spacing)
    }

    /// A column of widgets.
    pub fn column(&self, spacing: c_int) -> Widget {
        self.table.vbox(false, spacing)
    }

    /// Adds a widget to a row or column; with `expand` it takes the room that is left.
    pub fn pack(&self, into: Widget, widget: Widget, expand: bool) {
        self.table.pack(into, widget, expand, expand, 0);
    }

    /// Leaves a margin around it.
    pub fn border(&self, widget: Widget, pixels: c_uint) {
        self.table.border(widget, pixels);
    }

    /// A table of two columns.
    pub fn form(&self, rows: c_uint) -> Widget {
        let table = self.table.table(rows, 2, false);
        self.table.spacings(table, 6);
        self.table.gaps(table, 8);
        table
    }

    /// Puts `widget` into a row of a form, named by `label` where that is not empty.
    pub fn attach(&self, form: Widget, row: c_uint, label: &str, widget: Widget) {
        const FILL: c_uint = 4;
        const EXPAND_FILL: c_uint = 5;
        if !label.is_empty() {
            let label = self.label(label);
            self.table.label_for(label, widget);
            self.table.attach(form, label, 0, 1, row, row + 1, FILL, FILL, 0, 0);
        }
        self.table.attach(form, widget, 1, 2, row, row + 1, EXPAND_FILL, FILL, 0, 0);
    }

    /// A label; an underscore marks its shortcut key.
    pub fn label(&self, text: &str) -> Widget {
        let label = self.table.label(&c_string(text));
        self.table.align(label, 0.0, 0.5);
        label
    }

    /// Lets a label wrap over several lines.
    pub fn wrap(&self, label: Widget, characters: c_int) {
        self.table.label_wrap(label, true);
        self.table.label_width(label, characters);
    }

    /// Changes a label's text.
    pub fn set_text(&self, label: Widget, text: &str) {
        self.table.label_text(label, &c_string(text));
    }

    /// A list to choose one from.
    pub fn choice<'a>(&self, entries: impl IntoIterator<Item = &'a str>) -> Widget {
        let combo = self.table.combo();
        entries.into_iter().for_each(|entry| self.table.combo_add(combo, &c_string(entry)));
        combo
    }

    /// Index of the chosen entry.
    pub fn chosen(&self, choice: Widget) -> Option<usize> {
        usize::try_from(self.table.combo_get(choice)).ok()
    }

    /// Chooses the entry at an index.
    pub fn choose(&self, choice: Widget, index: usize) {
        self.table.combo_set(choice, c_int::try_from(index).unwrap_or(-1));
    }

    /// A slider in steps of a hundredth, its number at the right; `falling` has the largest value at the left.
    pub fn slider(&self, largest: f64, falling: bool) -> Widget {
        const RIGHT: c_int = 1;
        let scale = self.table.scale(0.0, largest, 0.01);
        self.table.scale_digits(scale, 2);
        self.table.scale_place(scale, RIGHT);
        self.table.scale_inverted(scale, falling);
        self.table.size_request(scale, 180, -1);
        scale
    }

    /// A slider's value.
    pub fn value(&self, slider: Widget) -> f64 {
        self.table.scale_get(slider)
    }

    /// Moves a slider.
    pub fn set_value(&self, slider: Widget, value: f64) {
        self.table.scale_set(slider, value);
    }

    /// A check box.
    pub fn check(&self, text: &str) -> Widget {
        self.table.check(&c_string(text))
    }

    /// Whether it is checked.
    pub fn is_checked(&self, check: Widget) -> bool {
        self.table.check_get(check)
    }

    /// Checks or unchecks it.
    pub fn set_checked(&self, check: Widget, on: bool) {
        self.table.check_set(check, on);
    }

    /// A place for a picture of that size.
    pub fn picture(&self, (width, height): Size) -> Widget {
        let side = |side: u32| c_int::try_from(side).unwrap_or(-1);
        let image = self.table.image();
        self.table.size_request(image, side(width), side(height));
        image
    }

    /// Shows RGB, or with `alpha` RGBA, 8 bits each, rows without gaps.
    pub fn set_picture(&self, picture: Widget, (width, height): Size, alpha: bool, pixels: &[u8]) {
        let side = |side: u32| c_int::try_from(side).unwrap_or(0);
        let samples: c_int = if alpha { 4 } else { 3 };
        let needed = u64::from(width) * u64::from(height) * u64::from(samples.unsigned_abs());
        assert!(u64::try_from(pixels.len()).is_ok_and(|length| length >= needed), "the pixels are all there");
        // SAFETY: GLib copies the pixels, which are all there; what is made here is given up here.
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

    /// Gives a widget a tooltip.
    pub fn explain(&self, widget: Widget, text: &str) {
        self.table.tooltip(widget, &c_string(text));
    }

    /// Enables or disables a widget.
    pub fn enable(&self, widget: Widget, on: bool) {
        self.table.sensitive(widget, on);
    }

    /// Gives a widget the keyboard focus.
    pub fn focus(&self, widget: Widget) {
        self.table.focus(widget);
    }

    /// Puts a widget into a dialog and shows it; the dialog goes in front of GIMP's window.
    pub fn fill(&self, dialog: Widget, widget: Widget) {
        self.pack(self.table.content(dialog), widget, true);
        self.table.show(widget);
        self.table.transient(dialog);
    }

    /// Destroys a dialog and everything in it.
    ///
    /// # Safety
    /// Neither it nor anything in it is used again.
    pub unsafe fn destroy(&self, dialog: Widget) {
        // SAFETY: as the caller vouches.
        unsafe { (self.table.destroy)(dialog.0) };
    }

    /// Calls at each such signal, one that has no arguments of its own.
    pub fn on(&self, widget: Widget, signal: &CStr, called: impl Fn() + 'static) {
        // SAFETY: the handler takes what a signal without arguments gives, and its data are leaked.
        unsafe { self.glib.connect(widget.0, signal, signalled as *const c_void, leaked(called)) };
    }

    /// Calls whenever a property of the object has changed.
    ///
    /// # Safety
    /// `object` is a GObject.
    pub unsafe fn on_notify(&self, object: *mut c_void, called: impl Fn() + 'static) {
        // SAFETY: an object, as the caller vouches; the handler has the type of "notify", and its data are leaked.
        unsafe { self.glib.connect(object, c"notify", notified as *const c_void, leaked(called)) };
    }

    /// Calls every so many milliseconds until it is stopped.
    pub fn every(&self, milliseconds: c_uint, called: impl Fn() + 'static) -> c_uint {
        // SAFETY: the data are leaked, so they outlive the timeout.
        unsafe { self.glib.every(milliseconds, passed, leaked(called)) }
    }

    /// Ends what `every` began.
    pub fn stop(&self, timeout: c_uint) {
        self.glib.stop(timeout);
    }
}
