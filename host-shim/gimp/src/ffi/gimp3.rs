//! GIMP 3: a subclass of GimpPlugIn made at run time, its procedure, its arguments and its dialog.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_double, c_int, c_uint, c_void};
use std::ptr;

use super::core::Core;
use super::glib::c_string;
use super::gtk::{Gtk, Widget};
use super::handle::{Image, Item};
use super::library::{Lib, copied, functions};
use super::passed::objects;
use super::work::{Panel, Work};
use super::{PROCEDURE, guarded};
use crate::error::Error;
use crate::settings::{MAX_STRENGTH, Output, Settings};
use crate::text;

const LIBRARY: &str = "libgimp-3.0.so.0";
const UI_LIBRARY: &str = "libgimpui-3.0.so.0";

type Object = *mut c_void;
type Text = *const c_char;

objects! {
    /// This plug-in, as GIMP has it.
    PlugIn,
    /// A GimpProcedure of it.
    Procedure,
    /// The values of a procedure: a GimpProcedureConfig with the arguments that [`describe`] adds.
    Config,
    /// A GimpChoice.
    Choice,
    /// A GimpValueArray.
    Values,
}

/// `GIMP_PDB_PROC_TYPE_PLUGIN`.
const PLUGIN: c_int = 1;
/// Sensitive with one and with several chosen drawables.
const SENSITIVITY: c_int = 1 | 1 << 2;
/// `G_PARAM_READWRITE`.
const READ_WRITE: c_int = 3;

/// How a run ended.
mod status {
    pub const EXECUTION_ERROR: i32 = 0;
    pub const SUCCESS: i32 = 3;
    pub const CANCEL: i32 = 4;
}

/// `GimpPlugInClass`, as far as it is filled here; `GObjectClass` has 136 bytes.
#[repr(C)]
struct PlugInClass {
    object: [usize; 17],
    query: Option<unsafe extern "C" fn(PlugIn) -> *mut c_void>,
    init: *const c_void,
    create: Option<unsafe extern "C" fn(PlugIn, Text) -> Object>,
    quit: *const c_void,
    set_i18n: *const c_void,
}

/// `GTypeQuery`.
#[repr(C)]
struct TypeQuery {
    kind: usize,
    name: Text,
    class_size: c_uint,
    instance_size: c_uint,
}

type Run =
    unsafe extern "C" fn(Procedure, c_int, Image<Object>, *const Object, Config, *mut c_void) -> Object;

functions! {
    /// Functions of GIMP 3 alone.
    Table {
        plug_in_type = "gimp_plug_in_get_type": fn() -> usize,
        image_types = "gimp_procedure_set_image_types": fn(procedure: Procedure, types: &CStr),
        sensitivity = "gimp_procedure_set_sensitivity_mask": fn(procedure: Procedure, mask: c_int),
        menu_label = "gimp_procedure_set_menu_label": fn(procedure: Procedure, label: &CStr),
        menu_path = "gimp_procedure_add_menu_path": fn(procedure: Procedure, path: &CStr),
        documentation = "gimp_procedure_set_documentation":
            fn(procedure: Procedure, blurb: &CStr, help: &CStr, help_id: Option<&CStr>),
        attribution = "gimp_procedure_set_attribution":
            fn(procedure: Procedure, authors: &CStr, copyright: &CStr, date: &CStr),
        add_string = "gimp_procedure_add_string_argument":
            fn(procedure: Procedure, name: &CStr, nick: &CStr, blurb: &CStr, value: &CStr, flags: c_int),
        add_double = "gimp_procedure_add_double_argument": fn(
            procedure: Procedure, name: &CStr, nick: &CStr, blurb: &CStr, least: c_double, most: c_double,
            value: c_double, flags: c_int
        ),
        add_choice = "gimp_procedure_add_choice_argument": fn(
            procedure: Procedure, name: &CStr, nick: &CStr, blurb: &CStr, choice: Choice, value: &CStr, flags: c_int
        ),
        choice_new = "gimp_choice_new": fn() -> Choice,
        choice_add = "gimp_choice_add":
            fn(choice: Choice, name: &CStr, number: c_int, label: &CStr, help: Option<&CStr>),
        error_quark = "gimp_plug_in_error_quark": fn() -> c_uint,
        error_new = "g_error_new_literal": fn(domain: c_uint, code: c_int, text: &CStr) -> *mut c_void,
        add_layers = "gimp_procedure_add_core_object_array_return_value":
            fn(procedure: Procedure, name: &CStr, nick: &CStr, blurb: &CStr, kind: usize, flags: c_int),
        layer_type = "gimp_layer_get_type": fn() -> usize,
        result_at = "gimp_value_array_index": fn(values: Values, index: c_int) -> *mut c_void,
    } unsafe {
        main = "gimp_main": fn(usize, c_int, *mut *mut c_char) -> c_int,
        type_query = "g_type_query": fn(usize, *mut TypeQuery),
        register = "g_type_register_static_simple": fn(
            usize, Text, c_uint, Option<unsafe extern "C" fn(*mut PlugInClass, *mut c_void)>, c_uint,
            *const c_void, c_int
        ) -> usize,
        list_append = "g_list_append": fn(*mut c_void, *mut c_void) -> *mut c_void,
        procedure = "gimp_image_procedure_new": fn(PlugIn, Text, c_int, Run, *mut c_void, *const c_void) -> Procedure,
        results = "gimp_procedure_new_return_values": fn(Procedure, c_int, *mut c_void) -> Values,
        get = "g_object_get": fn(Config, Text; ...),
        set = "g_object_set": fn(Config, Text; ...),
        set_boxed = "g_value_set_boxed": fn(*mut c_void, *const c_void),
    }
}

