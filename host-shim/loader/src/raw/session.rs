//! A session of the plugin, and the calls on pictures.

use std::any::Any;
use std::ffi::{CString, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use autochrome_abi::*;
use autochrome_pixels::Layout;

use super::api::{Api, Map, struct_size, text};
use crate::values::CStrings;
use crate::{Error, Image, ImageMut, Params, Progress, SessionInfo, Status};

/// The interface's minor version since which there are confidence maps,
const CONFIDENCE_SINCE: u32 = 1;
/// and hints.
const HINTS_SINCE: u32 = 2;

/// An owned session of the plugin.
#[derive(Debug)]
pub(crate) struct Session {
    api: Api,
    pointer: NonNull<AutochromeSession>,
}

// SAFETY: the interface allows a session on any thread, one at a time; `&self` methods stay on one thread, as the
// pointer keeps the type from being Sync.
unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: made by `session_new`, freed once, in use by no one.
        unsafe { (self.api.session_free)(self.pointer.as_ptr()) };
    }
}

impl Session {
    /// Makes a session that looks in these folders first.
    pub(crate) fn new(api: Api, folders: &[CString]) -> Result<Self, Error> {
        let pointer = api.session(folders)?;
        Ok(Self { api, pointer })
    }

    /// Colorizes `input` into `output`, or `output` in place.
    pub(crate) fn colorize(
        &mut self,
        params: &Params,
        strings: &CStrings,
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        // SAFETY: `colorize` of this session's table.
        unsafe { self.map(self.api.colorize, (params, strings, None), input, output, progress) }
    }

    /// As [`Self::colorize`], with hints.
    pub(crate) fn colorize_hinted(
        &mut self,
        params: &Params,
        strings: &CStrings,
        hints: &Image<'_>,
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        if self.api.minor < HINTS_SINCE {
            return Err(self.too_old("hints", HINTS_SINCE));
        }
        // SAFETY: `colorize` of this session's table.
        unsafe { self.map(self.api.colorize, (params, strings, Some(hints)), input, output, progress) }
    }

    /// The model's confidence in `input`'s colors, into `output`.
    pub(crate) fn confidence(
        &mut self,
        params: &Params,
        strings: &CStrings,
        input: &Image<'_>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let map = self.api.confidence.ok_or_else(|| self.too_old("confidence maps", CONFIDENCE_SINCE))?;
        // SAFETY: `confidence` of this session's table.
        unsafe { self.map(map, (params, strings, None), Some(input), output, progress) }
    }

    /// The plugin is too old for what needs the interface's minor version `since`.
    fn too_old(&self, what: &str, since: u32) -> Error {
        let (major, minor) = (AUTOCHROME_ABI_MAJOR, self.api.minor);
        let message = format!(
            "the plugin provides version {major}.{minor} of the interface, and {what} need {major}.{since}; install a newer \
             plugin"
        );
        Error::Call { status: Status::new(AUTOCHROME_INTERNAL_ERROR), message }
    }

    /// Has `call` make `output` from `input`, or from itself.
    ///
    /// # Safety
    /// `call` is a function of the table that made this session.
    unsafe fn map(
        &mut self,
        call: Map,
        (params, strings, hints): (&Params, &CStrings, Option<&Image<'_>>),
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let hints = hints.map(readable);
        let mut params = self.params(params, strings)?;
        params.hints = hints.as_ref().map_or(ptr::null(), ptr::from_ref);
        let layout = *output.0.layout();
        let target = describe(&layout, output.0.data_mut().as_mut_ptr());
        let source = input.map_or(target, readable);
        let mut watch = Watch { progress, stopped: false, panic: None };
        let user_data = (&raw mut watch).cast();
        // SAFETY: the session is ours alone (`&mut`); the images' memory was checked to hold every pixel, input and
        // hints are only read, and disjoint from the output or the same; params, strings and watch outlive the call.
        let status = unsafe { call(self.pointer.as_ptr(), &params, &source, &target, Some(tell), user_data) };
        if let Some(panic) = watch.panic {
            resume_unwind(panic);
        }
        self.done(status)
    }

    /// The result of a call on this session.
    fn done(&self, status: AutochromeStatus) -> Result<(), Error> {
        if status == AUTOCHROME_OK {
            return Ok(());
        }
        // SAFETY: a live session that no other thread uses, as it is not Sync.
        Err(unsafe { self.api.failure(self.pointer.as_ptr(), status) })
    }

    fn params(&self, params: &Params, strings: &CStrings) -> Result<AutochromeParams, Error> {
        let mut raw = AutochromeParams {
            struct_size: struct_size::<AutochromeParams>(),
            working_size: 0,
            strength: 1.0,
            temperature: -1.0,
            threads: 0,
            reserved: 0,
            model: ptr::null(),
            device: ptr::null(),
            hints: ptr::null(),
        };
        // SAFETY: the struct says its own size.
        let status = unsafe { (self.api.params_init)(&raw mut raw) };
        if status != AUTOCHROME_OK {
            // SAFETY: NULL stands for this thread's last error.
            return Err(unsafe { self.api.failure(ptr::null(), status) });
        }
        raw.working_size = params.working_size;
        raw.strength = params.strength;
        raw.temperature = params.temperature.unwrap_or(-1.0);
        raw.threads = params.threads;
        raw.model = strings.model.as_ptr();
        raw.device = strings.device.as_ptr();
        Ok(raw)
    }

    pub(crate) fn info(&self) -> Result<SessionInfo, Error> {
        let mut info = AutochromeSessionInfo {
            struct_size: struct_size::<AutochromeSessionInfo>(),
            reserved: 0,
            model: ptr::null(),
            device: ptr::null(),
            fallback: ptr::null(),
        };
        // SAFETY: a live session that no other thread uses; the info says its own size.
        let status = unsafe { (self.api.session_info)(self.pointer.as_ptr(), &raw mut info) };
        self.done(status)?;
        // SAFETY: NULL or strings of the session, copied before its next call.
        let [model, device, fallback] =
            unsafe { [info.model, info.device, info.fallback].map(|string| text(string)) };
        Ok(SessionInfo { model, device, fallback: Some(fallback).filter(|reason| !reason.is_empty()) })
    }
}

/// What the progress callback gets as its user data.
struct Watch<'a, 'b> {
    progress: &'a mut Progress<'b>,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

/// Stands between the plugin and the closure: no panic may cross the plugin's frames, and a closure that asked to
/// stop is not asked again.
///
/// # Safety
/// `user_data` is a [`Watch`] that only this call uses.
unsafe extern "C" fn tell(fraction: f32, user_data: *mut c_void) -> i32 {
    // SAFETY: by this function's contract.
    let watch = unsafe { &mut *user_data.cast::<Watch<'_, '_>>() };
    if watch.stopped {
        return 1;
    }
    match catch_unwind(AssertUnwindSafe(|| (watch.progress)(fraction))) {
        Ok(ControlFlow::Continue(())) => return 0,
        Ok(ControlFlow::Break(())) => {}
        Err(panic) => watch.panic = Some(panic),
    }
    watch.stopped = true;
    1
}

/// An image that is only read.
fn readable(Image(view): &Image<'_>) -> AutochromeImage {
    describe(view.layout(), view.data().as_ptr().cast_mut())
}

fn describe(layout: &Layout, memory: *mut u8) -> AutochromeImage {
    let (width, height) = layout.size();
    AutochromeImage {
        struct_size: struct_size::<AutochromeImage>(),
        format: format_number(layout.format()),
        width,
        height,
        stride: layout.stride(),
        data: memory.wrapping_add(layout.row_begin(0)).cast(),
    }
}
