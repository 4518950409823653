//! What the dialog of either GIMP shows: the preview, and a row for each value.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use autochrome_loader::{ModelInfo, PixelFormat};

use crate::engine::Engine;
use crate::error::Error;
use crate::ffi::gtk::{Gtk, Widget};
use crate::ffi::work;
use crate::ffi::work::Panel as _;
use crate::preview::{Picture, Preview};
use crate::settings::{DEVICES, MAX_STRENGTH, Output, Settings};

/// Milliseconds between checks for a new preview.
const LOOK: u32 = 40;

/// See the module.
pub struct Panel {
    gtk: Gtk,
    models: Vec<ModelInfo>,
    picture: Picture,
    preview: RefCell<Option<Preview>>,
    widgets: Widgets,
    /// While the panel itself moves its widgets, their signals are ignored.
    moving: Cell<bool>,
    /// Called on each change.
    listener: RefCell<Option<Listener>>,
    looking: Cell<Option<u32>>,
}

/// What is called on a change.
type Listener = Box<dyn Fn(&Settings)>;

struct Widgets {
    whole: Widget,
    picture: Widget,
    status: Widget,
    model: Widget,
    description: Widget,
    strength: Widget,
    own: Widget,
    temperature: Widget,
    ends: Widget,
    output: Widget,
    device: Widget,
}

impl Panel {
    /// A panel that shows `settings` and tries them on `picture`.
    ///
    /// # Errors
    /// There is no usable model.
    pub fn new(gtk: Gtk, engine: Engine, picture: Picture, settings: &Settings) -> Result<Rc<Self>, Error> {
        let (models, refused): (Vec<_>, Vec<_>) =
            engine.models()?.into_iter().partition(|model| model.problem.is_none());
        if models.is_empty() {
            let why = refused.into_iter().find_map(|model| model.problem);
            return Err(Error::new(why.unwrap_or_else(|| {
                "no model was found; run `autochrome doctor` in a terminal to see which models are installed"
                    .into()
            })));
        }
        let widgets = build(&gtk, &models, &picture);
        let panel = Rc::new(Self {
            gtk,
            models,
            picture,
            preview: RefCell::new(None),
            widgets,
            moving: Cell::new(false),
            listener: RefCell::new(None),
            looking: Cell::new(None),
        });
        panel.show(settings);
        panel.listen();
        *panel.preview.borrow_mut() = Some(Preview::start(engine, panel.picture.clone()));
        panel.wish();
        Ok(panel)
    }

    fn model(&self) -> &ModelInfo {
        let index = self.gtk.chosen(self.widgets.model).unwrap_or(0);
        self.models.get(index).unwrap_or(&self.models[0])
    }

    /// What follows from other widgets.
    fn settle(&self) {
        let own = self.gtk.is_checked(self.widgets.own);
        let model = self.model();
        self.gtk.set_text(self.widgets.description, &model.description);
        self.gtk.enable(self.widgets.temperature, !own);
        self.gtk.enable(self.widgets.ends, !own);
        if own {
            self.gtk.set_value(self.widgets.temperature, f64::from(model.temperature));
        }
    }

    fn listen(self: &Rc<Self>) {
        let signals = [
            (self.widgets.model, c"changed"),
            (self.widgets.strength, c"value-changed"),
            (self.widgets.own, c"toggled"),
            (self.widgets.temperature, c"value-changed"),
            (self.widgets.output, c"changed"),
            (self.widgets.device, c"changed"),
        ];
        for (widget, signal) in signals {
            let panel = self.clone();
            self.gtk.on(widget, signal, move || panel.changed());
        }
        let panel = self.clone();
        self.looking.set(Some(self.gtk.every(LOOK, move || panel.look())));
    }

    /// The user has moved a widget.
    fn changed(&self) {
        if self.moving.replace(true) {
            return;
        }
        self.settle();
        self.wish();
        if let Some(listener) = &*self.listener.borrow() {
            listener(&self.settings());
        }
        self.moving.set(false);
    }

    fn wish(&self) {
        if let Some(preview) = &*self.preview.borrow() {
            preview.wish(self.settings());
        }
    }

    /// Shows the newest preview, or why there is none.
    fn look(&self) {
        let result = self.preview.borrow().as_ref().and_then(Preview::result);
        match result {
            Some(Ok(pixels)) => {
                self.gtk.set_text(self.widgets.status, "");
                let alpha = self.picture.format == PixelFormat::Rgba8;
                self.gtk.set_picture(self.widgets.picture, self.picture.size, alpha, &pixels);
            }
            Some(Err(error)) => self.gtk.set_text(self.widgets.status, &error.to_string()),
            None => {}
        }
    }
}