functions! {
    /// Functions of its dialogs.
    DialogTable {
        dialog = "gimp_procedure_dialog_new": fn(procedure: Procedure, config: Config, title: &CStr) -> Widget,
        run = "gimp_procedure_dialog_run": fn(dialog: Widget) -> bool,
    }
}

/// What GIMP calls back for.
struct State {
    lib: Lib,
    table: Table,
}

thread_local! {
    static STATE: Cell<Option<&'static State>> = const { Cell::new(None) };
}

fn with_state<T>(work: impl FnOnce(&'static State) -> Result<T, Error>) -> Result<T, Error> {
    STATE.get().map_or_else(|| Err(Error::new("GIMP called back before the plug-in was set up")), work)
}

/// Whether this GIMP's library is there and has every function that is needed without a dialog.
pub fn present() -> Result<(), Error> {
    let lib = Lib::open(LIBRARY)?;
    Table::load(&lib, 1)?;
    Core::<Object>::load(&lib).map(drop)
}

/// Serves the GIMP that started this program, and gives the exit status.
pub fn main<W: Work>(args: &[CString]) -> Result<c_int, Error> {
    let lib = Lib::open(LIBRARY)?;
    let table = Table::load(&lib, 1)?;
    let kind = register_type::<W>(&table)?;
    let main = table.main;
    // Kept until the program ends, which is when GIMP no longer calls back.
    STATE.set(Some(Box::leak(Box::new(State { lib, table }))));
    let mut pointers: Vec<*mut c_char> = args.iter().map(|arg| arg.as_ptr().cast_mut()).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or_default();
    pointers.push(ptr::null_mut());
    // SAFETY: the strings outlive the call, and the type is a subclass of GimpPlugIn.
    Ok(unsafe { main(kind, count, pointers.as_mut_ptr()) })
}

/// A subclass of GimpPlugIn, as large as its parent.
fn register_type<W: Work>(table: &Table) -> Result<usize, Error> {
    let mut query = TypeQuery { kind: 0, name: ptr::null(), class_size: 0, instance_size: 0 };
    let parent = table.plug_in_type();
    // SAFETY: the parent's type exists, and `query` is what the function fills.
    unsafe { (table.type_query)(parent, &raw mut query) };
    if usize::try_from(query.class_size).unwrap_or_default() < size_of::<PlugInClass>() {
        return Err(Error::new(format!(
            "GIMP's plug-in class has {} bytes, expected at least {}; install a newer Autochrome",
            query.class_size,
            size_of::<PlugInClass>()
        )));
    }
    let name = c"AutochromePlugIn".as_ptr();
    // SAFETY: the sizes are the parent's, and the initializer touches only what `PlugInClass` describes.
    Ok(unsafe {
        (table.register)(
            parent,
            name,
            query.class_size,
            Some(init_class::<W>),
            query.instance_size,
            ptr::null(),
            0,
        )
    })
}

unsafe extern "C" fn init_class<W: Work>(class: *mut PlugInClass, _data: *mut c_void) {
    // SAFETY: GObject gives a class at least as large as the one that was registered.
    unsafe {
        (*class).query = Some(query);
        (*class).create = Some(create::<W>);
        // There are no translations to look for.
        (*class).set_i18n = ptr::null();
    }
}

unsafe extern "C" fn query(_plug_in: PlugIn) -> *mut c_void {
    let names = guarded(|| {
        with_state(|state| {
            let core = super::glib::Glib::load(&state.lib)?;
            let name = core.duplicate(PROCEDURE.to_str().unwrap_or_default());
            // SAFETY: NULL is the empty list; GIMP frees list and name.
            Ok(unsafe { (state.table.list_append)(ptr::null_mut(), name.cast()) })
        })
    });
    names.unwrap_or_else(|error| {
        eprintln!("autochrome-gimp: {error}");
        ptr::null_mut()
    })
}

unsafe extern "C" fn create<W: Work>(plug_in: PlugIn, name: Text) -> Object {
    // SAFETY: the name is GIMP's, and ends with NUL.
    let procedure = guarded(|| with_state(|state| Ok(unsafe { describe::<W>(state, plug_in, name) }.0)));
    procedure.unwrap_or_else(|error| {
        eprintln!("autochrome-gimp: {error}");
        ptr::null_mut()
    })
}

/// # Safety
/// `name` ends with NUL.
unsafe fn describe<W: Work>(state: &State, plug_in: PlugIn, name: Text) -> Procedure {
    let table = &state.table;
    // SAFETY: as the caller vouches; the callback has the type of the header, and no data to be freed.
    let procedure =
        unsafe { (table.procedure)(plug_in, name, PLUGIN, run::<W>, ptr::null_mut(), ptr::null()) };
    table.image_types(procedure, c"*");
    table.sensitivity(procedure, SENSITIVITY);
    table.menu_label(procedure, &c_string(text::MENU_LABEL));
    table.menu_path(procedure, &c_string(text::MENU));
    table.documentation(procedure, &c_string(text::BLURB), &c_string(text::HELP), None);
    let [authors, copyright, date] = [text::AUTHORS, text::COPYRIGHT, text::DATE].map(c_string);
    table.attribution(procedure, &authors, &copyright, &date);
    add_arguments(table, procedure);
    let [name, nick, what] = ["layers", "Layers", "The layers with the colors"].map(c_string);
    table.add_layers(procedure, &name, &nick, &what, table.layer_type(), READ_WRITE);
    procedure
}

fn add_arguments(table: &Table, procedure: Procedure) {
    let default = Settings::default();
    let string = |texts: [&str; 3], value: &str| {
        let [name, nick, what] = texts.map(c_string);
        table.add_string(procedure, &name, &nick, &what, &c_string(value), READ_WRITE);
    };
    let double = |texts: [&str; 3], least: f64, most: f64, value: f64| {
        let [name, nick, what] = texts.map(c_string);
        table.add_double(procedure, &name, &nick, &what, least, most, value, READ_WRITE);
    };
    string(text::MODEL, &default.model);
    double(text::STRENGTH, 0.0, MAX_STRENGTH, default.strength);
    double(text::TEMPERATURE, -1.0, 1.0, default.temperature);
    let choice = table.choice_new();
    for (number, (_, name, what)) in (0..).zip(Output::ALL) {
        table.choice_add(choice, &c_string(name), number, &c_string(what), None);
    }
    let [name, nick, what] = text::OUTPUT.map(c_string);
    let value = c_string(default.output.name());
    // The procedure takes over the choice.
    table.add_choice(procedure, &name, &nick, &what, choice, &value, READ_WRITE);
    string(text::DEVICE, &default.device);
}

/// What a run came to.
enum Ended {
    Done(Vec<Item<Object>>),
    Cancelled,
}

unsafe extern "C" fn run<W: Work>(
    procedure: Procedure,
    mode: c_int,
    image: Image<Object>,
    drawables: *const Object,
    config: Config,
    _data: *mut c_void,
) -> Object {
    // SAFETY: GIMP ends the array with NULL.
    let layers = unsafe { items(drawables) };
    let ended = guarded(|| with_state(|state| run_with::<W>(state, procedure, mode, image, &layers, config)));
    let answer = with_state(|state| Ok(answer(&state.table, procedure, ended).0));
    answer.unwrap_or(ptr::null_mut())
}

/// # Safety
/// `drawables` is NULL, or an array that ends with NULL.
unsafe fn items(drawables: *const Object) -> Vec<Item<Object>> {
    let mut found = Vec::new();
    if drawables.is_null() {
        return found;
    }
    // SAFETY: reads no further than the NULL.
    unsafe {
        let mut place = drawables;
        while !(*place).is_null() {
            found.push(Item(*place));
            place = place.add(1);
        }
    }
    found
}

/// The values GIMP gets back.
fn answer(table: &Table, procedure: Procedure, ended: Result<Ended, Error>) -> Values {
    let results = |status: c_int, error: *mut c_void| {
        // SAFETY: the error is NULL or one that is taken over.
        unsafe { (table.results)(procedure, status, error) }
    };
    match ended {
        Ok(Ended::Done(layers)) => {
            let values = results(status::SUCCESS, ptr::null_mut());
            let mut objects: Vec<Object> = layers.into_iter().map(|item| item.0).collect();
            objects.push(ptr::null_mut());
            // SAFETY: the second value is the array of layers that `describe` adds; it copies what ends with NULL.
            unsafe { (table.set_boxed)(table.result_at(values, 1), objects.as_ptr().cast()) };
            values
        }
        Ok(Ended::Cancelled) => results(status::CANCEL, ptr::null_mut()),
        Err(error) => {
            let error = table.error_new(table.error_quark(), 0, &c_string(&error.to_string()));
            results(status::EXECUTION_ERROR, error)
        }
    }
}

fn run_with<W: Work>(
    state: &'static State,
    procedure: Procedure,
    mode: c_int,
    image: Image<Object>,
    layers: &[Item<Object>],
    config: Config,
) -> Result<Ended, Error> {
    let core = Core::<Object>::load(&state.lib)?;
    let mut engine = None;
    if mode == 0 {
        W::check(&core, image, layers, Output::NewLayer)?;
        match ask::<W>(state, &core, procedure, config, (image, layers))? {
            Some(loaded) => engine = loaded,
            None => return Ok(Ended::Cancelled),
        }
    }
    let settings = read(state, config)?.checked()?;
    Ok(Ended::Done(W::colorize(&core, image, layers, &settings, engine)?))
}

/// The values in GIMP's own keeping.
fn read(state: &State, config: Config) -> Result<Settings, Error> {
    let glib = super::glib::Glib::load(&state.lib)?;
    let get = state.table.get;
    let string = |name: &CStr| {
        let mut text: *mut c_char = ptr::null_mut();
        // SAFETY: the property is a string, which is copied for us; NULL ends the list.
        unsafe {
            get(config, name.as_ptr(), &raw mut text, ptr::null::<c_char>());
            let copy = copied(text);
            glib.free(text.cast());
            copy
        }
    };
    let double = |name: &CStr| {
        let mut value = 0.0_f64;
        // SAFETY: the property is a double; NULL ends the list.
        unsafe { get(config, name.as_ptr(), &raw mut value, ptr::null::<c_char>()) };
        value
    };
    Ok(Settings {
        model: string(c"model"),
        strength: double(c"strength"),
        temperature: double(c"temperature"),
        output: Output::from_name(&string(c"output"))?,
        device: string(c"device"),
    })
}

/// Puts the values into GIMP's keeping, from where it makes the last values.
fn write(state: &State, config: Config, settings: &Settings) {
    let set = state.table.set;
    let texts = [settings.model.as_str(), settings.output.name(), settings.device.as_str()].map(c_string);
    let [model, output, device] = texts.each_ref().map(|text| text.as_ptr());
    // SAFETY: the properties are of these types, strings are copied, and NULL ends the list.
    unsafe {
        set(
            config,
            c"model".as_ptr(),
            model,
            c"strength".as_ptr(),
            settings.strength,
            c"temperature".as_ptr(),
            settings.temperature,
            c"output".as_ptr(),
            output,
            c"device".as_ptr(),
            device,
            ptr::null::<c_char>(),
        );
    }
}

/// Shows the dialog, which leaves the values in `config`; `None` when the user cancels.
fn ask<W: Work>(
    state: &'static State,
    core: &Core<Object>,
    procedure: Procedure,
    config: Config,
    (image, layers): (Image<Object>, &[Item<Object>]),
) -> Result<Option<Option<W::Engine>>, Error> {
    let Some(first) = layers.first() else { return Ok(None) };
    let lib = Lib::open(UI_LIBRARY)?;
    let table = DialogTable::load(&lib, 0)?;
    let panel = W::panel(core, image, *first, Gtk::load(&lib, 1)?, &read(state, config)?)?;
    let dialog = table.dialog(procedure, config, &c_string(text::TITLE));
    panel.fill(dialog);
    panel.on_change(move |settings| write(state, config, settings));
    let listener = panel.clone();
    let follow = move || {
        // GIMP's own buttons (reset, load) change the values behind the panel's back.
        if let Ok(settings) = read(state, config)
            && settings != listener.settings()
        {
            listener.show(&settings);
        }
    };
    // SAFETY: the config is a GObject.
    unsafe { panel.gtk().on_notify(config.0, follow) };
    let agreed = table.run(dialog);
    if agreed {
        write(state, config, &panel.settings());
    }
    let engine = panel.finish();
    // SAFETY: the panel has come to its end, and its timeout with it; nothing changes the config, which would ask the
    // widgets again, from here on.
    unsafe { panel.gtk().destroy(dialog) };
    Ok(agreed.then_some(engine))
}
