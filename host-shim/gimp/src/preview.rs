//! A small picture that follows the sliders.
//!
//! The idea: **the plugin works on a thread of its own, on the newest request only.** The dialog never waits, and the
//! session keeps the network's output, so moving a slider does not run the network.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use autochrome_loader::PixelFormat;

use crate::engine::Engine;
use crate::error::Error;
use crate::ffi::pixels::Size;
use crate::settings::Settings;

/// Longest side of the preview in pixels.
pub const LONGEST: u32 = 360;

/// A picture to try settings on.
#[derive(Debug, Clone)]
pub struct Picture {
    /// RGB or RGBA, 8 bits.
    pub format: PixelFormat,
    /// Width and height.
    pub size: Size,
    /// Rows without gaps.
    pub pixels: Vec<u8>,
    /// Hints of the same size, RGBA of 8 bits, where there are some.
    pub hints: Option<Vec<u8>>,
}

/// Size of the preview of a layer, and its scale.
#[must_use]
pub fn fitted((width, height): Size) -> (Size, f64) {
    let longest = width.max(height).max(1);
    if longest <= LONGEST {
        return ((width, height), 1.0);
    }
    let side = |side: u32| {
        u32::try_from(u64::from(side) * u64::from(LONGEST) / u64::from(longest)).unwrap_or(LONGEST)
    };
    ((side(width).max(1), side(height).max(1)), f64::from(LONGEST) / f64::from(longest))
}

/// See the module.
pub struct Preview {
    wishes: Sender<Settings>,
    results: Receiver<Result<Vec<u8>, Error>>,
    ending: Arc<AtomicBool>,
    worker: JoinHandle<Engine>,
}

impl Preview {
    /// Begins to work on this picture.
    #[must_use]
    pub fn start(engine: Engine, picture: Picture) -> Self {
        let (wishes, wished) = channel();
        let (tell, results) = channel();
        let ending = Arc::new(AtomicBool::new(false));
        let stop = ending.clone();
        let worker = std::thread::spawn(move || work(engine, &picture, &wished, &tell, &stop));
        Self { wishes, results, ending, worker }
    }

    /// Requests the picture with these settings; earlier requests that have not started are dropped.
    pub fn wish(&self, settings: Settings) {
        // A worker that has ended has reported why.
        let _ = self.wishes.send(settings);
    }

    /// The newest result that has come since.
    pub fn result(&self) -> Option<Result<Vec<u8>, Error>> {
        self.results.try_iter().last()
    }

    /// Ends the work and gives the engine back, with the model it has loaded.
    pub fn finish(self) -> Option<Engine> {
        self.ending.store(true, Ordering::Relaxed);
        drop(self.wishes);
        self.worker.join().ok()
    }
}

fn work(
    mut engine: Engine,
    picture: &Picture,
    wished: &Receiver<Settings>,
    tell: &Sender<Result<Vec<u8>, Error>>,
    ending: &AtomicBool,
) -> Engine {
    while let Ok(first) = wished.recv() {
        let settings = wished.try_iter().last().unwrap_or(first);
        let (mut pixels, hints) = (picture.pixels.clone(), picture.hints.as_deref());
        let done = engine.colorize(&settings, picture.format, picture.size, &mut pixels, hints, &mut |_| {
            if ending.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if ending.load(Ordering::Relaxed) || tell.send(done.map(|()| pixels)).is_err() {
            break;
        }
    }
    engine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_small_and_never_empty() {
        assert_eq!(fitted((200, 100)), ((200, 100), 1.0));
        assert_eq!(fitted((3600, 1800)), ((360, 180), 0.1));
        assert_eq!(fitted((100_000, 3)).0, (360, 1));
    }
}
