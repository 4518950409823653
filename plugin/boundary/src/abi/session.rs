//! `AutochromeSession`: created, used, freed.

use std::ffi::c_void;
use std::ptr;

use autochrome_abi::{
    AutochromeConfig, AutochromeImage, AutochromeParams, AutochromeProgress, AutochromeSession,
    AutochromeSessionInfo, AutochromeStatus,
};

use super::{folders, params};
use crate::call::{self, SESSIONS, Seat};
use crate::fence::Caller;
use crate::{Backend, Map};

/// # Safety
/// `config` is NULL or an `AutochromeConfig` whose folders are there, and `session` is NULL or a place for a handle.
pub unsafe extern "C" fn session_new<B: Backend>(
    config: *const AutochromeConfig,
    session: *mut *mut AutochromeSession,
) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    call::status::<B>("session_new", || {
        caller.write_handle(session, "session", ptr::null_mut())?;
        let made = B::session(folders(&caller, config)?)?;
        caller.write_handle(session, "session", SESSIONS.insert(Seat::new(Box::new(made))))
    })
}

/// # Safety
/// No string that the session gave is read from here on.
pub unsafe extern "C" fn session_free<B: Backend>(session: *mut AutochromeSession) {
    call::value::<B, _>("session_free", (), || SESSIONS.remove(session));
}

/// # Safety
/// `params` is NULL or an `AutochromeParams` whose strings and hints are there; `input` and `output` are NULL or pictures
/// whose pixels are there, the output's the host's own, and nobody changes any of them meanwhile; `progress` is NULL or may
/// be called with `user_data` on this thread.
pub unsafe extern "C" fn colorize<B: Backend>(
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    input: *const AutochromeImage,
    output: *const AutochromeImage,
    progress: AutochromeProgress,
    user_data: *mut c_void,
) -> AutochromeStatus {
    // SAFETY: this function's contract.
    unsafe { paint::<B>(Map::Colors, session, params, [input, output], (progress, user_data)) }
}

/// # Safety
/// As [`colorize`].
pub unsafe extern "C" fn confidence<B: Backend>(
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    input: *const AutochromeImage,
    output: *const AutochromeImage,
    progress: AutochromeProgress,
    user_data: *mut c_void,
) -> AutochromeStatus {
    // SAFETY: this function's contract.
    unsafe { paint::<B>(Map::Confidence, session, params, [input, output], (progress, user_data)) }
}

/// # Safety
/// As [`colorize`].
unsafe fn paint<B: Backend>(
    map: Map,
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    [input, output]: [*const AutochromeImage; 2],
    (progress, user_data): (AutochromeProgress, *mut c_void),
) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    let function = match map {
        Map::Colors => "colorize",
        Map::Confidence => "confidence",
    };
    call::on_session::<B>(function, session, |session| {
        let (request, hints) = params::request(&caller, params)?;
        let hints = if map == Map::Colors { hints } else { ptr::null() };
        let mut progress = caller.progress(progress, user_data);
        caller.with_pictures(input, hints, output, |given, output| {
            session.paint(map, &request, given, output, &mut progress)
        })
    })
}

/// # Safety
/// `info` is NULL or an `AutochromeSessionInfo` of the size it states.
pub unsafe extern "C" fn session_info<B: Backend>(
    session: *const AutochromeSession,
    info: *mut AutochromeSessionInfo,
) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    call::on_session::<B>("session_info", session, |session| {
        let used = session.used();
        let filled = AutochromeSessionInfo {
            struct_size: 0,
            reserved: 0,
            model: used.model.as_ptr(),
            device: used.device.as_ptr(),
            fallback: used.fallback.as_ptr(),
        };
        caller.write(info, "info", &filled)
    })
}
