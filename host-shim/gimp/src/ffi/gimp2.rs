//! GIMP 2.10: registers the procedure, reads its arguments, shows its dialog.
//!
//! Layouts are those of `libgimp/gimp.h` on 64-bit machines: a parameter is 40 bytes with its value at 8.

use std::cell::OnceCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

use super::core::Core;
use super::glib::c_string;
use super::gtk::{Gtk, Widget};
use super::handle::{Image, Item};
use super::library::{Lib, copied, functions};
use super::work::{Panel, Work};
use super::{PROCEDURE, guarded};
use crate::error::Error;
use crate::settings::{Output, Settings};
use crate::text;

const LIBRARY: &str = "libgimp-2.0.so.0";
const UI_LIBRARY: &str = "libgimpui-2.0.so.0";

/// Types of parameters.
mod kind {
    pub const INT32: i32 = 0;
    pub const FLOAT: i32 = 3;
    pub const STRING: i32 = 4;
    pub const IMAGE: i32 = 13;
    pub const LAYER: i32 = 14;
    pub const DRAWABLE: i32 = 16;
    pub const STATUS: i32 = 21;
}

/// How a run ended.
mod status {
    pub const EXECUTION_ERROR: i32 = 0;
    pub const SUCCESS: i32 = 3;
    pub const CANCEL: i32 = 4;
}

/// `GimpPlugInInfo`.
#[repr(C)]
struct PlugInInfo {
    init: Option<unsafe extern "C" fn()>,
    quit: Option<unsafe extern "C" fn()>,
    query: Option<unsafe extern "C" fn()>,
    run: Option<unsafe extern "C" fn(*const c_char, c_int, *const Param, *mut c_int, *mut *mut Param)>,
}

/// `GimpParamDef`.
#[repr(C)]
struct ParamDef {
    kind: c_int,
    name: *const c_char,
    description: *const c_char,
}

/// `GimpParam`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Param {
    kind: c_int,
    data: Data,
}

/// `GimpParamData`, as far as it is used here; the largest alternative has 32 bytes.
#[repr(C)]
#[derive(Clone, Copy)]
union Data {
    number: i32,
    float: f64,
    string: *const c_char,
    room: [u64; 4],
}

functions! {
    /// Functions of GIMP 2.10 alone.
    Table {
        menu = "gimp_plugin_menu_register": fn(procedure: &CStr, path: &CStr) -> bool,
        precision = "gimp_plugin_enable_precision": fn() -> bool,
        data_size = "gimp_procedural_db_get_data_size": fn(name: &CStr) -> c_int,
    } unsafe {
        main = "gimp_main": fn(*const PlugInInfo, c_int, *mut *mut c_char) -> c_int,
        install = "gimp_install_procedure": fn(
            *const c_char, *const c_char, *const c_char, *const c_char, *const c_char, *const c_char,
            *const c_char, *const c_char, c_int, c_int, c_int, *const ParamDef, *const ParamDef
        ),
        data_get = "gimp_procedural_db_get_data": fn(*const c_char, *mut c_void) -> c_int,
        data_set = "gimp_procedural_db_set_data": fn(*const c_char, *const c_void, u32) -> c_int,
    }
}

functions! {
    /// Functions of its dialogs.
    DialogTable {
        run = "gimp_dialog_run": fn(dialog: Widget) -> c_int,
        default = "gtk_dialog_set_default_response": fn(dialog: Widget, response: c_int),
    } unsafe {
        new = "gimp_dialog_new": fn(
            *const c_char, *const c_char, *const c_void, c_int, *const c_void, *const c_char; ...
        ) -> *mut c_void,
    }
}

/// What GIMP calls back for.
struct State {
    lib: Lib,
    table: Table,
}

thread_local! {
    static STATE: OnceCell<State> = const { OnceCell::new() };
}

fn with_state<T>(work: impl FnOnce(&State) -> Result<T, Error>) -> Result<T, Error> {
    STATE.with(|state| {
        state.get().map_or_else(|| Err(Error::new("GIMP called back before the plug-in was set up")), work)
    })
}

/// Whether this GIMP's library is there and has every function that is needed without a dialog.
pub fn present() -> Result<(), Error> {
    let lib = Lib::open(LIBRARY)?;
    Table::load(&lib, 0)?;
    Core::<i32>::load(&lib).map(drop)
}

/// Serves the GIMP that started this program, and gives the exit status.
pub fn main<W: Work>(args: &[CString]) -> Result<c_int, Error> {
    let lib = Lib::open(LIBRARY)?;
    let table = Table::load(&lib, 0)?;
    let main = table.main;
    STATE.with(|state| {
        state.set(State { lib, table }).map_err(|_| Error::new("GIMP is being served already"))
    })?;
    let info = PlugInInfo { init: None, quit: None, query: Some(query), run: Some(run::<W>) };
    let mut pointers: Vec<*mut c_char> = args.iter().map(|arg| arg.as_ptr().cast_mut()).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or_default();
    pointers.push(std::ptr::null_mut());
    // SAFETY: the strings and `info` outlive the call; the callbacks have the types of the header.
    Ok(unsafe { main(&raw const info, count, pointers.as_mut_ptr()) })
}

