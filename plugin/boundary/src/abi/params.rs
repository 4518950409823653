//! `AutochromeParams`: defaults and ranges.

use std::ptr;

use autochrome_abi::{AUTOCHROME_BAD_PARAMETER, AutochromeImage, AutochromeParams, AutochromeStatus};
use autochrome_pixels::limits::{MAX_THREADS, STRENGTHS, TEMPERATURES, WORKING_SIZES, words};

use crate::failure::Failure;
use crate::fence::Caller;
use crate::{Backend, Request, call};

/// What `params_init` writes, and what a call without params gets.
const DEFAULTS: AutochromeParams = AutochromeParams {
    struct_size: 0,
    working_size: 0,
    strength: 1.0,
    temperature: -1.0,
    threads: 0,
    reserved: 0,
    model: ptr::null(),
    device: ptr::null(),
    hints: ptr::null(),
};

/// # Safety
/// `params` is NULL or an `AutochromeParams` of the size it states.
pub unsafe extern "C" fn params_init<B: Backend>(params: *mut AutochromeParams) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    call::status::<B>("params_init", || caller.write(params, "params", &DEFAULTS))
}

/// The params of a call, with every range checked, and where its hints are.
pub fn request(
    caller: &Caller,
    params: *const AutochromeParams,
) -> Result<(Request, *const AutochromeImage), Failure> {
    let params = if params.is_null() { DEFAULTS } else { caller.read(params, "params")? };
    let (strength, temperature) = (params.strength, params.temperature);
    check("strength", strength, STRENGTHS.contains(&strength), &words(&STRENGTHS))?;
    let expected = format!("{}, or negative for the model's own", words(&TEMPERATURES));
    let holds = temperature < 0.0 || TEMPERATURES.contains(&temperature);
    check("temperature", temperature, holds, &expected)?;
    let size = params.working_size;
    let expected = format!("{}, or 0 for the model's own", words(&WORKING_SIZES));
    check("working_size", size, size == 0 || WORKING_SIZES.contains(&size), &expected)?;
    let expected = format!("at most {MAX_THREADS}, or 0 for all cores");
    check("threads", params.threads, params.threads <= MAX_THREADS, &expected)?;
    check("reserved", params.reserved, params.reserved == 0, "0")?;
    let request = Request {
        model: caller.text(params.model, "params->model")?,
        device: caller.text(params.device, "params->device")?,
        working_size: Some(size).filter(|size| *size != 0),
        strength: params.strength,
        temperature: Some(params.temperature).filter(|temperature| *temperature >= 0.0),
        threads: params.threads as usize,
    };
    Ok((request, params.hints))
}

fn check(name: &str, got: impl std::fmt::Display, holds: bool, expected: &str) -> Result<(), Failure> {
    if holds {
        return Ok(());
    }
    Err(Failure::new(AUTOCHROME_BAD_PARAMETER, format!("params->{name} is {got}; expected {expected}")))
}