impl work::Panel for Panel {
    type Engine = Engine;

    fn fill(&self, dialog: Widget) {
        self.gtk.fill(dialog, self.widgets.whole);
        self.gtk.focus(self.widgets.strength);
    }

    fn gtk(&self) -> &Gtk {
        &self.gtk
    }

    fn settings(&self) -> Settings {
        let (gtk, widgets) = (&self.gtk, &self.widgets);
        let own = gtk.is_checked(widgets.own);
        let device = gtk.chosen(widgets.device).and_then(|index| DEVICES.get(index)).unwrap_or(&DEVICES[0]);
        let output = gtk.chosen(widgets.output).and_then(|index| Output::ALL.get(index));
        Settings {
            model: self.model().name.clone(),
            strength: gtk.value(widgets.strength),
            temperature: if own { -1.0 } else { gtk.value(widgets.temperature) },
            output: output.map_or_else(Output::default, |(output, ..)| *output),
            device: device.0.into(),
        }
    }

    fn show(&self, settings: &Settings) {
        let (gtk, widgets) = (&self.gtk, &self.widgets);
        self.moving.set(true);
        let index = self.models.iter().position(|model| model.name == settings.model).unwrap_or(0);
        gtk.choose(widgets.model, index);
        gtk.set_value(widgets.strength, settings.strength);
        gtk.set_checked(widgets.own, settings.temperature < 0.0);
        if settings.temperature >= 0.0 {
            gtk.set_value(widgets.temperature, settings.temperature);
        }
        gtk.choose(widgets.output, settings.output.number());
        let device = DEVICES.iter().position(|(name, _)| *name == settings.device);
        gtk.choose(widgets.device, device.unwrap_or(0));
        self.settle();
        self.moving.set(false);
        self.wish();
    }

    fn on_change(&self, listener: impl Fn(&Settings) + 'static) {
        *self.listener.borrow_mut() = Some(Box::new(listener));
    }

    fn finish(&self) -> Option<Engine> {
        if let Some(timeout) = self.looking.take() {
            self.gtk.stop(timeout);
        }
        self.preview.borrow_mut().take()?.finish()
    }
}

fn build(gtk: &Gtk, models: &[ModelInfo], picture: &Picture) -> Widgets {
    let widgets = Widgets {
        whole: gtk.row(12),
        picture: gtk.picture(picture.size),
        status: gtk.label("Preparing the preview ..."),
        model: gtk.choice(models.iter().map(|model| model.name.as_str())),
        description: gtk.label(""),
        strength: gtk.slider(MAX_STRENGTH, false),
        own: gtk.check("as the mod_el suggests"),
        temperature: gtk.slider(1.0, true),
        ends: gtk.row(0),
        output: gtk.choice(Output::ALL.map(|(_, _, what)| what)),
        device: gtk.choice(DEVICES.map(|(_, what)| what)),
    };
    gtk.set_picture(widgets.picture, picture.size, picture.format == PixelFormat::Rgba8, &picture.pixels);
    gtk.pack(widgets.ends, gtk.label("muted"), true);
    gtk.pack(widgets.ends, gtk.label("vivid"), false);
    gtk.wrap(widgets.description, 36);
    gtk.wrap(widgets.status, 48);
    gtk.explain(widgets.strength, "Color strength: 0 is gray, 1 is what the model predicts");
    gtk.explain(widgets.temperature, "0 picks the likeliest color, 1 averages all likely ones");
    gtk.explain(widgets.output, "A new layer in the mode LCh Color leaves the photograph unchanged");
    let left = gtk.column(6);
    gtk.pack(left, widgets.picture, false);
    gtk.pack(left, widgets.status, false);
    let form = gtk.form(8);
    let rows = [
        ("_Model:", widgets.model),
        ("", widgets.description),
        ("Stren_gth:", widgets.strength),
        ("Co_lors:", widgets.own),
        ("", widgets.temperature),
        ("", widgets.ends),
        ("Resul_t:", widgets.output),
        ("_Device:", widgets.device),
    ];
    for (row, (label, widget)) in (0..).zip(rows) {
        gtk.attach(form, row, label, widget);
    }
    gtk.border(widgets.whole, 12);
    gtk.pack(widgets.whole, left, false);
    gtk.pack(widgets.whole, form, true);
    widgets
}