unsafe extern "C" fn query() {
    if let Err(error) = guarded(|| with_state(register)) {
        eprintln!("autochrome-gimp: {error}");
    }
}

fn register(state: &State) -> Result<(), Error> {
    let own = |[name, _, description]: [&'static str; 3], kind| (kind, name, description);
    let takes = [
        (
            kind::INT32,
            "run-mode",
            "The run mode { RUN-INTERACTIVE (0), RUN-NONINTERACTIVE (1), RUN-WITH-LAST-VALS (2) }",
        ),
        (kind::IMAGE, "image", "The image"),
        (kind::DRAWABLE, "drawable", "The layer to colorize"),
        own(text::MODEL, kind::STRING),
        own(text::STRENGTH, kind::FLOAT),
        own(text::TEMPERATURE, kind::FLOAT),
        (
            kind::INT32,
            "output",
            "0: a new layer in the mode LCh Color above the photograph; 1: the layer itself",
        ),
        own(text::DEVICE, kind::STRING),
    ];
    let gives = [(kind::LAYER, "layer", "The layer with the colors")];
    let texts = [text::BLURB, text::HELP, text::AUTHORS, text::COPYRIGHT, text::DATE, text::MENU_LABEL, "*"];
    let texts = texts.map(c_string);
    let [blurb, help, authors, copyright, date, label, types] = &texts;
    let (takes, gives) = (Defs::new(&takes), Defs::new(&gives));
    // SAFETY: every string and array outlives the call, and the counts are theirs.
    unsafe {
        (state.table.install)(
            PROCEDURE.as_ptr(),
            blurb.as_ptr(),
            help.as_ptr(),
            authors.as_ptr(),
            copyright.as_ptr(),
            date.as_ptr(),
            label.as_ptr(),
            types.as_ptr(),
            1,
            takes.count(),
            gives.count(),
            takes.defs.as_ptr(),
            gives.defs.as_ptr(),
        );
    }
    state.table.menu(PROCEDURE, &c_string(text::MENU));
    Ok(())
}

/// Definitions of parameters, with the strings they point to.
struct Defs {
    defs: Vec<ParamDef>,
    _texts: Vec<[CString; 2]>,
}

impl Defs {
    fn new(params: &[(i32, &str, &str)]) -> Self {
        let texts: Vec<_> = params.iter().map(|(_, name, what)| [c_string(name), c_string(what)]).collect();
        let def = |(&(kind, ..), [name, description]): (&(i32, &str, &str), &[CString; 2])| ParamDef {
            kind,
            name: name.as_ptr(),
            description: description.as_ptr(),
        };
        Self { defs: params.iter().zip(&texts).map(def).collect(), _texts: texts }
    }

    fn count(&self) -> c_int {
        c_int::try_from(self.defs.len()).unwrap_or_default()
    }
}

/// What a run came to.
enum Ended {
    Done(Item<i32>),
    Cancelled,
}

unsafe extern "C" fn run<W: Work>(
    _name: *const c_char,
    count: c_int,
    params: *const Param,
    return_count: *mut c_int,
    returned: *mut *mut Param,
) {
    // SAFETY: GIMP gives that many parameters.
    let values = unsafe { values(params, count) };
    let ended = guarded(|| with_state(|state| run_with::<W>(state, &values)));
    let param = |kind, data| Param { kind, data };
    let number = |number| Data { number };
    let answer = match ended {
        Ok(Ended::Done(layer)) => {
            vec![param(kind::STATUS, number(status::SUCCESS)), param(kind::LAYER, number(layer.0))]
        }
        Ok(Ended::Cancelled) => vec![param(kind::STATUS, number(status::CANCEL))],
        Err(error) => {
            let string = c_string(&error.to_string()).into_raw();
            vec![param(kind::STATUS, number(status::EXECUTION_ERROR)), param(kind::STRING, Data { string })]
        }
    };
    // GIMP reads the values after this function has returned: they are left to it, once for each run of the program.
    let answer = answer.leak();
    // SAFETY: GIMP gives places for both.
    unsafe {
        *return_count = c_int::try_from(answer.len()).unwrap_or_default();
        *returned = answer.as_mut_ptr();
    }
}

fn run_with<W: Work>(state: &State, values: &[Value]) -> Result<Ended, Error> {
    let mode = number(values, 0)?;
    let core = Core::<i32>::load(&state.lib)?;
    // This plug-in can work with more than 8 bits.
    state.table.precision();
    let (image, layer) = (Image(number(values, 1)?), Item(number(values, 2)?));
    let (settings, engine) = match mode {
        0 => {
            W::check(&core, image, &[layer], Output::NewLayer)?;
            match ask::<W>(state, &core, (image, layer))? {
                Some((settings, engine)) => (settings, engine),
                None => return Ok(Ended::Cancelled),
            }
        }
        1 => (arguments(values)?, None),
        _ => (last_values(state), None),
    };
    let layers = W::colorize(&core, image, &[layer], &settings, engine)?;
    if mode == 0 {
        keep(state, &settings);
    }
    Ok(Ended::Done(layers.first().copied().unwrap_or(layer)))
}

/// A parameter, taken out of C.
enum Value {
    Number(i32),
    Float(f64),
    Text(String),
    Other,
}

/// # Safety
/// At `params` are `count` parameters, each with the value that its kind says.
unsafe fn values(params: *const Param, count: c_int) -> Vec<Value> {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: as the caller vouches.
    let params = if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(params, count) } };
    let value = |param: &Param| match param.kind {
        // SAFETY: all these kinds hold a number.
        kind::INT32 | kind::IMAGE | kind::DRAWABLE => Value::Number(unsafe { param.data.number }),
        // SAFETY: this kind holds a float.
        kind::FLOAT => Value::Float(unsafe { param.data.float }),
        // SAFETY: this kind holds a string that GIMP owns, or NULL.
        kind::STRING => Value::Text(unsafe { copied(param.data.string) }),
        _ => Value::Other,
    };
    params.iter().map(value).collect()
}

