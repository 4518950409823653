//! What GIMP's calls come to, as the fence sees it.
//!
//! The idea: the callbacks of both generations are written for whatever implements [`Work`], so the fence knows
//! neither plugin nor dialog, and nothing outside it sees a pointer.

use std::rc::Rc;

use super::core::Core;
use super::gtk::{Gtk, Widget};
use super::handle::{Handle, Image, Item};
use crate::error::Error;
use crate::settings::{Output, Settings};

/// Colorizes layers, and asks for the settings first.
pub trait Work: 'static {
    /// What a dialog has loaded already, for the work after it.
    type Engine;
    /// What fills the dialog.
    type Panel: Panel<Engine = Self::Engine>;

    /// Refuses what cannot be colorized, before any work.
    fn check<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layers: &[Item<H>],
        output: Output,
    ) -> Result<(), Error>;

    /// A panel that shows `settings` and tries them on `layer`.
    fn panel<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layer: Item<H>,
        gtk: Gtk,
        settings: &Settings,
    ) -> Result<Rc<Self::Panel>, Error>;

    /// Colorizes `layers` of `image`; returns the layers that hold the colors. After an error the image is unchanged.
    fn colorize<H: Handle>(
        core: &Core<H>,
        image: Image<H>,
        layers: &[Item<H>],
        settings: &Settings,
        engine: Option<Self::Engine>,
    ) -> Result<Vec<Item<H>>, Error>;
}

/// The content of a dialog.
pub trait Panel: 'static {
    /// See [`Work::Engine`].
    type Engine;

    /// Fills a dialog. The keyboard is on a slider, so that Return is the dialog's OK.
    fn fill(&self, dialog: Widget);
    /// GTK.
    fn gtk(&self) -> &Gtk;
    /// What the widgets say.
    fn settings(&self) -> Settings;
    /// Moves the widgets to these values.
    fn show(&self, settings: &Settings);
    /// Calls `listener` on each change that the user makes.
    fn on_change(&self, listener: impl Fn(&Settings) + 'static);
    /// Ends the preview and gives the engine back.
    fn finish(&self) -> Option<Self::Engine>;
}
