//! `AutochromeModelList`: created, read, freed.

use std::ptr;

use autochrome_abi::{
    AUTOCHROME_BAD_PARAMETER, AutochromeConfig, AutochromeModelInfo, AutochromeModelList, AutochromeStatus,
};

use super::folders;
use crate::failure::Failure;
use crate::fence::Caller;
use crate::handles::Handles;
use crate::{Backend, ModelEntry, call};

/// Every live list: strings that do not move until the list is freed.
static LISTS: Handles<Vec<ModelEntry>> = Handles::new("list");

/// # Safety
/// `config` is NULL or an `AutochromeConfig` whose folders are there, and `list` is NULL or a place for a handle.
pub unsafe extern "C" fn model_list_new<B: Backend>(
    config: *const AutochromeConfig,
    list: *mut *mut AutochromeModelList,
) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    call::status::<B>("model_list_new", || {
        caller.write_handle(list, "list", ptr::null_mut())?;
        let made = B::models(folders(&caller, config)?);
        caller.write_handle(list, "list", LISTS.insert(made))
    })
}

pub extern "C" fn model_list_len<B: Backend>(list: *const AutochromeModelList) -> usize {
    call::value::<B, _>("model_list_len", 0, || LISTS.get(list).map_or(0, |list| list.len()))
}

/// # Safety
/// `info` is NULL or an `AutochromeModelInfo` of the size it states.
pub unsafe extern "C" fn model_list_get<B: Backend>(
    list: *const AutochromeModelList,
    index: usize,
    info: *mut AutochromeModelInfo,
) -> AutochromeStatus {
    // SAFETY: this function's contract; nothing but its own arguments is followed.
    let caller = unsafe { Caller::new() };
    call::status::<B>("model_list_get", || {
        let list = LISTS.get(list)?;
        let model = list.get(index).ok_or_else(|| {
            let text = format!("index is {index}; expected less than the {} of the list", list.len());
            Failure::new(AUTOCHROME_BAD_PARAMETER, text)
        })?;
        let filled = AutochromeModelInfo {
            struct_size: 0,
            usable: u32::from(model.usable),
            name: model.name.as_ptr(),
            description: model.description.as_ptr(),
            folder: model.folder.as_ptr(),
            license: model.license.as_ptr(),
            problem: model.problem.as_ptr(),
            working_size: model.working_size,
            temperature: model.temperature,
        };
        caller.write(info, "info", &filled)
    })
}

/// # Safety
/// No string that the list gave is read from here on.
pub unsafe extern "C" fn model_list_free<B: Backend>(list: *mut AutochromeModelList) {
    call::value::<B, _>("model_list_free", (), || LISTS.remove(list));
}