fn number(values: &[Value], index: usize) -> Result<i32, Error> {
    match values.get(index) {
        Some(Value::Number(number)) => Ok(*number),
        _ => Err(missing(index)),
    }
}

fn float(values: &[Value], index: usize) -> Result<f64, Error> {
    match values.get(index) {
        Some(Value::Float(float)) => Ok(*float),
        _ => Err(missing(index)),
    }
}

fn string(values: &[Value], index: usize) -> Result<String, Error> {
    match values.get(index) {
        Some(Value::Text(text)) => Ok(text.clone()),
        _ => Err(missing(index)),
    }
}

fn missing(index: usize) -> Error {
    Error::new(format!(
        "argument {} is missing or has the wrong type; expected run-mode, image, drawable, model, strength, temperature, \
         output, device",
        index + 1
    ))
}

fn arguments(values: &[Value]) -> Result<Settings, Error> {
    Settings {
        model: string(values, 3)?,
        strength: float(values, 4)?,
        temperature: float(values, 5)?,
        output: Output::from_number(number(values, 6)?)?,
        device: string(values, 7)?,
    }
    .checked()
}

/// The values of the last run in this GIMP.
fn last_values(state: &State) -> Settings {
    let size = usize::try_from(state.table.data_size(PROCEDURE)).unwrap_or_default();
    let mut text = vec![0_u8; size];
    if size > 0 {
        // SAFETY: GIMP fills as many bytes as it has said.
        unsafe { (state.table.data_get)(PROCEDURE.as_ptr(), text.as_mut_ptr().cast()) };
    }
    Settings::from_text(&String::from_utf8_lossy(&text))
}

fn keep(state: &State, settings: &Settings) {
    let text = settings.to_text();
    let size = u32::try_from(text.len()).unwrap_or_default();
    // SAFETY: GIMP copies that many bytes.
    unsafe { (state.table.data_set)(PROCEDURE.as_ptr(), text.as_ptr().cast(), size) };
}

/// What the user has agreed to, and the engine the dialog has loaded.
type Agreed<W> = (Settings, Option<<W as Work>::Engine>);

/// Shows the dialog; `None` when the user cancels.
fn ask<W: Work>(
    state: &State,
    core: &Core<i32>,
    (image, layer): (Image<i32>, Item<i32>),
) -> Result<Option<Agreed<W>>, Error> {
    const RESET: c_int = 1;
    const OK: c_int = -5;
    const CANCEL: c_int = -6;
    let lib = Lib::open(UI_LIBRARY)?;
    let table = DialogTable::load(&lib, 0)?;
    let panel = W::panel(core, image, layer, Gtk::load(&lib, 0)?, &last_values(state))?;
    let title = c_string(text::TITLE);
    // SAFETY: pairs of a text and a number, ended by NULL, are what the function takes; no help, no parent.
    let dialog = unsafe {
        (table.new)(
            title.as_ptr(),
            c"autochrome-colorize".as_ptr(),
            std::ptr::null(),
            0,
            std::ptr::null(),
            PROCEDURE.as_ptr(),
            c"_Reset".as_ptr(),
            RESET,
            c"gtk-cancel".as_ptr(),
            CANCEL,
            c"gtk-ok".as_ptr(),
            OK,
            std::ptr::null::<c_char>(),
        )
    };
    let dialog = Widget(dialog);
    panel.fill(dialog);
    table.default(dialog, OK);
    let answer = loop {
        let answer = table.run(dialog);
        if answer != RESET {
            break answer;
        }
        panel.show(&Settings::default());
    };
    let settings = panel.settings();
    let engine = panel.finish();
    // SAFETY: the panel has come to its end, and its timeout with it: nothing asks the widgets again.
    unsafe { panel.gtk().destroy(dialog) };
    Ok((answer == OK).then_some((settings, engine)))
}
