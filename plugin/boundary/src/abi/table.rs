//! The function table of a backend.

use autochrome_abi::{AUTOCHROME_ABI_MAJOR, AUTOCHROME_ABI_MINOR, AutochromeApi};

use super::{library, models, params, session};
use crate::Backend;

#[expect(clippy::cast_possible_truncation, reason = "the table is a few hundred bytes")]
const TABLE_BYTES: u32 = size_of::<AutochromeApi>() as u32;

/// The functions of this version for a backend: what a library's `autochrome_api` returns.
#[must_use]
pub const fn table<B: Backend>() -> AutochromeApi {
    AutochromeApi {
        struct_size: TABLE_BYTES,
        abi_major: AUTOCHROME_ABI_MAJOR,
        abi_minor: AUTOCHROME_ABI_MINOR,
        reserved: 0,
        version: library::version::<B>,
        status_name: library::status_name::<B>,
        last_error: library::last_error::<B>,
        params_init: params::params_init::<B>,
        session_new: session::session_new::<B>,
        session_free: session::session_free::<B>,
        colorize: session::colorize::<B>,
        session_info: session::session_info::<B>,
        model_list_new: models::model_list_new::<B>,
        model_list_len: models::model_list_len::<B>,
        model_list_get: models::model_list_get::<B>,
        model_list_free: models::model_list_free::<B>,
        confidence: session::confidence::<B>,
    }
}
