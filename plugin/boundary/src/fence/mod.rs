//! The fence: the one module with unsafe code, between a host and the safe rest.
//!
//! The idea: **everything a host passes in is checked here and leaves here as a safe value.** Structs are copied at
//! the size the host states, strings become `String`, images become bounds-checked views. What cannot be checked
//! (that a non-NULL pointer points to what its type says, that strings are terminated, that pixels do not change
//! meanwhile) is what the header demands of the host, and what each SAFETY comment relies on.
//!
//! A [`Caller`] stands for that promise: making one is unsafe, and whoever does vouches for every pointer passed to its
//! methods.

#![allow(unsafe_code, reason = "pointers of the C ABI are dereferenced here and nowhere else")]

mod own_path;
mod picture;

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;

use autochrome_abi::{
    AUTOCHROME_BAD_STRING, AUTOCHROME_BAD_STRUCT_SIZE, AUTOCHROME_NULL_ARGUMENT, AutochromeConfig,
    AutochromeImage, AutochromeModelInfo, AutochromeParams, AutochromeProgress, AutochromeSessionInfo,
};

use crate::failure::Failure;

pub use own_path::own_path;

/// No struct of any version is larger: a size beyond this is uninitialized memory.
const MAX_STRUCT_SIZE: usize = 4096;

/// A struct of the ABI.
///
/// # Safety
/// `repr(C)`, begins with `struct_size: u32`, and any bytes are a valid value.
pub unsafe trait Struct: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// Its size in version 1.0, which every host has. It stays the same when the struct grows.
    const SIZE_1_0: usize;
}

// SAFETY: numbers and raw pointers only, `struct_size` first.
unsafe impl Struct for AutochromeImage {
    const NAME: &'static str = "AutochromeImage";
    const SIZE_1_0: usize = 32;
}

// SAFETY: numbers and raw pointers only, `struct_size` first.
unsafe impl Struct for AutochromeParams {
    const NAME: &'static str = "AutochromeParams";
    const SIZE_1_0: usize = 40;
}

// SAFETY: numbers and raw pointers only, `struct_size` first.
unsafe impl Struct for AutochromeConfig {
    const NAME: &'static str = "AutochromeConfig";
    const SIZE_1_0: usize = 16;
}

// SAFETY: numbers and raw pointers only, `struct_size` first.
unsafe impl Struct for AutochromeModelInfo {
    const NAME: &'static str = "AutochromeModelInfo";
    const SIZE_1_0: usize = 56;
}

// SAFETY: numbers and raw pointers only, `struct_size` first.
unsafe impl Struct for AutochromeSessionInfo {
    const NAME: &'static str = "AutochromeSessionInfo";
    const SIZE_1_0: usize = 32;
}

/// The call that a host is making: whoever holds it may dereference the pointers of that call.
pub struct Caller(());

impl Caller {
    /// Made as an exported function is entered.
    ///
    /// # Safety
    /// Until the exported function returns, the methods are given nothing but pointers from its own arguments, and what
    /// the header asks of the host holds for these.
    pub unsafe fn new() -> Self {
        Self(())
    }

