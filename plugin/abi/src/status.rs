//! Status codes, grouped by who is at fault. A number is never reused.

/// Result of a call: 0 is success, 1 to 99 the caller's fault, 100 to 199 the model's, 200 to 299 the device's, 300
/// and up the library's own. Treat an unknown number by its range.
pub type AutochromeStatus = i32;

/// Success.
pub const AUTOCHROME_OK: AutochromeStatus = 0;

/// A pointer that must not be NULL was NULL.
pub const AUTOCHROME_NULL_ARGUMENT: AutochromeStatus = 1;
/// A struct's `struct_size` is smaller than version 1.0 of that struct, or implausibly large.
pub const AUTOCHROME_BAD_STRUCT_SIZE: AutochromeStatus = 2;
/// An image's size, stride, format or memory is invalid.
pub const AUTOCHROME_BAD_IMAGE: AutochromeStatus = 3;
/// A parameter is outside its range.
pub const AUTOCHROME_BAD_PARAMETER: AutochromeStatus = 4;
/// A string is not UTF-8.
pub const AUTOCHROME_BAD_STRING: AutochromeStatus = 5;
/// The progress callback asked to stop; the output image is undefined.
pub const AUTOCHROME_CANCELLED: AutochromeStatus = 6;
/// The session is in use by another call.
pub const AUTOCHROME_SESSION_BUSY: AutochromeStatus = 7;
/// The session or list was not created by this library, or was already freed.
pub const AUTOCHROME_BAD_HANDLE: AutochromeStatus = 8;

/// No model of that name, or none at all, was found in the model folders.
pub const AUTOCHROME_MODEL_NOT_FOUND: AutochromeStatus = 100;
/// A model was found but is invalid.
pub const AUTOCHROME_MODEL_INVALID: AutochromeStatus = 101;

/// The requested device does not exist or cannot be used.
pub const AUTOCHROME_DEVICE_UNAVAILABLE: AutochromeStatus = 200;
/// Out of memory.
pub const AUTOCHROME_OUT_OF_MEMORY: AutochromeStatus = 201;

/// A bug in the library: it panicked, and the panic was caught at the boundary.
pub const AUTOCHROME_INTERNAL_PANIC: AutochromeStatus = 300;
/// A bug in the library or in libtorch: a step failed that cannot fail with checked inputs.
pub const AUTOCHROME_INTERNAL_ERROR: AutochromeStatus = 301;

/// Every status with its name in the header, in order: the one list shared by names, tests and documents.
pub const STATUS_NAMES: &[(AutochromeStatus, &str)] = &[
    (AUTOCHROME_OK, "AUTOCHROME_OK"),
    (AUTOCHROME_NULL_ARGUMENT, "AUTOCHROME_NULL_ARGUMENT"),
    (AUTOCHROME_BAD_STRUCT_SIZE, "AUTOCHROME_BAD_STRUCT_SIZE"),
    (AUTOCHROME_BAD_IMAGE, "AUTOCHROME_BAD_IMAGE"),
    (AUTOCHROME_BAD_PARAMETER, "AUTOCHROME_BAD_PARAMETER"),
    (AUTOCHROME_BAD_STRING, "AUTOCHROME_BAD_STRING"),
    (AUTOCHROME_CANCELLED, "AUTOCHROME_CANCELLED"),
    (AUTOCHROME_SESSION_BUSY, "AUTOCHROME_SESSION_BUSY"),
    (AUTOCHROME_BAD_HANDLE, "AUTOCHROME_BAD_HANDLE"),
    (AUTOCHROME_MODEL_NOT_FOUND, "AUTOCHROME_MODEL_NOT_FOUND"),
    (AUTOCHROME_MODEL_INVALID, "AUTOCHROME_MODEL_INVALID"),
    (AUTOCHROME_DEVICE_UNAVAILABLE, "AUTOCHROME_DEVICE_UNAVAILABLE"),
    (AUTOCHROME_OUT_OF_MEMORY, "AUTOCHROME_OUT_OF_MEMORY"),
    (AUTOCHROME_INTERNAL_PANIC, "AUTOCHROME_INTERNAL_PANIC"),
    (AUTOCHROME_INTERNAL_ERROR, "AUTOCHROME_INTERNAL_ERROR"),
];
