//! `AutochromeSession`: created, used, freed.

use std::ffi::c_void;
use std::ptr;

use autochrome_abi::{
    AutochromeConfig, AutochromeImage, AutochromeParams, AutochromeProgress, AutochromeSession,
    AutochromeSessionInfo, AutochromeStatus,
};

use super::{folders, params};
use crate::call::{self, SESSIONS, Seat};
use crate::{Backend, Map};

pub extern "C" fn session_new<B: Backend>(
    config: *const AutochromeConfig,
    session: *mut *mut AutochromeSession,
) -> AutochromeStatus {
    call::status("session_new", |caller| {
        caller.write_handle(session, "session", ptr::null_mut())?;
        let made = B::session(folders(caller, config)?)?;
        caller.write_handle(session, "session", SESSIONS.insert(Seat::new(Box::new(made))))
    })
}

pub extern "C" fn session_free(session: *mut AutochromeSession) {
    call::value("session_free", (), || SESSIONS.remove(session));
}

pub extern "C" fn colorize(
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    input: *const AutochromeImage,
    output: *const AutochromeImage,
    progress: AutochromeProgress,
    user_data: *mut c_void,
) -> AutochromeStatus {
    call::on_session("colorize", session, |caller, session| {
        let request = params::request(caller, params)?;
        let mut progress = caller.progress(progress, user_data);
        caller.with_pictures(input, output, |input, output| {
            session.paint(Map::Colors, &request, input, output, &mut progress)
        })
    })
}

pub extern "C" fn confidence(
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    input: *const AutochromeImage,
    output: *const AutochromeImage,
    progress: AutochromeProgress,
    user_data: *mut c_void,
) -> AutochromeStatus {
    call::on_session("confidence", session, |caller, session| {
        let request = params::request(caller, params)?;
        let mut progress = caller.progress(progress, user_data);
        caller.with_pictures(input, output, |input, output| {
            session.paint(Map::Confidence, &request, input, output, &mut progress)
        })
    })
}

pub extern "C" fn session_info(
    session: *const AutochromeSession,
    info: *mut AutochromeSessionInfo,
) -> AutochromeStatus {
    call::on_session("session_info", session, |caller, session| {
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
