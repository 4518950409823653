//! What this program does when GIMP calls: a check, a dialog, the job.

use std::rc::Rc;

use crate::engine::Engine;
use crate::error::Error;
use crate::ffi::core::Core;
use crate::ffi::gtk::Gtk;
use crate::ffi::handle::{Handle, Image, Item};
use crate::ffi::work::Work;
use crate::job;
use crate::panel::Panel;
use crate::settings::{Output, Settings};

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
        job::check(core, image, layers, output)
    }

    fn panel<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layer: Item<H>,
        gtk: Gtk,
        settings: &Settings,
    ) -> Result<Rc<Panel>, Error> {
        let engine = job::open(core)?;
        Panel::new(gtk, engine, job::thumbnail(core, image, layer)?, settings)
    }

    fn colorize<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layers: &[Item<H>],
        settings: &Settings,
        engine: Option<Engine>,
    ) -> Result<Vec<Item<H>>, Error> {
        job::colorize(core, image, layers, settings, engine)
    }
}