    /// Copies a struct up to the host's size; fields missing in its version are zero. A size is a multiple of the struct's
    /// alignment, so of any other the rest is part of a field, and is left out.
    pub fn read<T: Struct>(&self, given: *const T, what: &str) -> Result<T, Failure> {
        // SAFETY: the host states that it points to a T.
        let size = unsafe { struct_size(given, what) }?;
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: the host states that `size` bytes are there, and no more than T holds are copied; as T allows
        // any bytes, it is initialized.
        unsafe {
            let bytes = size.min(size_of::<T>()) / align_of::<T>() * align_of::<T>();
            std::ptr::copy_nonoverlapping(given.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), bytes);
            Ok(value.assume_init())
        }
    }

    /// Fills a struct up to the host's size. Its `struct_size` keeps the host's value.
    pub fn write<T: Struct>(&self, given: *mut T, what: &str, value: &T) -> Result<(), Failure> {
        // SAFETY: the host states that it points to a T.
        let size = unsafe { struct_size(given, what) }?;
        let keep = size_of::<u32>();
        let bytes = size.min(size_of::<T>()) - keep;
        // SAFETY: the host states that `size` bytes are there and its own; no more than T holds are copied.
        unsafe {
            let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), given.cast::<u8>());
            std::ptr::copy_nonoverlapping(from.add(keep), to.add(keep), bytes);
        }
        Ok(())
    }

    /// Writes a handle. Call it with NULL first, so that a failure leaves no stale handle behind.
    pub fn write_handle<T>(&self, given: *mut *mut T, what: &str, handle: *mut T) -> Result<(), Failure> {
        not_null(given, what)?;
        // SAFETY: the host states that it points to a pointer of its own; nothing is read from it.
        unsafe { given.write_unaligned(handle) };
        Ok(())
    }

    /// An optional string: NULL and empty are `None`.
    pub fn text(&self, given: *const c_char, what: &str) -> Result<Option<String>, Failure> {
        if given.is_null() {
            return Ok(None);
        }
        // SAFETY: the host states that the string is NUL-terminated and does not change during the call.
        let bytes = unsafe { CStr::from_ptr(given) };
        let text = bytes.to_str().map_err(|error| {
            let at = error.valid_up_to();
            Failure::new(AUTOCHROME_BAD_STRING, format!("{what} is not UTF-8: byte {at} is invalid"))
        })?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// `count` strings, all required.
    pub fn texts(
        &self,
        given: *const *const c_char,
        count: usize,
        what: &str,
    ) -> Result<Vec<String>, Failure> {
        if count == 0 {
            return Ok(Vec::new());
        }
        not_null(given, what)?;
        let one = |index: usize| {
            let name = format!("{what}[{index}]");
            // SAFETY: the host states that the array holds `count` pointers, and `index` is below it.
            let item = unsafe { given.add(index).read_unaligned() };
            let empty = || Failure::new(AUTOCHROME_NULL_ARGUMENT, format!("{name} is NULL or empty"));
            self.text(item, &name)?.ok_or_else(empty)
        };
        (0..count).map(one).collect()
    }

    /// The host's progress callback as a closure.
    pub fn progress(
        &self,
        callback: AutochromeProgress,
        user_data: *mut c_void,
    ) -> impl FnMut(f32) -> ControlFlow<()> {
        move |fraction| {
            let Some(callback) = callback else { return ControlFlow::Continue(()) };
            // SAFETY: the host states that the function may be called with its own `user_data`, on this thread,
            // as long as the call lasts.
            match unsafe { callback(fraction, user_data) } {
                0 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }
    }
}

fn not_null<T>(given: *const T, what: &str) -> Result<(), Failure> {
    if given.is_null() {
        return Err(Failure::new(AUTOCHROME_NULL_ARGUMENT, format!("{what} is NULL")));
    }
    Ok(())
}

/// The host's `struct_size`, if plausible.
///
/// # Safety
/// `given` is NULL or points to a T, of which no more than `struct_size` is read.
unsafe fn struct_size<T: Struct>(given: *const T, what: &str) -> Result<usize, Failure> {
    not_null(given, what)?;
    // SAFETY: not NULL, and a T opens with this number.
    let stated = unsafe { given.cast::<u32>().read_unaligned() };
    let least = T::SIZE_1_0;
    match usize::try_from(stated) {
        Ok(size) if (least..=MAX_STRUCT_SIZE).contains(&size) => Ok(size),
        _ => Err(Failure::new(
            AUTOCHROME_BAD_STRUCT_SIZE,
            format!(
                "{what}->struct_size is {stated}; expected at least {least}: set it to sizeof({})",
                T::NAME
            ),
        )),
    }
}
